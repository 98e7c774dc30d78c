/* launcher init: the first program in the jail. It takes a message, forks the job, holds it at the gate, and then
 * does nothing but reap and report; where the message says that another follows (a compiler's run comes before that of
 * what it compiled), once more, in the same jail. It is PID 1 of the jail in bwrap and nsjail, not in firejail.
 *
 * The job has init's uid, so init keeps out of its reach: not dumpable (no ptrace, no /proc/PID/fd), every signal
 * blocked, a session of its own. SIGKILL and SIGSTOP are kept from a PID 1 by the kernel, elsewhere by load_guard().
 * A job that gets at it all the same, say with an RLIMIT_CPU of 0 for it, ends the jail and with it itself: `started`,
 * and then no outcome.
 */
#include "launcher.h"

#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

enum { LAST_KILL_MS = 2000 };

static const char *const FAILURES[] = {
    [FORK] = "armfail fork",   [SETSID] = "armfail setsid", [STDIO] = "armfail stdio",
    [CHDIR] = "armfail chdir", [RLIMIT] = "armfail rlimit", [NO_NEW_PRIVS] = "armfail no_new_privs",
    [GUARD] = "armfail guard", [FILTER] = "armfail filter", [ABOUT_TO_EXEC] = "execfail",
};

struct jail {
    int control, children; /* our end of the socketpair; a signalfd for SIGCHLD */
    int gate, reports;     /* our ends of two pipes to the job; reports is -1 once it came to its end */
    pid_t job;
    bool gate_open, ended;
    bool jailed; /* a gate was opened: the supervisor has seen that this is a jail, and all in it is ours to kill */
    int status;  /* of the job, as wait4 has it */
    struct report last;
    struct {
        int64_t user_us, system_us, resident_kib;
    } total; /* of all that was reaped */
};

/* What the jailer holds must not reach the job. Where it left 0, 1 or 2 closed they are filled: no fd of ours may land
 * there, since the child puts the job's stdio over them. O_PATH needs no file but the root. */
static int keep_only(const char *control_fd) {
    int fd, control = (int)number_of(control_fd, "init: bad fd");
    if (control <= STDERR_FILENO) refuse("init: bad fd", control_fd);
    if (fcntl(control, F_SETFD, FD_CLOEXEC) || fcntl(control, F_SETFL, 0)) die("init: fd", control_fd);
    if (control > 3 && syscall(SYS_close_range, 3U, (unsigned)control - 1, 0)) die("init: close_range", "");
    if (syscall(SYS_close_range, (unsigned)control + 1, ~0U, 0)) die("init: close_range", "");
    do fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0) die("init: open /", "");
    close(fd);
    return control;
}

/* Returns the signalfd. */
static int settle(void) {
    reset_signals();
    set_signal_mask(true);
    umask(022);
    if (prctl(PR_SET_DUMPABLE, 0)) die("init: dumpable", "");
    if (prctl(PR_SET_CHILD_SUBREAPER, 1)) die("init: subreaper", "");
    uint64_t set = UINT64_C(1) << (SIGCHLD - 1);
    int children = (int)syscall(SYS_signalfd4, -1, &set, sizeof set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (children < 0) die("init: signalfd", "");
    return children;
}

/* Out of the jailer's process group: kill(0) of the one must not reach the other. Not before the supervisor knows of us:
 * until then it finds what a killed jailer leaves, and whom it has to reap, by that group. */
static void leave_group(void) {
    if (setsid() < 0 && getsid(0) != getpid()) die("init: setsid", "");
}

/* The first bytes, which bring the job's stdio: three fds and nothing else. */
static size_t receive_stdio(int control, void *bytes, size_t size, int *stdio) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(STDIO_FDS * sizeof(int)) + 64]; /* room to see that there are more */
    } rights;
    struct iovec text = {bytes, size};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};
    ssize_t got = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) refuse("init: the supervisor is gone", "");
    bool three = message.msg_controllen == CMSG_SPACE(STDIO_FDS * sizeof(int)) &&
                 rights.header.cmsg_level == SOL_SOCKET && rights.header.cmsg_type == SCM_RIGHTS &&
                 rights.header.cmsg_len == CMSG_LEN(STDIO_FDS * sizeof(int));
    if (!three) refuse("init: bad message: not three fds", "");
    memcpy(stdio, CMSG_DATA(&rights.header), STDIO_FDS * sizeof(int));
    return (size_t)got;
}

