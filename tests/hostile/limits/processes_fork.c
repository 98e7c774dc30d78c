// attempt: Forks and never stops before it can't, which it survives: 11 is EAGAIN.
// clause: limits.processes
// limits: processes=12 wall_time=20s
// takes: 100 processes
// control: processes=200
// expect: nonzero-exit - 11
// expect group: nonzero-exit - 11 hits=processes -- a group counts what it refused
#include "attack.h"

int main(void) {
    int ends[2], children = 0, result = 0;
    char byte;
    need(pipe(ends) == 0, "pipe");
    for (; children < 100; children++) {
        pid_t child = fork();
        if (child < 0) {
            result = errno;
            break;
        }
        if (child) continue;
        close(ends[1]);
        _exit((int)read(ends[0], &byte, 1));
    }
    close(ends[1]);
    while (wait(NULL) > 0) continue;
    return result;
}
