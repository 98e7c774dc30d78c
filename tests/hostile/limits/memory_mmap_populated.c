// attempt: Has the kernel fill memory itself, by large populated mappings.
// clause: limits.memory
// limits: memory=64MiB wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory SIGKILL
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    void *pieces = mmap(NULL, 160 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    need(pieces != MAP_FAILED, "mmap");
    hold(argv[1], A_LOOK);
    return 0;
}
