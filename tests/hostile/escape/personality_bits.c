// attempt: Makes all readable memory executable, turns randomised addresses off, or takes another execution domain.
// known-from: technique: READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE ahead of an exploit, as of CVE-2009-1895
// held-by: filter
// must: held
// control: weak no-filter
#include "escape.h"

#include <sys/personality.h>

int main(void) {
    const unsigned long bits[] = {READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE, MMAP_PAGE_ZERO, ADDR_COMPAT_LAYOUT,
                                  PER_SVR4,          PER_BSD,           1UL << 32 | ADDR_NO_RANDOMIZE};
    int error = 0;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        long before = syscall(SYS_personality, bits[i]);
        error = errno;
        long now = syscall(SYS_personality, 0xffffffffUL);
        if (before >= 0) escaped("%#lx was %#lx", (unsigned long)now, (unsigned long)before);
        if (now > 0) escaped("the personality is %#lx", (unsigned long)now);
    }
    held("%s", strerrorname_np(error));
}
