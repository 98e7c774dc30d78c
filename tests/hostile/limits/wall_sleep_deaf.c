// attempt: Sleeps past its time with every signal ignored and blocked.
// clause: limits.wall_time
// limits: wall_time=600ms
// takes: 1.5 s
// control: wall_time=20s
// expect: wall-time-limit limits.wall_time SIGKILL
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    sigset_t all;
    for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    hold(argv[1], 1.5);
    return 0;
}
