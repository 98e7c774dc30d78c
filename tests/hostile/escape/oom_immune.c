// attempt: Makes itself one that the kernel never kills when memory is short: others go before it.
// known-from: oom_score_adj of -1000, by which a container had the host's own services killed in its place
// held-by: capabilities
// must: held
// control: bare root
#include "escape.h"

int main(void) {
    char text[16] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDWR);
    need(fd);
    need(write(fd, "-1000", 5));
    need(pread(fd, text, sizeof text - 1, 0));
    escaped("%.5s", text);
}
