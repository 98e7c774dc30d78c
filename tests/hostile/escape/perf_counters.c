// attempt: Opens performance counters of its own and of the whole machine.
// known-from: CVE-2013-2094 and CVE-2023-2235 (perf_event_open); counters are a side channel as well
// held-by: filter
// must: held
// control: policy syscalls: {deny: ["@mount"]}
#include "escape.h"

#include <linux/perf_event.h>

int main(void) {
    const int whose[][2] = {{0, -1}, {-1, 0}, {1, -1}};
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event};
    event.config = PERF_COUNT_SW_CPU_CLOCK;
    event.exclude_kernel = event.exclude_hv = 1;
    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++) {
        long counter = syscall(SYS_perf_event_open, &event, whose[i][0], whose[i][1], -1, 0);
        if (counter >= 0) escaped("counter %ld of pid %d on cpu %d", counter, whose[i][0], whose[i][1]);
    }
    held("%s", strerrorname_np(errno));
}
