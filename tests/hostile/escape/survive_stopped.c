// attempt: Lives on stopped, where no signal but two reaches it, and is woken when the program is long gone.
// known-from: kill loops that send SIGTERM and wait: a process that is stopped takes it only when somebody lets it go on
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

int main(void) {
    prepare();
    if (fork() == 0) {
        leave();
        setsid();
        pid_t sleeper = fork();
        if (sleeper == 0) {
            raise(SIGSTOP);
            escaped("process %d was stopped over the program's end", getpid());
        }
        char byte;
        int status;
        waitpid(sleeper, &status, WUNTRACED);
        if (write(ready[1], "", 1) != 1) _exit(1);
        while (read(life[0], &byte, 1) > 0) continue;
        usleep(400000);
        kill(sleeper, SIGCONT);
        wait(NULL);
        _exit(0);
    }
    end();
}
