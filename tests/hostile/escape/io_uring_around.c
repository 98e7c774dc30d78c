// attempt: Reads a host file through a ring of io_uring, whose operations pass no filter.
// known-from: CVE-2021-41073 and CVE-2022-29582; technique: openat, connect and socket without their system calls
// held-by: filter, mounts
// must: held
// control: bare
// needs: secret
#include "escape.h"

#include <linux/io_uring.h>
#include <sys/mman.h>

static char *map(int ring, size_t size, off_t offset) {
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, offset);
}

int main(void) {
    struct io_uring_params layout = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 4, &layout);
    need(ring);
    char *queue = map(ring, layout.sq_off.array + 4 * layout.sq_entries, IORING_OFF_SQ_RING);
    char *done = map(ring, layout.cq_off.cqes + layout.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
    struct io_uring_sqe *entries = (void *)map(ring, layout.sq_entries * sizeof *entries, IORING_OFF_SQES);
    entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD};
    entries[0].addr = (uint64_t)(uintptr_t)getenv("ESCAPE_SECRET");
    ((uint32_t *)(queue + layout.sq_off.array))[0] = 0;
    __atomic_store_n((uint32_t *)(queue + layout.sq_off.tail), 1, __ATOMIC_RELEASE);
    need(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
    int fd = ((struct io_uring_cqe *)(done + layout.cq_off.cqes))->res;
    char text[100] = "";
    if (fd < 0) held("the ring works, openat: %s", strerrorname_np(-fd));
    need(read(fd, text, sizeof text - 1));
    escaped("%s", text);
}
