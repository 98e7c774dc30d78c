// attempt: Leaves a program in the caller's directory that runs with the rights of its owner, whoever starts it.
// known-from: the set-uid shell in a shared directory, the oldest way to stay
// held-by: filter
// must: held
// needs: workspace
// control: bare
#include "escape.h"

#include <sys/stat.h>

int main(void) {
    struct stat found;
    need(chdir(getenv("ESCAPE_WORKSPACE")));
    int fd = open("shell", O_WRONLY | O_CREAT, 0755);
    need(fd);
    fchmod(fd, 04755);
    chmod("shell", 04755);
    fchmodat(AT_FDCWD, "shell", 04755, 0);
    syscall(452 /* fchmodat2 */, AT_FDCWD, "shell", 04755, 0);
    mknod("other", S_IFREG | 04755, 0);
    need(open("third", O_WRONLY | O_CREAT, 04755));
    for (const char **name = (const char *[]){"shell", "other", "third", NULL}; *name; name++)
        if (stat(*name, &found) == 0 && found.st_mode & S_ISUID) escaped("%s has mode %o", *name, found.st_mode);
    held("no file became set-uid");
}
