// attempt: Uses the CPU by short children that nobody waits for: with SIGCHLD ignored, their time is added to nobody's.
// clause: limits.cpu_time
// limits: cpu_time=400ms processes=8 wall_time=20s
// takes: 1 s of CPU time, in 50 children
// burns: 1s
// control: cpu_time=10s
// expect: cpu-time-limit limits.cpu_time SIGKILL
// expect sampler: ok - 0 or cpu-time-limit limits.cpu_time SIGKILL -- the time of such a child is gone with it
#include "attack.h"

int main(void) {
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 50; i++) {
        burn_in_a_child(0.02);
        wait(NULL); /* until there is none */
    }
    return 0;
}
