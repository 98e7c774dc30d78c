// attempt: Takes events of the kernel's asynchronous I/O, of which a machine has 65536 for everybody together.
// known-from: technique: fs.aio-max-nr is no limit of an account or a group: who takes all stops the host's databases
// held-by: filter
// must: held
// control: policy syscalls: {deny: ["@mount"]}
#include "escape.h"

int main(void) {
    unsigned long context = 0;
    for (unsigned count = 1024; count; count /= 2) /* one that is too many is refused, too, where all are taken */
        if (syscall(SYS_io_setup, count, &context) == 0) {
            syscall(SYS_io_destroy, context);
            escaped("%u events at once, and as often as one likes", count);
        }
    held("%s", strerrorname_np(errno));
}
