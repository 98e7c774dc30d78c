// attempt: Puts its own file in the place of one that is shown, by rename and by exchange: links of the root, /etc, /usr.
// known-from: CVE-2021-30465 (runc mounted on a path that was exchanged meanwhile)
// held-by: mounts
// must: held
// control: weak writable-root
#include "escape.h"

int main(void) {
    const char *const places[] = {"/bin", "/lib64", "/etc/passwd", "/etc", "/usr", "/escape", "/dev/null"};
    char own[200];
    snprintf(own, sizeof own, "%s/own", getcwd((char[100]){0}, 100));
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        if (symlink("/tmp", own) && errno != EEXIST) held("symlink");
        for (unsigned flags = 0; flags <= RENAME_EXCHANGE; flags += RENAME_EXCHANGE)
            if (renameat2(AT_FDCWD, own, AT_FDCWD, places[i], flags) == 0) escaped("%s is ours", places[i]);
        char aside[100];
        snprintf(aside, sizeof aside, "%s-aside", places[i]);
        if (rename(places[i], aside) == 0) escaped("%s is %s", places[i], aside);
    }
    held("%s", strerrorname_np(errno));
}
