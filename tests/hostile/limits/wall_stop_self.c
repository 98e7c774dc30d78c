// attempt: Stops itself, so that no signal but two can reach it.
// clause: limits.wall_time
// limits: wall_time=600ms
// takes: 1.5 s, after which a timer lets it go on
// control: wall_time=20s
// expect: wall-time-limit limits.wall_time SIGKILL
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    double seconds = 1.5 * atof(argv[1]);
    struct itimerspec due = {.it_value = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)}};
    need(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    need(timer_settime(timer, 0, &due, NULL) == 0, "timer_settime");
    raise(SIGSTOP);
    return 0;
}
