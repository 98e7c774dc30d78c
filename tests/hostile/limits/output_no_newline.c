// attempt: Floods stdout with one line without an end.
// clause: limits.output
// limits: output=1MiB wall_time=20s
// takes: 16 MiB
// control: output=32MiB
// expect: output-limit limits.output SIGKILL
#include "attack.h"

int main(void) {
    static char piece[MIB];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 16; i++) {
        for (size_t done = 0; done < MIB;) {
            ssize_t wrote = write(1, piece + done, MIB - done);
            need(wrote > 0, "write");
            done += (size_t)wrote;
        }
    }
    return 0;
}
