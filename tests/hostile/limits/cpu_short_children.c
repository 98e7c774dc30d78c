// attempt: Uses the CPU by one short child after the other.
// clause: limits.cpu_time
// limits: cpu_time=400ms processes=8 wall_time=20s
// takes: 1 s of CPU time, in 50 children
// burns: 1s
// control: cpu_time=10s
// expect: cpu-time-limit limits.cpu_time SIGKILL
#include "attack.h"

int main(void) {
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        need(child >= 0, "fork");
        if (child == 0) {
            burn(0.02);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    return 0;
}
