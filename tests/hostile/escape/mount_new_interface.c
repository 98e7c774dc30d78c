// attempt: Copies the mount of /usr by the new interface, takes its read-only flag off and mounts it in scratch; then
//     takes the flag off /usr itself.
// known-from: CVE-2021-41133 (Flatpak): open_tree, mount_setattr and move_mount, which its filter did not know yet
// held-by: filter, capabilities
// must: held
// control: weak keep-caps
#include "escape.h"

#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static int writable(const char *path) {
    struct statvfs status;
    return !statvfs(path, &status) && !(status.f_flag & ST_RDONLY);
}

int main(void) {
    struct mount_attr clear = {.attr_clr = MOUNT_ATTR_RDONLY};
    int cloned = 0, set = 0;
    mkdir("usr", 0700);
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE | O_CLOEXEC);
    cloned = tree < 0 ? errno : 0;
    if (tree >= 0 && !syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &clear, sizeof clear) &&
        !syscall(SYS_move_mount, tree, "", AT_FDCWD, "usr", MOVE_MOUNT_F_EMPTY_PATH) && writable("usr/lib"))
        escaped("a writable copy of /usr is mounted");
    if (!syscall(SYS_mount_setattr, AT_FDCWD, "/usr", AT_RECURSIVE, &clear, sizeof clear) && writable("/usr"))
        escaped("/usr is writable");
    set = errno;
    held("open_tree: %s, mount_setattr: %s", strerrorname_np(cloned), strerrorname_np(set));
}
