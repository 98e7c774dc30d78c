// attempt: Fills the memory of the host through /tmp, by files that have no name any more: 96 MiB, where 64 are allowed.
// known-from: files that are deleted but open, which du and a sweep of /tmp never see
// held-by: mounts, limits
// must: held
// must firejail: escaped -- it makes no sized tmpfs; what is in its /tmp counts as memory
// control: policy limits: {tmp_size: 200MiB}
#include "escape.h"

int main(void) {
    static char piece[1 << 20];
    int written = 0;
    for (int file = 0; file < 4; file++) {
        int fd = open("/tmp/gone", O_WRONLY | O_CREAT, 0600);
        need(fd);
        unlink("/tmp/gone");
        for (int i = 0; i < 24; i++, written++)
            if (write(fd, piece, sizeof piece) != sizeof piece) held("no more after %d MiB", written);
    }
    escaped("%d MiB", written);
}
