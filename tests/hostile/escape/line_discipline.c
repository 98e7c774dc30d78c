// attempt: Gives a terminal of its own another line discipline, which loads that driver.
// known-from: CVE-2017-2636 (n_hdlc), CVE-2023-6546 (n_gsm)
// held-by: filter
// must: held
// control: weak no-filter
#include "escape.h"

#include <sys/ioctl.h>

int main(void) {
    char name[100];
    int master = posix_openpt(O_RDWR | O_NOCTTY), error = 0;
    need(master);
    need(grantpt(master));
    need(unlockpt(master));
    need(ptsname_r(master, name, sizeof name));
    int terminal = open(name, O_RDWR | O_NOCTTY);
    need(terminal);
    for (int number = 1; number < 31; number++)
        for (int half = 0; half < 2; half++) {
            int fd = half ? master : terminal;
            if (!syscall(SYS_ioctl, fd, 1UL << 32 | TIOCSETD, &number)) escaped("discipline %d", number);
            if (!ioctl(fd, TIOCSETD, &number)) escaped("discipline %d", number);
            if (error != EPERM) error = errno;
        }
    held("%s", strerrorname_np(error));
}
