// attempt: Takes its filter off, or puts one on top that allows everything, and then makes a user namespace.
// known-from: technique: SECCOMP_MODE_DISABLED, an allowing filter with TSYNC, as against Chromium's sandbox
// held-by: filter, kernel
// must: held
// control: weak no-filter
#include "escape.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>

int main(void) {
    struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const unsigned int flags[] = {0, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i], &program);
    int disabled = prctl(PR_SET_SECCOMP, SECCOMP_MODE_DISABLED, 0, 0, 0) ? errno : 0;
    int privileges = prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) ? errno : 0;
    /* a filter that was taken off in memory would let these through; bwrap alone would hold the first */
    int apart = unshare(CLONE_NEWUSER) ? errno : 0;
    long ring = syscall(SYS_keyctl, 0, -3, 1);
    if (!apart || ring >= 0 || errno != EPERM) escaped("unshare %s, keyring %ld", strerrorname_np(apart), ring);
    held("disabled: %s, no_new_privs: %s, unshare: %s", strerrorname_np(disabled), strerrorname_np(privileges),
         strerrorname_np(apart));
}
