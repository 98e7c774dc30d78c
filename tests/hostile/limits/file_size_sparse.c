// attempt: Makes a file of 1 TiB that takes no room.
// clause: limits.file_size
// limits: file_size=1MiB wall_time=20s
// takes: 1 TiB
// control: file_size=none
// expect: file-size-limit limits.file_size SIGXFSZ
#include "attack.h"

int main(void) {
    int fd = open("sparse", O_WRONLY | O_CREAT, 0600);
    need(fd >= 0, "open");
    return ftruncate(fd, 1L << 40) ? errno : 0;
}
