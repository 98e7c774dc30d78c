// attempt: Makes threads without a library, by clone: 11 is EAGAIN.
// clause: limits.processes
// limits: processes=12 wall_time=20s
// takes: 100 threads
// control: processes=200
// expect: nonzero-exit - 11
// expect group: nonzero-exit - 11 hits=processes -- a group counts what it refused
#include "attack.h"

#include <linux/futex.h>
#include <sys/syscall.h>

static volatile int gate;

static int wait_there(void *unused) {
    (void)unused;
    while (!gate) syscall(SYS_futex, &gate, FUTEX_WAIT, 0, NULL, NULL, 0);
    syscall(SYS_exit, 0);
    return 0;
}

int main(void) {
    static char stacks[100][16384] __attribute__((aligned(16)));
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    int result = 0;
    for (int i = 0; i < 100 && !result; i++) {
        if (clone(wait_there, stacks[i] + sizeof stacks[i], flags, NULL) < 0) result = errno;
    }
    _exit(result); /* and all threads with it */
}
