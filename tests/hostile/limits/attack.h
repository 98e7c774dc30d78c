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
