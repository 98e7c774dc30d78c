// attempt: Learns by kcmp how the kernel's addresses of its own things, and of the launcher's, are ordered.
// known-from: technique: kcmp as an oracle of addresses ahead of an exploit of the kernel's heap
// held-by: filter
// must: held
// control: policy syscalls: {deny: ["@mount"]}
#include "escape.h"

#include <linux/kcmp.h>

int main(void) {
    const pid_t others[] = {getpid(), getppid(), 1};
    int error = 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (int kind = KCMP_FILE; kind < KCMP_TYPES; kind++) {
            long order = syscall(SYS_kcmp, getpid(), others[i], kind, 1, 2);
            if (order >= 0) escaped("kind %d of %d and %d: %ld", kind, getpid(), others[i], order);
            error = errno;
        }
    held("%s", strerrorname_np(error));
}
