// attempt: Reads one page in every 2 MiB of a huge mapping: each read costs a page table, and no page of its own.
// clause: limits.memory
// limits: memory=64MiB wall_time=20s
// takes: 160 MiB of page tables
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory SIGKILL
// expect sampler: ok - 0 or memory-limit limits.memory SIGKILL -- page tables are the kernel's, and count as nobody's
//     pages
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    const size_t step = 2 * MIB, count = 160 * MIB / 4096;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *memory = mmap(NULL, step * count, PROT_READ, flags, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    madvise(memory, step * count, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < count; i++) (void)*(volatile char *)(memory + i * step);
    hold(argv[1], A_LOOK);
    return 0;
}
