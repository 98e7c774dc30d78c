/* launcher enter: everything that must happen outside, in the process that becomes the jailer.
 *
 *   -p PID   the supervisor: where it is gone already, nothing starts
 *   -c FD    the highest fd that the jailer gets (2)
 *   -g FILE  a cgroup.procs to join; repeatable
 *   -b S:D   bind mount directory S on directory D; repeatable, split at the last colon
 *   -s DIR -o OPTIONS   mount a tmpfs with these options on DIR: the sized scratch
 *   -u UID -G GID       whom to become; never root
 *   -w FD    stay as the jailer's watcher, below; FD is its lifeline
 *
 * Each option is one letter and has a value. A failure is one line on stderr and exit 125.
 */
#include "launcher.h"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>

enum { OOM_SCORE = 500 }; /* of -1000 to 1000: as if half of the memory were its own */
static const char OOM_SCORE_TEXT[] = "500";

struct options {
    uint32_t parent, highest_fd, uid, gid, lifeline; /* 0: not given */
    const char *scratch, *scratch_options;
    bool account, binds;
    char **first, **end; /* letters and values, for those that can be repeated */
    char **jailer;
};

static void read_option(struct options *options, const char *option, const char *value) {
    switch (option[1]) {
    case 'p': options->parent = number_of(value, "enter: bad -p"); break;
    case 'c': options->highest_fd = number_of(value, "enter: bad -c"); break;
    case 'u': options->uid = number_of(value, "enter: bad -u"), options->account = true; break;
    case 'G': options->gid = number_of(value, "enter: bad -G"), options->account = true; break;
    case 'w': options->lifeline = number_of(value, "enter: bad -w"); break;
    case 's': options->scratch = value; break;
    case 'o': options->scratch_options = value; break;
    case 'b': options->binds = true; break;
    case 'g': break;
    default: refuse("enter: unknown option", option);
    }
}

static struct options parse(char **arguments) {
    struct options options = {.highest_fd = STDERR_FILENO, .first = arguments};
    for (; *arguments && strcmp(*arguments, "--") != 0; arguments += 2) {
        const char *option = arguments[0];
        if (option[0] != '-' || !option[1] || option[2] || !arguments[1]) refuse("enter: bad option", option);
        read_option(&options, option, arguments[1]);
    }
    if (!arguments[0] || !arguments[1]) refuse("enter: no jailer", "");
    options.end = arguments;
    options.jailer = arguments + 1;

    if (options.account && (!options.uid || !options.gid)) refuse("enter: -u and -G go together, without root", "");
    if (!options.scratch != !options.scratch_options) refuse("enter: -s and -o go together", "");
    bool kept = options.lifeline > STDERR_FILENO && options.lifeline <= options.highest_fd;
    if (options.lifeline && !kept) refuse("enter: -w must be kept by -c", "");
    return options;
}

/* Before the jailer starts: when it is moved later, its children stay where they are and are not counted. */
static void join_group(const char *procs) {
    int fd = open(procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) die("enter: group", procs);
    close(fd);
}

/* When the host runs out of memory, a job goes before what it runs beside. Nobody needs a privilege to be killed sooner;
 * where it can't be said, nothing that was promised is lost. */
static void offer_to_the_oom_killer(void) {
    char inherited[16] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t length = read(fd, inherited, sizeof inherited - 1); /* a number and a line feed */
    if (length > 1) inherited[length - 1] = 0;
    if (length > 1 && (*inherited == '-' || number_of(inherited, "enter: bad oom_score_adj") < OOM_SCORE)) {
        ssize_t written = pwrite(fd, OOM_SCORE_TEXT, sizeof OOM_SCORE_TEXT - 1, 0);
        (void)written;
    }
    close(fd);
}

/* With what is mounted below the source: without it, what such a mount covers would show. */
static void bind_directory(char *pair) {
    char *colon = strrchr(pair, ':');
    if (!colon) refuse("enter: bad -b", pair);
    *colon = 0;
    if (mount(pair, colon + 1, NULL, MS_BIND | MS_REC, NULL)) die("enter: bind", pair);
}

