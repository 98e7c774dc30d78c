// attempt: Lives on with no stream of the job's open: its only way to speak waits in a socket that nobody else holds.
// known-from: CVE-2024-21626 and its like turn an fd that was forgotten; a supervisor that waits for the ends of the
//     streams takes a job for ended that has merely hidden them
// held-by: launcher, pid namespace
// must: held
// control: bare
#include "survive.h"

#include <sys/socket.h>

static struct msghdr *carrier(int fd) {
    static union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } rights;
    static char byte;
    static struct iovec text = {&byte, 1};
    static struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
    message.msg_control = rights.room, message.msg_controllen = sizeof rights.room;
    rights.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&rights.header), &fd, sizeof fd);
    return &message;
}

int main(void) {
    int ends[2], fd;
    char byte;
    prepare();
    if (fork() == 0) {
        leave();
        setsid();
        socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
        sendmsg(ends[0], carrier(STDOUT_FILENO), 0);
        for (fd = 0; fd < 3; fd++) close(fd);
        if (write(ready[1], "", 1) != 1) _exit(1);
        while (read(life[0], &byte, 1) > 0) continue;
        usleep(400000);
        struct msghdr *message = carrier(-1);
        if (recvmsg(ends[1], message, 0) != 1) _exit(1);
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(message)), sizeof fd);
        dup2(fd, STDOUT_FILENO);
        escaped("process %d took its output back after the program", getpid());
    }
    end();
}
