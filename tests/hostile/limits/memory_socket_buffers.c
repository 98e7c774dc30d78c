// attempt: Fills hundreds of sockets that nobody reads.
// clause: limits.memory
// limits: memory=48MiB open_files=2048 wall_time=20s
// takes: 120 MiB in as many pairs as it needs
// touches: 110MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: ok - 0 or memory-limit limits.memory SIGKILL -- what is in a socket is in no process
#include "attack.h"

#include <sys/socket.h>

int main(int argc, char **argv) {
    (void)argc;
    static char piece[32768];
    for (size_t sent = 0; sent < 120 * MIB;) {
        int ends[2];
        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
        for (ssize_t wrote; (wrote = write(ends[0], piece, sizeof piece)) > 0;) sent += (size_t)wrote;
    }
    hold(argv[1], A_LOOK);
    return 0;
}
