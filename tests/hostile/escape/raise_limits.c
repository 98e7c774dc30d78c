// attempt: Raises its own limits: more open files, files and core dumps of any size.
// known-from: ulimit in a script whose author was sure that the limits around it were the last word
// held-by: limits, capabilities
// must: held
// control: bare
#include "escape.h"

#include <sys/resource.h>

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = 1000;
    if (files.rlim_max < 1000) files.rlim_max = 1000;
    need(setrlimit(RLIMIT_NOFILE, &files));
    struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
    need(setrlimit(RLIMIT_FSIZE, &any));
    getrlimit(RLIMIT_NOFILE, &files);
    escaped("%ju open files, and files of any size", (uintmax_t)files.rlim_cur);
}
