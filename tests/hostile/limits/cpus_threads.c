// attempt: Uses more cores than it may.
// clause: limits.cpus
// limits: cpus=0.5 processes=8 wall_time=20s
// takes: 4 times 150 ms of CPU time
// burns: 600ms
// share: 0.5
// control: cpus=64
// expect: ok - 0
#include "threads.h"

int main(void) {
    burn_in_threads(0.15);
    return 0;
}
