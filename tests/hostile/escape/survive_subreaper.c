// attempt: Keeps its orphans from whoever reaps them: they are adopted by a subreaper of its own, in another session.
// known-from: PR_SET_CHILD_SUBREAPER, with which a tree can be hidden from a supervisor that looks for its own children
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

#include <sys/prctl.h>

int main(void) {
    prepare();
    if (fork() == 0) {
        leave();
        setsid();
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        pid_t adopter = getpid();
        if (fork() == 0) {
            if (fork()) _exit(0);
            while (getppid() != adopter) usleep(1000);
            outlive("adopted");
        }
        while (wait(NULL) > 0) continue;
        _exit(0);
    }
    end();
}
