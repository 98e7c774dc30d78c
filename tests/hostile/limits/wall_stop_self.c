// attempt: Stops itself, so that no signal but two can reach it.
// clause: limits.wall_time
// limits: wall_time=600ms
// takes: 1.5 s, after which a timer lets it go on
// control: wall_time=20s
// expect: wall-time-limit limits.wall_time SIGKILL
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    go_on_after(argv[1], 1.5);
    raise(SIGSTOP);
    return 0;
}
