// attempt: Becomes a new program again and again, and leaves a child that holds memory each time.
// clause: limits.memory
// limits: memory=64MiB processes=16 wall_time=20s
// takes: 8 times 20 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: memory-limit limits.memory SIGKILL -- nothing dies before the whole job does
#include "attack.h"

int main(int argc, char **argv) {
    int generation = argc > 2 ? atoi(argv[2]) : 0, ends[2];
    char byte, next[16];
    if (generation == 8) {
        hold(argv[1], A_LOOK);
        return 0; /* and all children with it */
    }
    take(10 * MIB);
    need(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        take(10 * MIB); /* beside what it has from its parent, whose own goes with exec */
        need(write(ends[1], "x", 1) == 1, "write");
        while (1) pause();
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1) return 0; /* the child was killed: go on as if nothing were */
    snprintf(next, sizeof next, "%d", generation + 1);
    execl("/proc/self/exe", argv[0], argv[1], next, NULL);
    return 97;
}
