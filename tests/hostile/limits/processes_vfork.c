// attempt: Forks by vfork, each child below the last, all of them waiting: 11 is EAGAIN.
// clause: limits.processes
// limits: processes=12 wall_time=20s
// takes: 100 processes
// control: processes=200
// expect: nonzero-exit - 11
// expect group: nonzero-exit - 11 hits=processes -- a group counts what it refused
#include "attack.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static int below(int depth) {
    volatile int here = depth;
    if (here == 100) return 0;
    pid_t child = vfork();
    if (child < 0) return errno;
    if (child == 0) _exit(below(here + 1));
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(void) { return below(1); }
