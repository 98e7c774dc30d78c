// attempt: Opens files until the host has none left to open: a thousand in one process.
// known-from: file-max, which one account can use up for all where nothing bounds it
// held-by: limits
// must: held
// control: policy limits: {open_files: {default: 2000, max: 4096}}
#include "escape.h"

int main(void) {
    for (int count = 0; count < 1000; count++)
        if (open("/dev/null", O_RDONLY) < 0) held("%s after %d", strerrorname_np(errno), count);
    escaped("1000 open files");
}
