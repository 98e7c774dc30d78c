// attempt: Raises its own limits beyond what it was given: open files, and the size of a core dump.
// known-from: setrlimit(2) with CAP_SYS_RESOURCE, as in containers that are started with all capabilities
// held-by: capabilities, limits
// must: held
// control: bare root
#include "escape.h"

#include <sys/resource.h>

int main(void) {
    struct rlimit files, core;
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    files.rlim_max++;
    need(setrlimit(RLIMIT_NOFILE, &files));
    core.rlim_cur = core.rlim_max = RLIM_INFINITY;
    need(setrlimit(RLIMIT_CORE, &core));
    escaped("%ju open files", (uintmax_t)files.rlim_max);
}
