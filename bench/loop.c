/* Runs N jobs, J at once, with nothing but what it takes: what a batch is measured against.
 *
 *     loop N J LAUNCHER < SLOTS       prints seconds, then CPU seconds of itself and of its children
 *
 * A slot is where one job runs at a time; bench/recorded.py says of each what is to be started there, as seven lists of
 * strings: argv, environment, the contents of the fds from 5 on, the launcher's message (none: argv is a jailer and its
 * program, and no launcher is between the two), directories to make, files and values to write to them, and files that
 * the program's pid is written to. A list is a u32 with the number of its strings, and each of these a u32 with its
 * length, and its bytes, and a NUL that isn't counted.
 *
 * A job that fails, in whatever way, is one line on stderr and the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS_MAX = 256, CONTROL = 3, LAUNCHER = 4, DATA = 5, PLACES = 32, WATCHED_MS = 1 };

struct list {
    uint32_t count, *lengths;
    char **strings; /* ended by NULL, as exec wants it */
};

struct slot {
    struct list argv, environ, data, message, directories, writes, joins;
    int pidfd, control; /* -1: not, or no more */
    pid_t pid;
    bool exited_0; /* what `init` said of the program */
};

static struct slot slots[SLOTS_MAX];
static int null, launcher, lifeline;

static _Noreturn void fail(const char *what, const char *detail) {
    fprintf(stderr, "loop: %s %s: %s\n", what, detail, strerror(errno));
    exit(1);
}

static void read_all(void *bytes, size_t size) {
    if (size && fread(bytes, size, 1, stdin) != 1) fail("slots", "too short");
}

static struct list read_list(void) {
    struct list list;
    read_all(&list.count, sizeof list.count);
    list.lengths = calloc(list.count + 1, sizeof *list.lengths);
    list.strings = calloc(list.count + 1, sizeof *list.strings);
    for (uint32_t i = 0; i < list.count; i++) {
        read_all(&list.lengths[i], sizeof *list.lengths);
        list.strings[i] = malloc((size_t)list.lengths[i] + 1);
        read_all(list.strings[i], (size_t)list.lengths[i] + 1);
    }
    return list;
}

static void put(const char *path, const char *value) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0) fail("can't write", path);
    close(fd);
}

static void make_group(const struct slot *slot) {
    for (uint32_t i = 0; i < slot->directories.count; i++)
        if (mkdir(slot->directories.strings[i], 0755)) fail("can't make", slot->directories.strings[i]);
    for (uint32_t i = 0; i + 1 < slot->writes.count; i += 2) put(slot->writes.strings[i], slot->writes.strings[i + 1]);
}

static void remove_group(const struct slot *slot) {
    for (uint32_t i = slot->directories.count; i-- > 0;)
        while (rmdir(slot->directories.strings[i])) { /* whose last process is gone for us, and not yet for it */
            if (errno != EBUSY) fail("can't remove", slot->directories.strings[i]);
            poll(NULL, 0, WATCHED_MS);
        }
}

static int memory(const char *bytes, size_t size) {
    int fd = memfd_create("data", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET)) fail("memfd", "");
    return fd;
}

static void start(struct slot *slot) {
    int ends[2] = {-1, -1}, contents[PLACES], yes = 1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    make_group(slot);
    for (int fd = 0; fd < CONTROL; fd++) posix_spawn_file_actions_adddup2(&actions, null, fd);
    if (slot->message.count) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) fail("socketpair", "");
        setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
        posix_spawn_file_actions_adddup2(&actions, ends[1], CONTROL);
        posix_spawn_file_actions_adddup2(&actions, launcher, LAUNCHER);
        posix_spawn_file_actions_adddup2(&actions, lifeline, DATA + (int)slot->data.count);
    }
    for (uint32_t i = 0; i < slot->data.count; i++) {
        contents[i] = memory(slot->data.strings[i], slot->data.lengths[i]);
        posix_spawn_file_actions_adddup2(&actions, contents[i], DATA + (int)i);
    }
    char **argv = slot->argv.strings;
    errno = posix_spawn(&slot->pid, argv[0], &actions, NULL, argv, slot->environ.strings);
    if (errno) fail("can't start", argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    for (uint32_t i = 0; i < slot->data.count; i++) close(contents[i]);
    if (ends[1] >= 0) close(ends[1]);
    slot->control = ends[0];
    slot->exited_0 = !slot->message.count;
    slot->pidfd = (int)syscall(SYS_pidfd_open, slot->pid, 0);
    if (slot->pidfd < 0) fail("pidfd", "");
}

