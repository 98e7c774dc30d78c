// attempt: Loads a program into the kernel, makes a map and asks for the ids of others'.
// known-from: CVE-2020-8835, CVE-2021-3490 and CVE-2022-23222 (the verifier lets a program out of its bounds)
// held-by: filter, capabilities
// must: held
// control: bare root
#include "escape.h"

#include <linux/bpf.h>

int main(void) {
    struct bpf_insn code[] = {{.code = 0xb7}, {.code = 0x95}}; /* r0 = 0; exit */
    union bpf_attr program = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER};
    program.insns = (uint64_t)(uintptr_t)code;
    program.insn_cnt = 2;
    program.license = (uint64_t)(uintptr_t) "GPL";
    long loaded = syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof program);
    int first = errno;
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    long made = syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
    if (loaded >= 0 || made >= 0) escaped("program %ld, map %ld", loaded, made);
    int second = errno;
    long empty = syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0);
    if (empty >= 0 || errno != EPERM) escaped("the call is reached: %s", strerrorname_np(errno));
    held("%s, %s", strerrorname_np(first), strerrorname_np(second));
}
