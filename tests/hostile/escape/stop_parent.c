// attempt: Stops its own parent, which waits for its end and is to kill what is left of it.
// known-from: SIGSTOP to a supervisor of the same account, whose time limit then never comes
// held-by: pid namespace, launcher
// must: held
// control: weak host-pid
#include "escape.h"

int main(void) {
    char name[64], text[256] = "";
    pid_t parent = getppid();
    need(kill(parent, SIGSTOP));
    usleep(50000);
    snprintf(name, sizeof name, "/proc/%d/stat", parent);
    int fd = open(name, O_RDONLY);
    need(fd);
    need(read(fd, text, sizeof text - 1));
    const char *state = strrchr(text, ')');
    if (!state || state[2] != 'T') held("the signal has no effect: %.40s", text);
    kill(parent, SIGCONT);
    escaped("%.40s", text);
}
