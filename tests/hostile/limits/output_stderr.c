// attempt: Floods stderr with lines.
// clause: limits.output
// limits: output=128KiB wall_time=20s
// takes: 4 MiB
// control: output=16MiB
// expect: output-limit limits.output SIGKILL
#include "attack.h"

int main(void) {
    static char piece[4096];
    for (size_t i = 0; i < sizeof piece; i++) piece[i] = i % 2 ? '\n' : 'y';
    for (size_t i = 0; i < 4 * MIB; i += sizeof piece) need(write(2, piece, sizeof piece) > 0, "write");
    return 0;
}
