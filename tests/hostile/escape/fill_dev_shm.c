// attempt: Fills the memory of the host through /dev/shm: 96 MiB in four files, where 64 MiB are allowed.
// known-from: /dev/shm of a container, by default half of the host's memory where nobody bounds it
// held-by: mounts, limits
// must: held
// must firejail: escaped -- it makes no sized tmpfs; what is in its /dev/shm counts as memory
// control: policy limits: {tmp_size: 200MiB}
#include "escape.h"

int main(void) {
    static char piece[1 << 20];
    int written = 0;
    for (int file = 0; file < 4; file++) {
        char name[32];
        snprintf(name, sizeof name, "/dev/shm/%d", file);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        need(fd);
        for (int i = 0; i < 24; i++, written++)
            if (write(fd, piece, sizeof piece) != sizeof piece) held("no more after %d MiB", written);
    }
    escaped("%d MiB", written);
}
