// What tries to outlive the program, and with it the job: once the program's end can be seen it still speaks.
#include "escape.h"

static int life[2], ready[2];  // of the first the program alone keeps the other end: it closes when the program ends

static inline void prepare(void) {
    if (pipe(life) || pipe(ready)) held("pipe: %s", strerrorname_np(errno));
}

// In who is to survive, as soon as nobody else of them has a copy of `life[1]` that would stay.
static inline void leave(void) {
    close(life[1]);
}

static inline _Noreturn void outlive(const char *how) {
    char byte;
    if (write(ready[1], "", 1) != 1) _exit(1);
    while (read(life[0], &byte, 1) > 0) continue;
    usleep(400000);
    escaped("%s: process %d goes on after the program", how, getpid());
}

// In the program. Where nobody is ready to survive there is no attempt, which the control would show.
static inline _Noreturn void end(void) {
    char byte;
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) held("nobody is left to survive");
    held("the program ends here");
}
