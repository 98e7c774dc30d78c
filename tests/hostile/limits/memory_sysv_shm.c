// attempt: Fills System V shared memory and lets go of it: it stays until somebody removes it.
// clause: limits.memory
// limits: memory=64MiB wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: ok - 0 or memory-limit limits.memory SIGKILL -- a segment that nobody has attached is in no process
#include "attack.h"

#include <sys/shm.h>

int main(int argc, char **argv) {
    (void)argc;
    for (int i = 0; i < 4; i++) {
        int segment = shmget(IPC_PRIVATE, 40 * MIB, IPC_CREAT | 0600);
        need(segment >= 0, "shmget");
        char *memory = shmat(segment, NULL, 0);
        need(memory != (char *)-1, "shmat");
        fill(memory, 40 * MIB);
        need(shmdt(memory) == 0, "shmdt");
    }
    hold(argv[1], A_LOOK);
    return 0;
}
