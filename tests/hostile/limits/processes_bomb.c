// attempt: Forks twice, in a session of its own, over and over, in every process that comes of it.
// clause: limits.processes
// limits: processes=16 cpu_time=5min wall_time=700ms
// takes: 1.5 s
// control: processes=64 wall_time=20s
// expect: wall-time-limit limits.wall_time SIGKILL
// expect group: wall-time-limit limits.wall_time SIGKILL hits=processes -- a group counts what it refused
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    signal(SIGCHLD, SIG_IGN); /* nobody has to be waited for */
    if (fork()) {
        hold(argv[1], 1.5);
        return 0;
    }
    while (1) {
        if (fork()) continue; /* also where it failed */
        setsid();
        if (fork()) _exit(0);
    }
}
