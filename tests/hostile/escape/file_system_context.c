// attempt: Opens the context of a file system and gives it parameters, in a user namespace and without one.
// known-from: CVE-2022-0185 (a heap overflow in legacy_parse_param, reached by fsopen and fsconfig)
// held-by: filter, capabilities
// must: held
// control: bare
#include "escape.h"

#include <linux/mount.h>
#include <sched.h>

int main(void) {
    const char *kinds[] = {"ext4", "tmpfs", "cgroup2"};
    int apart = unshare(CLONE_NEWUSER | CLONE_NEWNS) ? errno : 0, opening = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int context = (int)syscall(SYS_fsopen, kinds[i], 0);
        opening = errno;
        if (context >= 0) {
            long set = syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", "none", 0);
            escaped("a context of %s, fsconfig %ld", kinds[i], set);
        }
    }
    long picked = syscall(SYS_fspick, -100, "/usr", 0);
    if (picked >= 0) escaped("the context of the mount of /usr");
    int picking = errno;
    held("unshare: %s, fsopen: %s, fspick: %s", strerrorname_np(apart), strerrorname_np(opening),
         strerrorname_np(picking));
}
