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
        burn_in_a_child(0.02);
        wait(NULL);
    }
    return 0;
}
