// attempt: Fills memory that is shared with a child, and belongs to neither of them.
// clause: limits.memory
// limits: memory=64MiB wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: memory-limit limits.memory SIGKILL -- nothing dies before the whole job does
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    char *shared = mmap(NULL, 160 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(shared != MAP_FAILED, "mmap");
    pid_t child = fork();
    need(child >= 0, "fork");
    fill(child ? shared : shared + 80 * MIB, 80 * MIB);
    hold(argv[1], A_LOOK);
    if (child) wait(NULL);
    return 0;
}
