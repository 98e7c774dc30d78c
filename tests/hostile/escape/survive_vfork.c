// attempt: Has a parent that can't be woken: it sleeps in vfork, where a signal to stop it waits, while the child lives.
// known-from: the uninterruptible sleep of vfork, in which no freezer and no stop reaches a process
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

int main(void) {
    prepare();
    if (fork() == 0) {
        leave();
        setsid();
        if (vfork() == 0) outlive("in vfork");
        _exit(0);
    }
    end();
}
