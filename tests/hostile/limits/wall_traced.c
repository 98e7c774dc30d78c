// attempt: Sleeps past its time beside a child that it traces and that is stopped for it.
// clause: limits.wall_time
// limits: wall_time=600ms processes=8
// policy: syscalls: {deny: [reboot], action: errno}
// takes: 1.5 s
// control: wall_time=20s
// expect: wall-time-limit limits.wall_time SIGKILL
#include "attack.h"

#include <sys/ptrace.h>

int main(int argc, char **argv) {
    (void)argc;
    int status;
    pid_t child = fork();
    if (child == 0) {
        need(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "ptrace");
        raise(SIGSTOP);
        _exit(0);
    }
    need(waitpid(child, &status, 0) == child && WIFSTOPPED(status), "the child is not stopped");
    hold(argv[1], 1.5);
    need(ptrace(PTRACE_CONT, child, NULL, NULL) == 0, "continue");
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? 0 : 1;
}
