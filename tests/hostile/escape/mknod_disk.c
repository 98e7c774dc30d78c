// attempt: Makes device nodes of the disk that /usr lies on, of other disks and of the machine's memory.
// known-from: technique: mknod and debugfs from a container with CAP_MKNOD
// held-by: capabilities, mounts
// must: held
// control: bare root
#include "escape.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

int main(void) {
    struct stat usr;
    if (stat("/usr", &usr)) return 1;
    const struct {
        mode_t kind;
        dev_t number;
    } devices[] = {
        {S_IFBLK, usr.st_dev}, {S_IFBLK, makedev(254, 0)}, {S_IFBLK, makedev(8, 0)}, {S_IFBLK, makedev(259, 0)},
        {S_IFBLK, makedev(7, 0)}, {S_IFCHR, makedev(1, 1)}, {S_IFCHR, makedev(1, 4)}, {S_IFCHR, makedev(1, 11)},
        {S_IFCHR, makedev(10, 229)}, {S_IFCHR, makedev(5, 1)},
    };
    const char *places[] = {".", "/tmp", "/dev/shm", "/dev"};
    char name[100], block[512];
    int error = 0;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        for (size_t j = 0; j < sizeof places / sizeof *places; j++) {
            snprintf(name, sizeof name, "%s/escape-%d", places[j], getpid());
            if (mknod(name, devices[i].kind | 0600, devices[i].number)) {
                if (error != EPERM) error = errno;
                continue;
            }
            int fd = open(name, O_RDONLY | O_NONBLOCK);
            ssize_t count = fd < 0 ? -1 : read(fd, block, sizeof block);
            unlink(name);
            escaped("device %u:%u, %zd bytes read", major(devices[i].number), minor(devices[i].number), count);
        }
    held("%s", strerrorname_np(error));
}
