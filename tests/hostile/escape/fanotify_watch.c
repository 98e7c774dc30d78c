// attempt: Watches what everybody opens on the file system of /usr and of the root.
// known-from: technique: fanotify sees the whole mount or file system of the host; permission events hold others up
// held-by: filter, capabilities
// must: held
// control: policy syscalls: {deny: ["@mount"]}
#include "escape.h"

#include <sys/fanotify.h>

int main(void) {
    const unsigned int kinds[] = {FAN_CLASS_PRE_CONTENT, FAN_CLASS_CONTENT, FAN_CLASS_NOTIF, FAN_REPORT_FID};
    const unsigned int marks[] = {FAN_MARK_FILESYSTEM, FAN_MARK_MOUNT, FAN_MARK_INODE};
    int error = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int fd = fanotify_init(kinds[i], O_RDONLY);
        error = errno;
        for (size_t j = 0; fd >= 0 && j < sizeof marks / sizeof *marks; j++)
            if (!fanotify_mark(fd, FAN_MARK_ADD | marks[j], FAN_OPEN, AT_FDCWD, "/usr"))
                escaped("mark %#x of /usr", marks[j]);
    }
    held("%s", strerrorname_np(error));
}
