// attempt: Sends a message whose credentials say that another process sent it, as the launcher's records are told apart.
// known-from: technique: SCM_CREDENTIALS with a pid of one's choice
// held-by: capabilities, user namespace
// must: held
// control: bare root
#include "escape.h"

#include <sys/socket.h>

int main(void) {
    int pair[2];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control = {.header = {CMSG_LEN(sizeof(struct ucred)), SOL_SOCKET, SCM_CREDENTIALS}};
    *(struct ucred *)CMSG_DATA(&control.header) = (struct ucred){1, getuid(), getgid()};
    struct iovec text = {"exit 0\n", 7};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    need(sendmsg(pair[0], &message, 0));
    escaped("a message of PID 1");
}
