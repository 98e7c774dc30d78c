// attempt: Writes into the memory of the launcher, of the jailer and of a process of the host, by process_vm_writev.
// known-from: technique: process_vm_writev, which needs what ptrace needs
// held-by: filter, pid namespace, launcher
// must: held
// needs: victim
// control: bare
#include "escape.h"

#include <sys/uio.h>

int main(void) {
    int pids[] = {atoi(getenv("ESCAPE_PID")), 1, getppid()};
    char word[8], path[40], line[200];
    for (int i = 0; i < 3; i++) {
        unsigned long start = 0;
        snprintf(path, sizeof path, "/proc/%d/maps", pids[i]);
        FILE *maps = fopen(path, "r");
        while (maps && fgets(line, sizeof line, maps))
            if (strstr(line, " rw-p ")) start = strtoul(line, NULL, 16);
        struct iovec own = {word, sizeof word}, other = {(void *)start, sizeof word};
        if (process_vm_readv(pids[i], &own, 1, &other, 1, 0) == sizeof word &&
            process_vm_writev(pids[i], &own, 1, &other, 1, 0) == sizeof word)
            escaped("wrote into process %d", pids[i]);
    }
    held("%s", strerrorname_np(errno));
}
