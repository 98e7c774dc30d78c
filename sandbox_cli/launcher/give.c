/* What init hands over to the supervisor: fds of the jail's own files, each with its record. */
#include "launcher.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef TIOCGPTPEER /* newer than some C libraries */
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* A record that brings an fd. */
static void hand_over(int control, const char *record, int fd) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights = {.bytes = {0}};
    struct iovec text = {(char *)record, strlen(record)};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};
    rights.header.cmsg_len = CMSG_LEN(sizeof fd);
    rights.header.cmsg_level = SOL_SOCKET;
    rights.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&rights.header), &fd, sizeof fd);
    sendmsg(control, &message, 0);
}

/* The supervisor puts the job's files there and collects what it made, by this fd alone. */
void show_scratch(int control, const char *scratch) {
    int fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        say(control, "nodir", (int64_t[]){errno}, 1);
        return;
    }
    hand_over(control, "dir\n", fd);
    close(fd);
}

/* A pty of the jail's own devpts: /dev/pts/ptmx and not /dev/ptmx, which could be a device of any other one. Its other
 * end is known by its name in here, and takes the place of all three streams. */
static int open_terminal(int *stdio) {
    int unlocked = 0, master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return -1;
    int terminal = control_device(master, TIOCSPTLCK, (long)&unlocked)
                       ? -1
                       : control_device(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) return -1;
    for (int i = 0; i < STDIO_FDS; i++)
        if (dup3(terminal, stdio[i], O_CLOEXEC) < 0) return -1;
    close(terminal);
    return master;
}

/* Nothing starts without it. */
void give_terminal(int control, int *stdio) {
    int master = open_terminal(stdio);
    if (master < 0) {
        say(control, "notty", (int64_t[]){errno}, 1);
        _exit(EXIT_LAUNCHER);
    }
    hand_over(control, "tty\n", master);
    close(master);
}
