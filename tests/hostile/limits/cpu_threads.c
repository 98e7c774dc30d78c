// attempt: Uses the CPU by threads, none of which is over the limit alone.
// clause: limits.cpu_time
// limits: cpu_time=400ms processes=8 wall_time=20s
// takes: 4 times 250 ms of CPU time
// burns: 1s
// control: cpu_time=10s
// expect: cpu-time-limit limits.cpu_time SIGKILL
#include "threads.h"

int main(void) {
    burn_in_threads(0.25);
    return 0;
}
