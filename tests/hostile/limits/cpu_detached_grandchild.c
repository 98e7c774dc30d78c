// attempt: Uses the CPU in a grandchild that left its parent, its session and its process group.
// clause: limits.cpu_time
// limits: cpu_time=400ms processes=8 wall_time=20s
// takes: 1 s of CPU time
// burns: 1s
// control: cpu_time=10s
// expect: cpu-time-limit limits.cpu_time SIGKILL
#include "attack.h"

int main(void) {
    if (is_detached()) burn(1.0);
    return 0;
}
