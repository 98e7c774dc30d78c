// attempt: Lives on as a daemon: forked twice, in a session of its own, deaf to every signal that can be ignored.
// known-from: what every daemon does; jailers that kill a process group or one child miss it (nsjail and firejail
//     leave the job running when their own caller is killed)
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

int main(void) {
    prepare();
    if (fork() == 0) {
        leave();
        setsid();
        if (fork()) _exit(0);
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
        outlive("deaf");
    }
    end();
}
