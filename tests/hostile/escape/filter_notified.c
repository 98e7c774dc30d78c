// attempt: Puts a filter on top that asks itself, and answers that each call may go on, those that are refused as well.
// known-from: technique: SECCOMP_USER_NOTIF_FLAG_CONTINUE, of which seccomp_unotify(2) says that it is no policy
// held-by: filter, kernel
// must: held
// control: weak no-filter
#include "escape.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

static int listener;

static void *allow(void *unused) {
    for (;;) {
        struct seccomp_notif request = {0};
        struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request)) return unused;
        answer.id = request.id;
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

int main(void) {
    struct sock_filter ask[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, ask};
    pthread_t thread;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    need(listener);
    if (pthread_create(&thread, NULL, allow, NULL)) return 1;
    long ring = syscall(SYS_keyctl, 0, -3, 1);
    if (ring >= 0) escaped("keyring %ld, for it was told to go on", ring);
    held("a refusal is stronger than its own answer: %s", strerrorname_np(errno));
}
