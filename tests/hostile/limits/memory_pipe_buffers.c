// attempt: Fills hundreds of pipes that nobody reads.
// clause: limits.memory
// limits: memory=40MiB open_files=2048 wall_time=20s
// takes: 60 MiB in 960 pipes: an account has 64 MiB of them
// touches: 56MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: ok - 0 or memory-limit limits.memory SIGKILL -- what is in a pipe is in no process
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    static char page[4096];
    for (int i = 0; i < 960; i++) {
        int ends[2];
        need(pipe2(ends, O_NONBLOCK) == 0, "pipe");
        while (write(ends[1], page, sizeof page) > 0) continue;
    }
    hold(argv[1], A_LOOK);
    return 0;
}
