// attempt: Starts a child in namespaces of its own by clone, also with bits set above those that the kernel looks at.
// known-from: technique: the raw call beside a filter of unshare; garbage above 32 bits as in CVE-2019-10063
// held-by: filter
// must: held
// control: bare
#include "escape.h"

#include <sched.h>

int main(void) {
    const unsigned long spaces[] = {CLONE_NEWUSER | CLONE_NEWNS, CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWUSER,
                                    CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
                                    CLONE_NEWCGROUP};
    const unsigned long above[] = {0, 1UL << 32, 0xffffffffUL << 32};
    int error = 0;
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        for (size_t j = 0; j < sizeof above / sizeof *above; j++) {
            long child = syscall(SYS_clone, above[j] | spaces[i] | SIGCHLD, 0, 0, 0, 0);
            if (child == 0) _exit(0);
            if (child > 0) {
                waitpid((pid_t)child, NULL, 0);
                escaped("a child with namespaces %#lx", above[j] | spaces[i]);
            }
            error = errno;
        }
    held("%s", strerrorname_np(error));
}
