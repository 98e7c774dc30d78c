/* The child of init that becomes the job: everything that the job inherits is set here, in an order that matters. */
#include "launcher.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "the launcher knows x86_64 and aarch64"
#endif
#define X32_CALLS 0x40000000 /* the same calls of x86_64 again, under other numbers */

static int load(const struct sock_filter *code, size_t length) {
    struct sock_fprog program = {(unsigned short)length, (struct sock_filter *)code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* A PID namespace keeps the signals of its processes from its PID 1. Where init is not that, it gets the same, and so
 * does the jailer's PID 1: a signal that is aimed at them does nothing and succeeds. kill(-1) would hit init with all
 * others, and finds nobody instead. Calls of another machine or of x32 would pass under other numbers: none does. */
static int load_guard(uint32_t init) {
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tkill, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigqueueinfo, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_tgsigqueueinfo, 2, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        /* the lower half of the first argument, which is all that the kernel takes of a pid */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, init, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, -init, 2, 0), /* its process group */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 2, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ESRCH),
    };
    return load(code, sizeof code / sizeof *code);
}

static int set_stdio(const int *stdio, bool terminal) {
    for (int fd = 0; fd < STDIO_FDS; fd++)
        if (dup2(stdio[fd], fd) < 0) return -1; /* onto another fd: the copy stays open over execve */
    return terminal ? control_device(STDIN_FILENO, TIOCSCTTY, 0) : 0;
}

static int set_limits(const struct message *message) {
    for (uint32_t i = 0; i < message->limit_count; i++) {
        const struct limit *limit = &message->limits[i];
        uint64_t soft_and_hard[] = {limit->soft, limit->hard};
        if (syscall(SYS_prlimit64, 0, limit->resource, soft_and_hard, NULL)) return -1;
    }
    return 0;
}

/* The step that failed, with errno, or NO_STEP. The filters come last, since they may deny what the others need. */
static enum step arm(const struct child *child) {
    const struct message *message = child->message;
    if (setsid() < 0) return SETSID;
    if (set_stdio(child->stdio, message->flags & TERMINAL)) return STDIO;
    if (chdir(message->directory)) return CHDIR;
    if (set_limits(message)) return RLIMIT;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return NO_NEW_PRIVS;
    if (child->init != 1 && load_guard((uint32_t)child->init)) return GUARD;
    if (message->filter_length && load(message->filter, message->filter_length)) return FILTER;
    return NO_STEP;
}

static void tell(const struct child *child, enum step step, int error) {
    struct report report = {step, error};
    ssize_t ignored = write(child->reports, &report, sizeof report); /* no report at all shows as "not started" */
    (void)ignored;
}

/* From `armed` on the job's filter is loaded, so that the supervisor can see it. An allow-list must hold write, read,
 * execve and exit_group, or the job does not start. */
_Noreturn void become_job(const struct child *child) {
    const struct message *message = child->message;
    char byte, **argv = map_memory(((size_t)message->argc + message->envc + 2) * sizeof *argv);
    char **envp = argv + message->argc + 1;
    fill_vectors(message, argv, envp);
    set_signal_mask(false);
    enum step failed = arm(child);
    if (failed != NO_STEP) {
        tell(child, failed, errno);
        _exit(EXIT_LAUNCHER);
    }
    say(child->control, "armed", NULL, 0);
    if (read(child->gate, &byte, 1) != 1) _exit(EXIT_LAUNCHER); /* init is gone */
    tell(child, ABOUT_TO_EXEC, 0);
    execve(message->path, argv, envp); /* no PATH search: the plan resolved the name */
    tell(child, ABOUT_TO_EXEC, errno);
    _exit(EXIT_LAUNCHER);
}
