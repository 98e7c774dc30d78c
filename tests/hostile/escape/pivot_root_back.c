// attempt: Makes a file system of its own the root with pivot_root, or with "." twice as runtimes do, to get at the
//     root that the jailer put away.
// known-from: technique: pivot_root back, as container runtimes themselves enter a root file system
// held-by: filter, capabilities
// must: held
// control: weak keep-caps
#include "escape.h"

#include <sys/mount.h>
#include <sys/stat.h>

int main(void) {
    mkdir("new", 0700);
    int mounted = mount("none", "new", "tmpfs", 0, NULL);
    int first = errno;
    mkdir("new/old", 0700);
    if (!syscall(SYS_pivot_root, "new", "new/old")) escaped("the old root is at /old (mount %d)", mounted);
    int second = errno;
    if (!chdir("new") && !syscall(SYS_pivot_root, ".", ".")) escaped("the old root is below the new one");
    held("mount: %s, pivot_root: %s, %s", strerrorname_np(first), strerrorname_np(second), strerrorname_np(errno));
}
