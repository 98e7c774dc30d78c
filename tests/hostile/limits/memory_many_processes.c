// attempt: Fills memory with many processes, each of them far below the limit.
// clause: limits.memory
// limits: memory=64MiB processes=16 wall_time=20s
// takes: 12 times 14 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: memory-limit limits.memory SIGKILL -- nothing dies before the whole job does
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    for (int i = 0; i < 12; i++) {
        pid_t child = fork();
        need(child >= 0, "fork");
        if (child) continue;
        take(14 * MIB);
        hold(argv[1], A_LOOK);
        return 0;
    }
    while (wait(NULL) > 0) continue;
    return 0;
}
