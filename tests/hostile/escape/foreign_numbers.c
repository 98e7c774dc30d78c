// attempt: Makes a user namespace and asks for keyrings by the numbers of 32-bit code (int 0x80) and of x32, which a
//     filter of x86_64 numbers does not know.
// known-from: technique: seccomp filters that don't look at the architecture; x32 as in CVE-2014-0038
// held-by: filter
// must: held
// control: weak no-filter
#include "escape.h"

#ifdef __x86_64__
static long of_32_bits(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third)
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}

int main(void) {
    enum { KEYCTL_32 = 288, UNSHARE_32 = 310, GETPID_32 = 20, X32 = 0x40000000, NEWUSER = 0x10000000 };
    const long numbers[] = {SYS_getpid, SYS_keyctl, SYS_unshare, SYS_ptrace, 512, 547};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        errno = 0;
        long result = syscall(X32 | numbers[i], NEWUSER, 0, 0);
        if (result >= 0) escaped("call %ld of x32 gives %ld", numbers[i], result);
    }
    int x32 = errno;
    long pid = of_32_bits(GETPID_32, 0, 0, 0), ring = of_32_bits(KEYCTL_32, 0, -3, 1);
    long apart = of_32_bits(UNSHARE_32, NEWUSER, 0, 0);
    if (pid >= 0 || ring >= 0 || apart >= 0)
        escaped("32-bit calls: pid %ld, keyring %ld, unshare %ld", pid, ring, apart);
    held("x32 %s, 32-bit %s, %s, %s", strerrorname_np(x32), strerrorname_np((int)-pid), strerrorname_np((int)-ring),
         strerrorname_np((int)-apart));
}
#else
int main(void) { held("this machine has one set of numbers"); }
#endif