/* In a mount namespace of our own, of which the jailer's is a copy: nothing shows on the host, nothing is left to
 * unmount. Nothing that the host mounts from here on shows in the jail, either: it would have the host's flags, and be
 * writable below what is shown read-only. */
static void mount_all(const struct options *options) {
    if (!options->scratch && !options->binds) return;
    if (unshare(CLONE_NEWNS)) die("enter: mount namespace", "");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) die("enter: mount propagation", "");
    for (char **option = options->first; option < options->end; option += 2)
        if (option[0][1] == 'b') bind_directory(option[1]);
    if (options->scratch && mount("sandbox", options->scratch, "tmpfs", MS_NOSUID | MS_NODEV, options->scratch_options))
        die("enter: scratch", options->scratch);
}

static void become(uid_t uid, gid_t gid) {
    if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) die("enter: account", "");
}

static void check_parent(uint32_t parent) {
    if (parent && (uint32_t)getppid() != parent) refuse("enter: the supervisor is gone", "");
}

/* After become(), since a change of uid clears it; and before the check, which sees a parent that died earlier. */
static void die_with(uint32_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL)) die("enter: parent-death signal", "");
    check_parent(parent);
}

static _Noreturn void watch(pid_t jailer, int lifeline) {
    int status = 0, end = (int)syscall(SYS_pidfd_open, jailer, 0);
    set_signal_mask(true); /* who asks a watcher to end would only rid the jailer of it */
    if (end < 0 || dup2(lifeline, STDIN_FILENO) < 0 || dup2(end, STDOUT_FILENO) < 0) {
        kill(jailer, SIGKILL);
        die("enter: watcher", "");
    }
    syscall(SYS_close_range, STDERR_FILENO, ~0U, 0); /* the jail's socket too, whose end must not wait for us */
    struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {STDOUT_FILENO, POLLIN, 0}};
    poll(fds, 2, -1);
    if (!fds[1].revents) {
        kill(jailer, SIGKILL); /* not reaped yet: the pid is still its own */
        waitpid(jailer, &status, 0);
        kill(0, SIGKILL); /* our group, ourselves too: a jailer that was starting leaves a child that waits for it forever */
    }
    waitpid(jailer, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* A parent stays, where the parent-death signal does not do: a set-uid exec clears it, and it ends the jailer alone,
 * not the child that bwrap has just cloned. The watcher kills them at the end of the lifeline, a pipe whose other end is
 * the supervisor's alone. It has no parent-death signal, which would kill it before it can. To end such a jail close
 * the lifeline: a set-uid jailer outlives a watcher that is killed.
 *
 * Not dumpable, or /proc/PID/exe would lead to this file: a job whose program is a script of `#!/proc/self/exe enter` is
 * the launcher once more, in the jail, and what that starts would have the host's launcher in its hands, which the job's
 * account may own. */
static void stay_as_watcher(const struct options *options) {
    check_parent(options->parent);
    if (prctl(PR_SET_DUMPABLE, 0)) die("enter: dumpable", "");
    pid_t self = getpid(), jailer = fork();
    if (jailer < 0) die("enter: fork", "");
    if (jailer) watch(jailer, (int)options->lifeline);
    close((int)options->lifeline);
    die_with((uint32_t)self); /* up to the exec */
}

_Noreturn void enter(char **arguments) {
    struct options options = parse(arguments);
    reset_signals();
    umask(022);
    /* The caller's terminal is out of reach of another session. Who leads one already can't, and need not. */
    if (setsid() < 0 && getsid(0) != getpid()) die("enter: setsid", "");
    for (char **option = options.first; option < options.end; option += 2)
        if (option[0][1] == 'g') join_group(option[1]);
    offer_to_the_oom_killer();
    if (syscall(SYS_close_range, options.highest_fd + 1, ~0U, 0)) die("enter: close_range", "");
    mount_all(&options);
    if (options.account) become(options.uid, options.gid);
    if (options.lifeline) stay_as_watcher(&options);
    else die_with(options.parent);
    execv(options.jailer[0], options.jailer);
    die("enter: exec", options.jailer[0]);
}
