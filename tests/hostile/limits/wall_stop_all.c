// attempt: Stops everything that it can reach, the launcher too if it may, and itself last.
// clause: limits.wall_time
// limits: wall_time=600ms processes=8
// takes: 1.5 s, after which a timer lets it go on
// control: wall_time=20s
// expect: wall-time-limit limits.wall_time SIGKILL
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    for (int i = 0; i < 4; i++) {
        if (fork()) continue;
        if (i % 2) setsid();
        while (1) pause();
    }
    go_on_after(argv[1], 1.5);
    kill(getppid(), SIGSTOP);
    kill(-1, SIGSTOP);
    raise(SIGSTOP);
    return 0; /* and all children with it */
}
