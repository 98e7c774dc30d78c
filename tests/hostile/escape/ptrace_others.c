// attempt: Attaches to the launcher, to the jailer and to a process of the host by ptrace, which would run code in them.
// known-from: CVE-2016-8659 (bubblewrap was dumpable, and of the caller's account)
// held-by: filter, pid namespace, launcher
// must: held
// needs: victim
// control: bare
#include "escape.h"

#include <sys/ptrace.h>

int main(void) {
    int pids[] = {atoi(getenv("ESCAPE_PID")), 1, getppid()};
    for (int i = 0; i < 3; i++) {
        if (ptrace(PTRACE_SEIZE, pids[i], 0, 0)) continue;
        if (ptrace(PTRACE_INTERRUPT, pids[i], 0, 0) == 0 && waitpid(pids[i], NULL, __WALL) == pids[i])
            ptrace(PTRACE_DETACH, pids[i], 0, 0);
        escaped("traced process %d", pids[i]);
    }
    held("%s", strerrorname_np(errno));
}
