// attempt: Makes processes that share its memory, by clone: 11 is EAGAIN.
// clause: limits.processes
// limits: processes=12 wall_time=20s
// takes: 100 processes
// control: processes=200
// expect: nonzero-exit - 11
// expect group: nonzero-exit - 11 hits=processes -- a group counts what it refused
#include "attack.h"

static int ends[2];

static int wait_there(void *unused) {
    char byte;
    (void)unused;
    return (int)read(ends[0], &byte, 1);
}

int main(void) {
    static char stacks[100][16384] __attribute__((aligned(16)));
    pid_t made[100];
    int count = 0, result = 0;
    need(pipe(ends) == 0, "pipe");
    for (; count < 100; count++) {
        made[count] = clone(wait_there, stacks[count] + sizeof stacks[count], CLONE_VM | SIGCHLD, NULL);
        if (made[count] < 0) {
            result = errno;
            break;
        }
    }
    while (count--) kill(made[count], SIGKILL);
    while (wait(NULL) > 0) continue;
    return result;
}
