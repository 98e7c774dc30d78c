// attempt: Outruns the kill: each process lives a moment, and forks the next, so that no list of processes is ever true.
// known-from: the fork runner, which a kill over the pids of a group or of /proc chases forever
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void) {
    prepare();
    if (fork() == 0) {
        leave();
        setsid();
        fcntl(life[0], F_SETFL, O_NONBLOCK);
        double until = 0;
        for (long generation = 0;; generation++) {
            char byte;
            if (generation == 100 && write(ready[1], "", 1) != 1) _exit(1);
            if (!until && read(life[0], &byte, 1) == 0) until = now() + 0.4;
            if (until && now() > until) escaped("process %d, generation %ld, goes on", getpid(), generation);
            pid_t next = fork();
            if (next > 0) _exit(0);
            if (next < 0) usleep(1000);  // the limit on processes, for as long as the dead are not reaped
        }
    }
    end();
}
