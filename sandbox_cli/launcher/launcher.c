/* launcher: the small program on both sides of the jailer, which makes the jailers alike.
 *
 *   launcher enter OPTIONS -- JAILER ARGS...   outside, before the jailer (enter.c)
 *   launcher init FD                           the first program in the jail (init.c)
 *
 * The supervisor starts `enter`, which becomes the jailer, which makes the jail and starts `init` in it through an
 * inherited fd (/proc/self/fd/4), so that this file need not be visible there. FD is one end of a unix stream
 * socketpair, the other is the supervisor's. It is the whole protocol:
 *
 *   init       ready                          its pid comes with it by SCM_CREDENTIALS, as with each record
 *   supervisor MESSAGE                        what to run, and how (message.c); carries the job's three stdio fds
 *   init       dir | nodir ERRNO              dir carries an fd of scratch
 *   init       tty | notty ERRNO              where the message asks for a terminal; tty carries our end of it
 *   child      armed                          rlimits and filter are on; it waits at the gate (job.c)
 *   supervisor one byte                       the gate: it looked at the jail from outside and found it sound
 *   init       started                        execve took place
 *   init       execfail ERRNO | armfail STEP ERRNO | exit N | signal N CORE
 *   init       total USER_US SYSTEM_US MAXRSS_KIB
 *
 * Each record is a line and one send. The end of file on the socket is the lifeline: it means that the supervisor is
 * gone, however it went. After the gate, init then kills everything in the jail. Before it, init only kills its own
 * child: nobody has found yet that this is a jail, and kill(-1) in what is none would take the user's session.
 */
#include "launcher.h"

#include <sys/mman.h>

/* A line of text, cut off where it would grow too long. */
struct line {
    char text[256];
    size_t length;
};

static void add_text(struct line *line, const char *text) {
    while (*text && line->length < sizeof line->text) line->text[line->length++] = *text++;
}

static void add_number(struct line *line, int64_t number) {
    char digits[21], *first = digits + sizeof digits - 1;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *first = 0;
    do *--first = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) add_text(line, "-");
    add_text(line, first);
}

/* `launcher: WHAT SUBJECT: errno N` on stderr. */
_Noreturn void die(const char *what, const char *subject) {
    int error = errno;
    struct line line = {.length = 0};
    add_text(&line, "launcher: ");
    add_text(&line, what);
    if (*subject) add_text(&line, " ");
    add_text(&line, subject);
    if (line.length > sizeof line.text - 24) line.length = sizeof line.text - 24; /* room for the errno */
    if (error) {
        add_text(&line, ": errno ");
        add_number(&line, error);
    }
    add_text(&line, "\n");
    ssize_t ignored = write(STDERR_FILENO, line.text, line.length);
    (void)ignored;
    _exit(EXIT_LAUNCHER);
}

_Noreturn void refuse(const char *what, const char *subject) {
    errno = 0;
    die(what, subject);
}

/* Below UINT32_MAX, which as a uid would mean "leave as it is". */
uint32_t number_of(const char *text, const char *what) {
    uint64_t number = 0;
    const char *digit = text;
    while (*digit >= '0' && *digit <= '9' && number < UINT32_MAX) number = number * 10 + (uint64_t)(*digit++ - '0');
    if (digit == text || *digit || number >= UINT32_MAX) refuse(what, text);
    return (uint32_t)number;
}

void *map_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) die("memory", "");
    return memory;
}

int control_device(int fd, unsigned long request, long argument) {
    return (int)syscall(SYS_ioctl, (long)fd, request, argument);
}

/* One record. By write, one of the four calls that the child still makes under the job's filter. */
void say(int control, const char *word, const int64_t *numbers, int count) {
    struct line line = {.length = 0};
    add_text(&line, word);
    for (int i = 0; i < count; i++) {
        add_text(&line, " ");
        add_number(&line, numbers[i]);
    }
    add_text(&line, "\n");
    ssize_t ignored = write(control, line.text, line.length); /* the supervisor's end shows as that of the lifeline */
    (void)ignored;
}

/* Signals by the kernel's own calls: C libraries keep 32 and 33 to themselves, and the job would inherit those. */
void set_signal_mask(bool blocked) {
    uint64_t mask = blocked ? UINT64_MAX : 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

/* Python hands an ignored SIGPIPE and SIGXFSZ on to its children, nohup SIGHUP. */
void reset_signals(void) {
    struct {
        void *handler; /* NULL: SIG_DFL */
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {0};
    for (int signal = 1; signal <= 64; signal++) /* fails for SIGKILL and SIGSTOP, which can't be ignored */
        syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof action.mask);
    set_signal_mask(false);
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], "enter")) enter(argv + 2);
    if (argc == 3 && !strcmp(argv[1], "init")) init(argv[2]);
    refuse("usage: launcher enter OPTIONS -- JAILER ARGS... | launcher init FD", "");
}
