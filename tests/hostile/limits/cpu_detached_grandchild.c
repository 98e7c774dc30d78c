// attempt: Uses the CPU in a grandchild that left its parent, its session and its process group.
// clause: limits.cpu_time
// limits: cpu_time=400ms processes=8 wall_time=20s
// takes: 1 s of CPU time
// burns: 1s
// control: cpu_time=10s
// expect: cpu-time-limit limits.cpu_time SIGKILL
#include "attack.h"

int main(void) {
    int ends[2];
    char byte;
    need(pipe(ends) == 0, "pipe");
    if (fork() == 0) {
        setsid();
        if (fork()) _exit(0);
        burn(1.0);
        _exit(0);
    }
    wait(NULL);
    close(ends[1]);
    return read(ends[0], &byte, 1) == 0 ? 0 : 1; /* the grandchild's end */
}
