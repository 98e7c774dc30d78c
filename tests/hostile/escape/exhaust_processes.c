// attempt: Takes the process ids of the host: two hundred processes that do nothing.
// known-from: the fork bomb
// held-by: limits
// must: held
// control: policy limits: {processes: 300}
#include "escape.h"

int main(void) {
    for (int count = 0; count < 200; count++) {
        pid_t child = fork();
        if (child < 0) held("%s after %d", strerrorname_np(errno), count);
        if (child == 0) {
            pause();
            _exit(0);
        }
    }
    escaped("200 processes");
}
