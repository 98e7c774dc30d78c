/* probe FILTER             tries one call after another under the filter, each in a process of its own, and says how each ended
 * probe FILTER COMMAND...  executes a command under the filter, as the launcher does
 * FILTER is a file of struct sock_filter, or - for none. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GARBAGE 0xdeadbeef00000000UL
#define UNKNOWN_NUMBER 467 /* open_tree_attr */

static long call(long number, long a, long b, long c, long d, long e) {
    long result = syscall(number, a, b, c, d, e);
    return result < 0 ? -errno : result;
}

static void *nothing(void *argument) { return argument; }

static long try_unshare(void) { return call(SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0); }
static long try_setns(void) { return call(SYS_setns, open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWUTS, 0, 0, 0); }
static long try_mount(void) { return call(SYS_mount, (long)"none", (long)"/nowhere", (long)"tmpfs", 0, 0); }
static long try_ptrace(void) { return call(SYS_ptrace, 0, 0, 0, 0, 0); }
static long try_open_tree_attr(void) { return call(UNKNOWN_NUMBER, -1, 0, 0, 0, 0); }
static long try_clone3(void) { return call(SYS_clone3, 0, 0, 0, 0, 0); }
static long try_tiocsti(void) { return call(SYS_ioctl, 0, 0x5412, (long)"x", 0, 0); }
static long try_tiocsti_garbage(void) { return call(SYS_ioctl, 0, (long)(GARBAGE | 0x5412), (long)"x", 0, 0); }
static long try_tioclinux(void) { return call(SYS_ioctl, 0, 0x541c, (long)"x", 0, 0); }
static long try_fionread(void) { int n; return call(SYS_ioctl, 0, 0x541b, (long)&n, 0, 0); }

static long clone_with(unsigned long flags) {
    long child = call(SYS_clone, (long)(flags | SIGCHLD), 0, 0, 0, 0);
    if (child == 0) _exit(0);
    if (child > 0) waitpid((pid_t)child, NULL, 0);
    return child > 0 ? 0 : child;
}
static long try_clone_newuser(void) { return clone_with(CLONE_NEWUSER); }
static long try_clone_newuser_garbage(void) { return clone_with(GARBAGE | CLONE_NEWUSER); }
static long try_clone_newpid(void) { return clone_with(CLONE_NEWPID); }
static long try_fork(void) { return clone_with(0); }
static long try_thread(void) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);
    return error ? -error : -pthread_join(thread, NULL);
}

#ifdef __x86_64__
static long try_x32(void) { return call(0x40000000L + SYS_getpid, 0, 0, 0, 0, 0) > 0 ? 0 : -errno; }
static long try_i386(void) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11"); /* getpid */
    return result > 0 ? 0 : (int)result;
}
#endif

static const struct {
    const char *name;
    long (*attempt)(void);
} attempts[] = {
    {"unshare", try_unshare}, {"setns", try_setns}, {"mount", try_mount}, {"ptrace", try_ptrace},
    {"open_tree_attr", try_open_tree_attr}, {"clone3", try_clone3}, {"tiocsti", try_tiocsti},
    {"tiocsti_garbage", try_tiocsti_garbage}, {"tioclinux", try_tioclinux}, {"fionread", try_fionread},
    {"clone_newuser", try_clone_newuser}, {"clone_newuser_garbage", try_clone_newuser_garbage},
    {"clone_newpid", try_clone_newpid}, {"fork", try_fork}, {"thread", try_thread},
#ifdef __x86_64__
    {"x32", try_x32}, {"i386", try_i386},
#endif
};

static void load(const char *file) {
    static struct sock_filter code[4096];
    int input = open(file, O_RDONLY);
    ssize_t size = read(input, code, sizeof code);
    struct sock_fprog program = {(unsigned short)((size_t)size / sizeof *code), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) {
        perror("filter");
        exit(125);
    }
}

int main(int argc, char **argv) {
    if (argc > 2) {
        if (strcmp(argv[1], "-")) load(argv[1]);
        execv(argv[2], argv + 2);
        perror(argv[2]);
        return 125;
    }
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        int status, answer[2];
        long result = 0;
        if (pipe(answer)) return 125;
        pid_t child = fork();
        if (child == 0) {
            if (strcmp(argv[1], "-")) load(argv[1]);
            result = attempts[i].attempt();
            if (write(answer[1], &result, sizeof result) < 0) _exit(125);
            _exit(0);
        }
        close(answer[1]);
        ssize_t got = read(answer[0], &result, sizeof result);
        waitpid(child, &status, 0);
        close(answer[0]);
        if (WIFSIGNALED(status)) printf("%s %s\n", attempts[i].name, sigabbrev_np(WTERMSIG(status)));
        else printf("%s %s\n", attempts[i].name, got <= 0 ? "?" : result < 0 ? strerrorname_np((int)-result) : "ok");
        fflush(stdout);
    }
    return 0;
}
