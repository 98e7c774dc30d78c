// attempt: Writes past the largest file, and dies of SIGXFSZ as programs do.
// clause: limits.file_size
// limits: file_size=1MiB wall_time=20s
// takes: 4 MiB
// control: file_size=16MiB
// expect: file-size-limit limits.file_size SIGXFSZ
#include "attack.h"

int main(void) {
    static char piece[65536];
    int fd = open("big", O_WRONLY | O_CREAT, 0600);
    for (size_t i = 0; i < 4 * MIB; i += sizeof piece) {
        if (write(fd, piece, sizeof piece) < 0) return errno;
    }
    return 0;
}
