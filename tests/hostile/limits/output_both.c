// attempt: Floods stdout and stderr, with less than the limit on each of them.
// clause: limits.output
// limits: output=128KiB wall_time=20s
// takes: 96 KiB on each, and time to see it
// control: output=16MiB
// expect: output-limit limits.output SIGKILL
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    static char piece[1024];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 96; i++) {
        need(write(1, piece, sizeof piece) > 0, "stdout");
        need(write(2, piece, sizeof piece) > 0, "stderr");
    }
    hold(argv[1], 1.0);
    return 0;
}
