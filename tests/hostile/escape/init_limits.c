// attempt: Takes from the launcher in the jail what it needs to end the job: its fds, its memory, its place on the
//     processors, which anybody of its account may. Where there is a process of the host to be had, from that one.
// known-from: technique: prlimit, setpriority and sched_setaffinity ask for the same account alone
// held-by: pid namespace, launcher
// must: held
// needs: victim
// control: bare
#include "escape.h"

#include <sched.h>
#include <sys/resource.h>

static int take_from(int pid) {
    const int resources[] = {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_FSIZE, RLIMIT_MEMLOCK,
                             RLIMIT_SIGPENDING, RLIMIT_NPROC};
    const struct rlimit none = {0, 0};
    const struct sched_param priority = {0};
    int taken = setpriority(PRIO_PROCESS, pid, 19) == 0;
    for (unsigned i = 0; i < sizeof resources / sizeof *resources; i++)
        taken += prlimit(pid, resources[i], &none, NULL) == 0;
    return taken + (sched_setscheduler(pid, SCHED_IDLE, &priority) == 0);
}

int main(void) {
    int taken = take_from(atoi(getenv("ESCAPE_PID"))), init = getppid();
    if (taken) escaped("%d things of process %s", taken, getenv("ESCAPE_PID"));
    taken = take_from(init);
    if (fork() == 0) sleep(600); // who is to end this one?
    held("%d things of process %d, which is there: %d", taken, init, getppid() == init);
}
