// attempt: Takes over the page faults of its own memory, so that the kernel waits for it where it chooses.
// known-from: technique: the aid that won the races of CVE-2021-22555 and many others
// held-by: filter, mounts
// must: held
// control: policy syscalls: {deny: ["@mount"]}
#include "escape.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

int main(void) {
    const int flags[] = {0, O_CLOEXEC, UFFD_USER_MODE_ONLY, UFFD_USER_MODE_ONLY | O_NONBLOCK};
    int error = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        long fd = syscall(SYS_userfaultfd, flags[i]);
        error = errno;
        if (fd < 0) continue;
        struct uffdio_api api = {.api = UFFD_API};
        escaped("fd %ld, its interface %d", fd, ioctl((int)fd, UFFDIO_API, &api));
    }
    int device = open("/dev/userfaultfd", O_RDWR);
    if (device >= 0) escaped("/dev/userfaultfd");
    held("%s, %s", strerrorname_np(error), strerrorname_np(errno));
}
