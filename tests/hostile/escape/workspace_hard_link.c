// attempt: Gives a program of the host a second name in the caller's directory, to be changed or started from there.
// known-from: hard links to set-uid programs, which keep an old hole alive after its update
// held-by: mounts
// must: held
// needs: workspace
// control: bare root
#include "escape.h"

#include <sys/stat.h>

int main(void) {
    char name[4096];
    struct stat found;
    snprintf(name, sizeof name, "%s/link", getenv("ESCAPE_WORKSPACE"));
    need(link("/usr/bin/env", name));
    need(stat(name, &found));
    unlink(name);
    escaped("/usr/bin/env has %ju names", (uintmax_t)found.st_nlink);
}