static void send_message(const struct slot *slot) {
    int stdio[] = {null, null, null};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof stdio)];
    } rights = {.bytes = {0}};
    size_t size = slot->message.lengths[0];
    struct iovec text = {slot->message.strings[0], size};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};
    rights.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof stdio), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&rights.header), stdio, sizeof stdio);
    if (sendmsg(slot->control, &message, MSG_NOSIGNAL) != (ssize_t)size) fail("message", "");
}

static void open_gate(const struct slot *slot, pid_t program) {
    char pid[16];
    snprintf(pid, sizeof pid, "%d", program);
    for (uint32_t i = 0; i < slot->joins.count; i++) put(slot->joins.strings[i], pid);
    if (send(slot->control, "g", 1, MSG_NOSIGNAL) != 1) fail("gate", "");
}

/* There is room for the sender's credentials alone: the kernel closes the fd of scratch that comes along. */
static void read_records(struct slot *slot) {
    char text[4096], *rest = text;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } sender;
    struct iovec vector = {text, sizeof text - 1};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = sender.bytes, .msg_controllen = sizeof sender.bytes};
    ssize_t got = recvmsg(slot->control, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) {
        close(slot->control);
        slot->control = -1;
        return;
    }
    text[got] = 0;
    for (char *record; (record = strsep(&rest, "\n"));) {
        if (!strcmp(record, "ready")) send_message(slot);
        else if (!strcmp(record, "armed")) open_gate(slot, ((struct ucred *)CMSG_DATA(&sender.header))->pid);
        else if (!strcmp(record, "exit 0")) slot->exited_0 = true;
    }
}

static void reap(struct slot *slot) {
    int status;
    if (waitpid(slot->pid, &status, 0) != slot->pid) fail("waitpid", "");
    close(slot->pidfd);
    slot->pidfd = -1;
    while (slot->control >= 0) read_records(slot);
    if (status || !slot->exited_0) {
        fprintf(stderr, "loop: a job failed: wait status %#x, its program %s\n", status, slot->exited_0 ? "ok" : "not ok");
        exit(1);
    }
    remove_group(slot);
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static double cpu_s(int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Two places for each slot: poll passes over what is -1. */
static void wait_for_any(int count) {
    struct pollfd fds[2 * SLOTS_MAX];
    for (int i = 0; i < count; i++) {
        fds[2 * i] = (struct pollfd){slots[i].control, POLLIN, 0};
        fds[2 * i + 1] = (struct pollfd){slots[i].pidfd, POLLIN, 0};
    }
    if (poll(fds, (nfds_t)(2 * count), -1) < 0) fail("poll", "");
    for (int i = 0; i < count; i++) {
        if (fds[2 * i].revents) read_records(&slots[i]);
        if (fds[2 * i + 1].revents) reap(&slots[i]);
    }
}

/* No fd that is made from here on has the number of one that a job gets, which dup2 would then close, or leave to be
 * closed on exec. */
static void occupy_low_fds(const char *program) {
    int ends[2];
    do null = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (null >= 0 && null < PLACES);
    launcher = open(program, O_RDONLY | O_CLOEXEC);
    if (null < 0 || launcher < 0 || pipe2(ends, O_CLOEXEC)) fail("can't open", program);
    lifeline = ends[0];
}

int main(int count, char **arguments) {
    if (count != 4) fail("usage: loop N J LAUNCHER < SLOTS", "");
    int jobs = atoi(arguments[1]), side_by_side = atoi(arguments[2]), started = 0, running;
    if (side_by_side < 1 || side_by_side > SLOTS_MAX) fail("bad J", arguments[2]);
    occupy_low_fds(arguments[3]);
    for (int i = 0; i < side_by_side; i++) {
        struct slot *slot = &slots[i];
        struct list *lists[] = {&slot->argv,        &slot->environ, &slot->data, &slot->message,
                                &slot->directories, &slot->writes,  &slot->joins};
        for (size_t each = 0; each < sizeof lists / sizeof *lists; each++) *lists[each] = read_list();
        if (DATA + slot->data.count >= PLACES) fail("too many", "data");
        slot->pidfd = slot->control = -1;
    }
    double began = now_s();
    do {
        running = 0;
        for (int i = 0; i < side_by_side; i++) {
            if (slots[i].pidfd < 0 && started < jobs) start(&slots[i]), started++;
            running += slots[i].pidfd >= 0;
        }
        if (running) wait_for_any(side_by_side);
    } while (running);
    printf("%.6f %.6f %.6f\n", now_s() - began, cpu_s(RUSAGE_SELF), cpu_s(RUSAGE_CHILDREN));
    return 0;
}
