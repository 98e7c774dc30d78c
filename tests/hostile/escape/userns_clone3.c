// attempt: Starts a child in namespaces of its own by clone3, whose flags lie in memory where no filter looks.
// known-from: technique: clone3 past filters of clone's flags, which made Docker and systemd answer ENOSYS in 2021
// held-by: filter
// must: held
// control: bare
#include "escape.h"

#include <linux/sched.h>

int main(void) {
    struct clone_args arguments = {.flags = CLONE_NEWUSER | CLONE_NEWNS, .exit_signal = SIGCHLD};
    for (size_t size = CLONE_ARGS_SIZE_VER0; size <= sizeof arguments; size += 8) {
        long child = syscall(SYS_clone3, &arguments, size);
        if (child == 0) _exit(0);
        if (child > 0) {
            waitpid((pid_t)child, NULL, 0);
            escaped("a child in a user namespace of its own");
        }
    }
    held("%s", strerrorname_np(errno));
}
