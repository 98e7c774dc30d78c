// attempt: Writes a segment into its own descriptor table, and asks for the ports of the machine.
// known-from: CVE-2017-17053 (a descriptor table used after it was freed); modify_ldt served BadIRET, CVE-2014-9322
// held-by: filter
// must: held
// control: policy syscalls: {deny: ["@mount"]}
#include "escape.h"

#ifdef __x86_64__
#include <asm/ldt.h>

int main(void) {
    struct user_desc segment = {.limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1};
    char table[64];
    int error = 0;
    for (int function = 0; function < 4; function++) {
        void *place = function == 1 ? (void *)&segment : table;
        long done = syscall(SYS_modify_ldt, function, place, sizeof segment);
        error = errno;
        if (done >= 0 && function == 1) escaped("a segment is written");
    }
    if (syscall(SYS_modify_ldt, 0x11, &segment, sizeof segment) >= 0) escaped("a segment is written");
    held("%s", strerrorname_np(error));
}
#else
int main(void) { held("this machine has no such table"); }
#endif
