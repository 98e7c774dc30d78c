// attempt: Lives on as its own brother: with CLONE_PARENT the child belongs to whoever started the program.
// known-from: CLONE_PARENT, by which a child leaves the tree below a program without being orphaned
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

#include <sched.h>

int main(void) {
    prepare();
    pid_t middle = fork();  // in the control a brother of the program's would be the tests' own child
    if (middle == 0) {
        leave();
        setsid();
        if (fork() == 0) {
            pid_t child = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
            if (child < 0) _exit(1);
            if (child == 0) outlive("a child of somebody else");
            _exit(0);
        }
        while (wait(NULL) > 0) continue;
        _exit(0);
    }
    end();
}
