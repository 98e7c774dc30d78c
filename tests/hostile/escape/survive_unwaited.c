// attempt: Keeps the program's end from whoever waits for it: a child traces the program, so that its parent is not told
//     until the child, which doesn't wait for it, is gone.
// known-from: ptrace(2): the end of a traced process goes to its tracer first, and a zombie hangs until that looks
// held-by: filter, launcher
// must: held
// control: bare
#include "survive.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>

int main(void) {
    char name[64], text[256] = "";
    prepare();
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    if (fork() == 0) {
        leave();
        setsid();
        pid_t program = getppid();
        need(ptrace(PTRACE_SEIZE, program, 0, 0));
        char byte;
        if (write(ready[1], "", 1) != 1) _exit(1);
        while (read(life[0], &byte, 1) > 0) continue;
        usleep(400000);
        snprintf(name, sizeof name, "/proc/%d/stat", program);
        int fd = open(name, O_RDONLY);
        if (fd < 0 || read(fd, text, sizeof text - 1) < 0 || !strstr(text, ") Z ")) held("the end was told: %s", text);
        escaped("nobody was told of the program's end: %.30s", text);
    }
    close(ready[1]);
    if (read(ready[0], text, 1) == 1) held("the program ends here");
    wait(NULL);  // it says why
    _exit(0);
}
