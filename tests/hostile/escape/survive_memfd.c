// attempt: Lives on as another program, which has no file: a copy in memory, under the name of a kernel thread.
// known-from: fileless malware that runs from memfd_create; who kills by name or by path misses it
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

int main(int count, char **words) {
    if (count == 3) {
        life[0] = atoi(words[1]), ready[1] = atoi(words[2]);
        outlive(words[0]);
    }
    prepare();
    int copy = memfd_create("", 0), file = open("/proc/self/exe", O_RDONLY);
    while (sendfile(copy, file, NULL, 1 << 20) > 0) continue;
    if (fork() == 0) {
        char first[12], second[12];
        leave();
        setsid();
        snprintf(first, sizeof first, "%d", life[0]);
        snprintf(second, sizeof second, "%d", ready[1]);
        fexecve(copy, (char *[]){"[kworker/0:1]", first, second, NULL}, (char *[]){NULL});
        held("fexecve: %s", strerrorname_np(errno));
    }
    end();
}
