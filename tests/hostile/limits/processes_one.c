// attempt: Forks where it may be one process and no more: 11 is EAGAIN. Alone it runs.
// clause: limits.processes
// limits: processes=1 wall_time=20s
// takes: 2 processes
// control: processes=8
// expect: nonzero-exit - 11
// expect group: nonzero-exit - 11 hits=processes -- a group counts what it refused
#include "attack.h"

int main(void) {
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    return 0;
}
