// attempt: Writes past the largest file with SIGXFSZ ignored: 27 is EFBIG.
// clause: limits.file_size
// limits: file_size=1MiB wall_time=20s
// takes: 4 MiB
// control: file_size=16MiB
// expect: nonzero-exit - 27
#include "attack.h"

int main(void) {
    static char piece[65536];
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("big", O_WRONLY | O_CREAT, 0600);
    for (size_t i = 0; i < 4 * MIB; i += sizeof piece) {
        if (write(fd, piece, sizeof piece) < 0) return errno;
    }
    return 0;
}