/* By read, which lets go of fds that come with the bytes. */
static void receive(int control, char *bytes, size_t size) {
    while (size) {
        ssize_t got = read(control, bytes, size);
        if (got <= 0) refuse("init: the supervisor is gone", "");
        bytes += got;
        size -= (size_t)got;
    }
}

static void receive_message(int control, struct message *message, int *stdio) {
    char length_bytes[sizeof(uint32_t)], byte;
    uint32_t length;
    size_t got = receive_stdio(control, length_bytes, sizeof length_bytes, stdio);
    receive(control, length_bytes + got, sizeof length_bytes - got);
    memcpy(&length, length_bytes, sizeof length);
    if (!length || length > MESSAGE_MAX) refuse("init: bad message: length", "");
    char *bytes = map_memory(length);
    receive(control, bytes, length);
    if (!parse_message(bytes, length, message)) refuse("init: bad message: malformed", "");
    /* A byte too many would open the gate. */
    if (recv(control, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) refuse("init: bad message: too long", "");
}

static void start(struct jail *jail, const struct message *message, const int *stdio) {
    int gate[2], reports[2];
    if (pipe2(gate, O_CLOEXEC) || pipe2(reports, O_CLOEXEC | O_NONBLOCK)) die("init: pipe", "");
    struct child child = {message, stdio, jail->control, gate[0], reports[1], getpid()};
    jail->gate_open = jail->ended = false;
    jail->last = (struct report){NO_STEP, 0};
    memset(&jail->total, 0, sizeof jail->total);
    jail->job = fork();
    if (jail->job == 0) {
        close(gate[1]); /* or the child would not see init's end */
        become_job(&child);
    }
    if (jail->job < 0) {
        jail->last = (struct report){FORK, errno};
        jail->ended = true;
    }
    close(gate[0]);
    close(reports[1]);
    for (int i = 0; i < STDIO_FDS; i++) close(stdio[i]); /* or the supervisor would not see the end of the streams */
    jail->gate = gate[1];
    jail->reports = reports[0];
}

/* `started` is not said of a child that was killed at the gate. */
static void read_reports(struct jail *jail) {
    struct report report;
    ssize_t got = -1;
    while (jail->reports >= 0 && (got = read(jail->reports, &report, sizeof report)) > 0) jail->last = report;
    if (got != 0) return;
    close(jail->reports);
    jail->reports = -1;
    if (jail->last.step == ABOUT_TO_EXEC && !jail->last.error) say(jail->control, "started", NULL, 0);
}

/* What it used, and what it had reaped itself: its own RUSAGE_CHILDREN is in it. */
static void count(struct jail *jail, const struct rusage *usage) {
    jail->total.user_us += (int64_t)usage->ru_utime.tv_sec * 1000000 + usage->ru_utime.tv_usec;
    jail->total.system_us += (int64_t)usage->ru_stime.tv_sec * 1000000 + usage->ru_stime.tv_usec;
    if (usage->ru_maxrss > jail->total.resident_kib) jail->total.resident_kib = usage->ru_maxrss;
}

/* One a call: a job that makes orphans faster than they are reaped must not keep us from the lifeline. */
static pid_t reap_one(struct jail *jail) {
    struct signalfd_siginfo signals;
    struct rusage usage;
    int status = 0;
    ssize_t ignored = read(jail->children, &signals, sizeof signals); /* before wait4: what comes later shows again */
    (void)ignored;
    pid_t pid = wait4(-1, &status, WNOHANG, &usage);
    /* Or it stopped: PTRACE_TRACEME made us its tracer. */
    bool ended = pid > 0 && (WIFEXITED(status) || WIFSIGNALED(status));
    if (ended) count(jail, &usage);
    if (ended && pid == jail->job) {
        jail->status = status;
        jail->ended = true;
    }
    return pid;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* No fork outruns kill(-1): the kernel sends it under the lock that a fork needs, and a fork with SIGKILL pending
 * fails. Orphans come to us, so when wait4 knows no child there is no process left. One that can't die yet, asleep on
 * a disk, is left to the kernel in the end: a namespace goes with its PID 1. */
static void kill_and_reap_all(struct jail *jail) {
    struct pollfd children = {jail->children, POLLIN, 0};
    int64_t deadline = now_ms() + LAST_KILL_MS;
    pid_t pid;
    do {
        if (jail->jailed) kill(-1, SIGKILL);
        while ((pid = reap_one(jail)) > 0 && now_ms() < deadline) continue;
        if (pid == 0) poll(&children, 1, 10);
    } while (pid >= 0 && now_ms() < deadline);
}

static _Noreturn void lifeline_ended(struct jail *jail) {
    if (!jail->jailed) kill(jail->job, SIGKILL); /* not reaped yet: the pid is still its own */
    else if (getpid() != 1) kill_and_reap_all(jail); /* for a PID 1 the kernel does it, and faster */
    _exit(EXIT_LAUNCHER);
}

static void read_control(struct jail *jail) {
    char byte;
    ssize_t got = recv(jail->control, &byte, 1, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) lifeline_ended(jail); /* an error too: ECONNRESET, when our records were not read */
    if (jail->gate_open) return;
    jail->gate_open = jail->jailed = true;
    ssize_t ignored = write(jail->gate, &byte, 1); /* the child may be dead, and SIGPIPE is blocked */
    (void)ignored;
}

static void watch(struct jail *jail) {
    bool busy = false;
    while (!jail->ended) {
        struct pollfd fds[] = {{jail->control, POLLIN, 0}, {jail->children, POLLIN, 0}, {jail->reports, POLLIN, 0}};
        /* The job may lower the RLIMIT_NOFILE of a process of its uid. poll then fails: that must not make us spin. */
        if (poll(fds, 3, busy ? 0 : -1) < 0) poll(NULL, 0, 10);
        read_reports(jail);
        read_control(jail);
        busy = reap_one(jail) > 0;
    }
    read_reports(jail);
}

static void say_outcome(const struct jail *jail) {
    int status = jail->status;
    if (jail->last.error) say(jail->control, FAILURES[jail->last.step], (int64_t[]){jail->last.error}, 1);
    else if (WIFSIGNALED(status)) say(jail->control, "signal", (int64_t[]){WTERMSIG(status), !!WCOREDUMP(status)}, 2);
    else say(jail->control, "exit", (int64_t[]){WEXITSTATUS(status)}, 1);
}

/* A job from its message to its last record; says whether another follows. What its message took is kept: there are a
 * few at most. */
static bool run(struct jail *jail, bool first) {
    struct message message;
    int stdio[STDIO_FDS];
    receive_message(jail->control, &message, stdio);
    if (first) show_scratch(jail->control, message.scratch);
    if (message.flags & TERMINAL) give_terminal(jail->control, stdio);
    start(jail, &message, stdio);
    watch(jail);
    say_outcome(jail);
    kill_and_reap_all(jail); /* before the total: what orphans used is part of it */
    close(jail->gate);
    if (jail->reports >= 0) close(jail->reports);
    say(jail->control, "total", (int64_t[]){jail->total.user_us, jail->total.system_us, jail->total.resident_kib}, 3);
    return message.flags & ANOTHER_FOLLOWS;
}

_Noreturn void init(const char *control_fd) {
    struct jail jail = {.control = keep_only(control_fd)};
    jail.children = settle();
    say(jail.control, "ready", NULL, 0);
    leave_group();
    for (bool first = true; run(&jail, first); first = false) continue;
    _exit(0);
}
