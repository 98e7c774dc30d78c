/* What many attacks need. The first argument of each is how much slower than a plain machine this one is: where an
 * attack takes time, and not something that can be counted, it takes that much more of it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1UL << 20)

static inline double clock_s(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Sleeps to its end, whatever wakes it. */
static inline void hold(const char *slow, double seconds) {
    double end = clock_s(CLOCK_MONOTONIC) + seconds * atof(slow), left;
    while ((left = end - clock_s(CLOCK_MONOTONIC)) > 0) {
        struct timespec rest = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
        nanosleep(&rest, NULL);
    }
}

/* As long as a sampler may take to look again. */
#define A_LOOK 0.8

static inline void burn(double cpu_seconds) {
    double end = clock_s(CLOCK_THREAD_CPUTIME_ID) + cpu_seconds;
    while (clock_s(CLOCK_THREAD_CPUTIME_ID) < end) continue;
}

/* Touches every page of it, which the compiler must not think useless. */
static inline void fill(char *memory, size_t size) {
    for (size_t i = 0; i < size; i += 4096) ((volatile char *)memory)[i] = 1;
}

static inline char *take(size_t size) {
    char *memory = malloc(size);
    if (memory == NULL) _exit(98);
    fill(memory, size);
    return memory;
}

static inline void need(int true_or_not, const char *what) {
    if (true_or_not) return;
    perror(what);
    _exit(99);
}

/* Four files of 40 MiB, whose names begin so. */
static inline void write_files(const char *begin) {
    static char piece[MIB];
    for (int file = 0; file < 4; file++) {
        char name[32];
        snprintf(name, sizeof name, "%s%d", begin, file);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        need(fd >= 0, name);
        for (int i = 0; i < 40; i++) need(write(fd, piece, MIB) == (ssize_t)MIB, "write");
        close(fd);
    }
}

static inline void burn_in_a_child(double cpu_seconds) {
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child) return;
    burn(cpu_seconds);
    _exit(0);
}

/* True in a grandchild that left its parent, its session and its process group; else once that grandchild has ended. */
static inline int is_detached(void) {
    int ends[2];
    char byte;
    need(pipe(ends) == 0, "pipe");
    if (fork() == 0) {
        setsid();
        if (fork()) _exit(0);
        close(ends[0]);
        return 1;
    }
    wait(NULL);
    close(ends[1]);
    need(read(ends[0], &byte, 1) == 0, "the grandchild's end");
    return 0;
}

/* Who is stopped goes on after that time. */
static inline void go_on_after(const char *slow, double seconds) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    double due = seconds * atof(slow);
    struct itimerspec once = {.it_value = {(time_t)due, (long)((due - (double)(time_t)due) * 1e9)}};
    need(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    need(timer_settime(timer, 0, &once, NULL) == 0, "timer_settime");
}
