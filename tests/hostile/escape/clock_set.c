// attempt: Sets the machine's clock, and how fast it goes, by each call there is.
// known-from: technique: the clock is in no namespace; CAP_SYS_TIME in a container sets the host's
// held-by: filter, capabilities
// must: held
// control: bare root
#include "escape.h"

#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

int main(void) {
    struct timex clock = {.modes = 0};
    if (adjtimex(&clock) >= 0) clock.modes = ADJ_TICK; /* as it is already: where it may, nothing changes */
    else clock = (struct timex){.modes = ADJ_TICK, .tick = 10000};
    int adjusted = adjtimex(&clock) < 0 ? errno : 0;
    int on_clock = clock_adjtime(CLOCK_REALTIME, &clock) < 0 ? errno : 0;
    /* no time at all: who may not set the clock is told so, by the filter, before the kernel looks at it */
    struct timespec wrong = {.tv_sec = -1, .tv_nsec = -1};
    struct timeval older = {.tv_sec = -1, .tv_usec = -1};
    int set = (int)syscall(SYS_clock_settime, CLOCK_REALTIME, &wrong) < 0 ? errno : 0;
    int day = (int)syscall(SYS_settimeofday, &older, NULL) < 0 ? errno : 0;
    if (adjusted != EPERM || on_clock != EPERM || set != EPERM || day != EPERM)
        escaped("adjtimex %s, clock_adjtime %s, clock_settime %s, settimeofday %s", strerrorname_np(adjusted),
                strerrorname_np(on_clock), strerrorname_np(set), strerrorname_np(day));
    held("EPERM of all four");
}
