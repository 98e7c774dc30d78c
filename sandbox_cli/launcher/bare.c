/* What the launcher takes of a C library, for a program that is linked without one (build.py).
 *
 * It is executed twice a job, and before main() a static glibc asks the processor what it is: each time some fifty CPUID
 * instructions, every one of which a virtual machine hands to its host. That takes 0.4 ms, all the launcher's own work
 * 0.1. Names and types are the C library's: under the sanitizers, or with musl, it is linked as it is.
 */
#ifdef BARE

#include "call.h"
#include "launcher.h"

#include <grp.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>

enum { ARGUMENTS = 6 };

static int last_error;
static char **surroundings;
_Noreturn void begin(long *stack);
int main(int argc, char **argv);

#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n hlt\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x29, #0\n mov x30, #0\n mov x0, sp\n bl begin\n brk #1\n");
#endif

/* The kernel puts them there: the number of arguments, these and a NULL, the environment and a NULL. */
_Noreturn void begin(long *stack) {
    char **arguments = (char **)(stack + 1);
    surroundings = arguments + *stack + 1;
    _exit(main((int)*stack, arguments));
}

int *__errno_location(void) {
    return &last_error;
}

/* As many as there can be: who passes fewer leaves the rest to chance, and the kernel doesn't look at that. */
long syscall(long number, ...) {
    va_list list;
    long arguments[ARGUMENTS];
    va_start(list, number);
    for (int i = 0; i < ARGUMENTS; i++) arguments[i] = va_arg(list, long);
    va_end(list);
    long result = call(number, arguments);
    if (result >= 0 || result < -4095) return result;
    last_error = (int)-result;
    return -1;
}

void _exit(int status) {
    for (;;) syscall(SYS_exit_group, (long)status);
}

int open(const char *path, int flags, ...) {
    return (int)syscall(SYS_openat, (long)AT_FDCWD, path, (long)flags, 0L); /* no file is made */
}

int fcntl(int fd, int command, ...) {
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    return (int)syscall(SYS_fcntl, (long)fd, (long)command, argument);
}

int prctl(int option, ...) {
    va_list list;
    long arguments[4];
    va_start(list, option);
    for (int i = 0; i < 4; i++) arguments[i] = va_arg(list, long);
    va_end(list);
    return (int)syscall(SYS_prctl, (long)option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

int close(int fd) {
    return (int)syscall(SYS_close, (long)fd);
}

ssize_t read(int fd, void *bytes, size_t size) {
    return syscall(SYS_read, (long)fd, bytes, size);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    return syscall(SYS_write, (long)fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    return syscall(SYS_pwrite64, (long)fd, bytes, size, offset);
}

int pipe2(int ends[2], int flags) {
    return (int)syscall(SYS_pipe2, ends, (long)flags);
}

int dup3(int fd, int place, int flags) {
    return (int)syscall(SYS_dup3, (long)fd, (long)place, (long)flags);
}

int dup2(int fd, int place) { /* never onto itself */
    return dup3(fd, place, 0);
}

int poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    return (int)syscall(SYS_ppoll, fds, count, milliseconds < 0 ? NULL : &time, NULL, 0L);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return syscall(SYS_sendmsg, (long)fd, message, (long)flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    return syscall(SYS_recvmsg, (long)fd, message, (long)flags);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
    return syscall(SYS_recvfrom, (long)fd, bytes, size, (long)flags, NULL, NULL);
}

int chdir(const char *path) {
    return (int)syscall(SYS_chdir, path);
}

int mount(const char *source, const char *target, const char *kind, unsigned long flags, const void *options) {
    return (int)syscall(SYS_mount, source, target, kind, flags, options);
}

int unshare(int flags) {
    return (int)syscall(SYS_unshare, (long)flags);
}

mode_t umask(mode_t mask) {
    return (mode_t)syscall(SYS_umask, (long)mask);
}

void *mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset) {
    return (void *)syscall(SYS_mmap, place, size, (long)protection, (long)flags, (long)fd, offset);
}

/* One thread: nobody has to be told. */
int setgroups(size_t count, const gid_t *groups) {
    return (int)syscall(SYS_setgroups, count, groups);
}

int setresgid(gid_t real, gid_t effective, gid_t saved) {
    return (int)syscall(SYS_setresgid, (long)real, (long)effective, (long)saved);
}

int setresuid(uid_t real, uid_t effective, uid_t saved) {
    return (int)syscall(SYS_setresuid, (long)real, (long)effective, (long)saved);
}

pid_t fork(void) {
    return (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
}

int execve(const char *path, char *const *argv, char *const *environment) {
    return (int)syscall(SYS_execve, path, argv, environment);
}

int execv(const char *path, char *const *argv) {
    return execve(path, argv, surroundings);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage) {
    return (pid_t)syscall(SYS_wait4, (long)pid, status, (long)options, usage);
}

pid_t waitpid(pid_t pid, int *status, int options) {
    return wait4(pid, status, options, NULL);
}

int kill(pid_t pid, int signal) {
    return (int)syscall(SYS_kill, (long)pid, (long)signal);
}

pid_t getpid(void) {
    return (pid_t)syscall(SYS_getpid);
}

pid_t getppid(void) {
    return (pid_t)syscall(SYS_getppid);
}

pid_t getsid(pid_t pid) {
    return (pid_t)syscall(SYS_getsid, (long)pid);
}

pid_t setsid(void) {
    return (pid_t)syscall(SYS_setsid);
}

/* Compilers call the first two by themselves; volatile, or they would make such a call of the loop, too. */
void *memset(void *to, int value, size_t count) {
    for (volatile char *each = to; count; count--) *each++ = (char)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    const char *source = from;
    for (volatile char *each = to; count; count--) *each++ = *source++;
    return to;
}

size_t strlen(const char *text) {
    const volatile char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}

int strcmp(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return (unsigned char)*one - (unsigned char)*other;
}

char *strrchr(const char *text, int letter) {
    const char *found = NULL;
    do
        if (*text == (char)letter) found = text;
    while (*text++);
    return (char *)found;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    return (int)syscall(SYS_clock_gettime, (long)clock, now);
}

#endif
