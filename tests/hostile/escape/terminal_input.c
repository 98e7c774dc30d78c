// attempt: Types into its controlling terminal with TIOCSTI, also with garbage above the 32 bits that the kernel looks
//     at, and pastes into a console with TIOCLINUX.
// known-from: CVE-2017-5226 (bubblewrap), CVE-2019-7303 (snapd), CVE-2019-10063 and CVE-2023-28100 (Flatpak)
// held-by: filter, session
// must: held
// control: weak no-filter
#include "escape.h"

#include <sys/ioctl.h>

static int try(int terminal, unsigned long request, const char *what) {
    if (syscall(SYS_ioctl, terminal, request, what) < 0) return errno;
    escaped("request %#lx is typed", request);
}

int main(void) {
    const unsigned long above[] = {0, 1UL << 32, 0xdeadbeefUL << 32};
    char name[100];
    int caller = open("/dev/tty", O_RDWR), error = 0;
    int callers = caller < 0 ? errno : try(caller, TIOCSTI, "x");
    if (fork()) return wait(NULL) < 0; /* a child can begin a session, and gets the terminal that it opens */
    setsid();
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    need(master);
    need(grantpt(master));
    need(unlockpt(master));
    need(ptsname_r(master, name, sizeof name));
    int terminal = open(name, O_RDWR);
    need(terminal);
    for (size_t i = 0; i < sizeof above / sizeof *above; i++) {
        error = try(terminal, above[i] | TIOCSTI, "x");
        if (error == EPERM) error = try(terminal, above[i] | TIOCLINUX, "\2");
    }
    held("the caller's: %s, its own: %s", strerrorname_np(callers), strerrorname_np(error));
}
