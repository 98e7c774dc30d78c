"""Syscall sets, and what is beside them: data, each with its reason."""

from __future__ import annotations

from typing import NamedTuple

from sandbox_cli.policy.syscall_sets import SYSTEMD


class Group(NamedTuple):
    """Names of @default-deny, and why they are in it."""

    why: str
    names: tuple[str, ...]


def _group(why: str, names: str) -> Group:
    return Group(why, tuple(names.split()))


# What an unprivileged program of the shipped languages does not need, and what has been a way out of
# containers or reaches what all processes of a machine share.
GROUPS = (
    _group(
        "other processes: their memory, their registers, their descriptors; a job's own runtime never traces",
        "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease",
    ),
    _group(
        "where memory lies on the machine, of other processes too; runtimes do without",
        "move_pages migrate_pages mbind set_mempolicy set_mempolicy_home_node",
    ),
    _group(
        "kernel programs and counters: a long history of local root exploits, and side channels",
        "bpf perf_event_open lookup_dcookie",
    ),
    _group(
        "handles faults in user space: it holds a kernel thread at a chosen instruction, the classic aid of races",
        "userfaultfd",
    ),
    _group(
        "does most other calls without passing a filter, and has given root many times; libuv and others fall back",
        "io_uring_setup io_uring_enter io_uring_register",
    ),
    _group(
        "lends the kernel pages that can still be written (CVE-2008-0600, CVE-2020-29374); who uses it falls back",
        "vmsplice",
    ),
    _group("memory that no sampler can see from outside", "memfd_secret"),
    _group("keyrings are not part of any namespace that jailers make", "keyctl add_key request_key"),
    _group(
        "mounts, by the old interface and the new: the jail is its mounts",
        "mount umount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick "
        "mount_setattr statmount listmount",
    ),
    _group(
        "new namespaces would give capabilities, and with them most of the kernel's surface",
        "unshare setns",
    ),
    _group(
        'files by handle pass over the mounts that hide them (the "shocker" escape)',
        "open_by_handle_at name_to_handle_at",
    ),
    _group(
        "the machine itself: another kernel, modules, power, swap, quota, accounting",
        "kexec_load kexec_file_load init_module finit_module delete_module create_module query_module "
        "get_kernel_syms reboot swapon swapoff quotactl quotactl_fd acct",
    ),
    _group(
        "the machine's clock, name, log and terminals",
        "settimeofday clock_settime clock_settime64 clock_adjtime clock_adjtime64 adjtimex stime sethostname "
        "setdomainname syslog vhangup",
    ),
    _group(
        "hardware ports, and processor modes that only emulators of old systems use",
        "iopl ioperm pciconfig_read pciconfig_write pciconfig_iobase modify_ldt vm86 vm86old",
    ),
    _group(
        "sees and holds up what others open, or what of their files is in memory",
        "fanotify_init fanotify_mark cachestat",
    ),
    _group(
        "the kernel's own asynchronous I/O: a machine has 65536 of its events for everybody, which one job could take",
        "io_setup",
    ),
    _group(
        "the security modules: their labels, and which they are; the old files in /proc say what programs ask",
        "lsm_set_self_attr lsm_get_self_attr lsm_list_modules",
    ),
    _group(
        "left over from old kernels: nothing needs them, nobody looks at them",
        "nfsservctl _sysctl sysfs ustat uselib",
    ),
)
DEFAULT_DENY = tuple(name for group in GROUPS for name in group.names)

DEFAULT_SET = "@default-deny"
SETS: dict[str, tuple[str, ...]] = {DEFAULT_SET: DEFAULT_DENY, **SYSTEMD}

# The launcher loads the filter, reports, waits for one byte, and only then executes the program; where
# that fails it says why and exits. All of that passes the filter, so it is let through under every policy.
LAUNCHER_NEEDS = ("execve", "exit_group", "read", "write")

# Calls that libseccomp 2.5 may not know yet. From 424 on a number is the same on every machine.
NUMBERS = {
    "quotactl_fd": 443, "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
    "memfd_secret": 447, "process_mrelease": 448, "futex_waitv": 449, "set_mempolicy_home_node": 450,
    "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455,
    "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
    "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465,
    "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468, "file_setattr": 469,
}  # fmt: skip

# @default-deny has been held against all calls up to this one. What a newer kernel adds answers ENOSYS, as by one that
# doesn't have it yet: it would else be let through before anybody has looked at it.
NEWEST = max(NUMBERS.values())
