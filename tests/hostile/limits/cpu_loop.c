// attempt: Counts.
// clause: limits.cpu_time
// limits: cpu_time=400ms wall_time=20s
// takes: 1 s of CPU time
// burns: 1s
// control: cpu_time=10s
// expect: cpu-time-limit limits.cpu_time SIGKILL
#include "attack.h"

int main(void) {
    burn(1.0);
    return 0;
}
