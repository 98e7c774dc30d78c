/* What the parts of the launcher share. No stdio and no malloc anywhere: a static binary stays small and starts fast.
 * No signal has a handler: the kernel restarts what a stop interrupts, and EINTR is not seen. */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open /* newer than some C libraries; the same numbers on every machine */
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { EXIT_LAUNCHER = 125 }; /* the launcher failed, or nobody is left to hear of it */

/* launcher.c */
_Noreturn void die(const char *what, const char *subject);    /* with errno: a call failed */
_Noreturn void refuse(const char *what, const char *subject); /* without: we did not like something */
uint32_t number_of(const char *text, const char *what);
void say(int control, const char *word, const int64_t *numbers, int count);
void set_signal_mask(bool blocked);
void reset_signals(void);
void *map_memory(size_t size);
int control_device(int fd, unsigned long request, long argument); /* ioctl, which C libraries declare in two ways */

/* message.c; pointers lead into the message's own bytes */
struct limit {
    uint64_t resource, soft, hard;
};
/* Flags of a message: another job is to run after this one; this one gets a terminal of its own. */
enum { ANOTHER_FOLLOWS = 1, TERMINAL = 2, FLAGS = ANOTHER_FOLLOWS | TERMINAL };
struct message {
    uint32_t flags, argc, envc, limit_count, filter_length;
    const struct limit *limits;
    const struct sock_filter *filter;
    char *scratch, *directory, *path, *strings;
};
enum { MESSAGE_MAX = 8 << 20 };
bool parse_message(char *bytes, size_t size, struct message *message);
void fill_vectors(const struct message *message, char **argv, char **envp);

/* job.c: the child tells init how far it came, through a pipe that execve closes. ABOUT_TO_EXEC without an error, and
 * then the end of the file, means that execve took place. */
enum { STDIO_FDS = 3 };
enum step { FORK, SETSID, STDIO, CHDIR, RLIMIT, NO_NEW_PRIVS, GUARD, FILTER, ABOUT_TO_EXEC, NO_STEP };
struct report {
    enum step step;
    int error;
};
struct child {
    const struct message *message;
    const int *stdio;           /* STDIO_FDS fds, each above 2 */
    int control, gate, reports; /* its ends of the socket and of two pipes */
    pid_t init;
};
_Noreturn void become_job(const struct child *child);

/* give.c */
void show_scratch(int control, const char *scratch);
void give_terminal(int control, int *stdio); /* which it replaces */

_Noreturn void enter(char **arguments);
_Noreturn void init(const char *control_fd);

#endif
