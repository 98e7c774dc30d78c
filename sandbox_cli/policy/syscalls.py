"""Syscall sets, and the rules that hold under every policy: data, each with its reason."""

from __future__ import annotations

from typing import NamedTuple

from sandbox_cli.policy.syscall_sets import SYSTEMD

# What an unprivileged program of the shipped languages does not need, and what has been a way out of
# containers or reaches what all processes of a machine share.
DEFAULT_DENY = (
    # Other processes: their memory, their registers, their descriptors. A job's own runtime never traces.
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
    "process_madvise", "process_mrelease", "move_pages", "migrate_pages",
    # Kernel programs and counters: a long history of local root exploits, and side channels.
    "bpf", "perf_event_open", "lookup_dcookie",
    # Fault handling in user space: holds a kernel thread at a chosen instruction, the classic aid of races.
    "userfaultfd",
    # Does most other calls without passing a filter. libuv and others fall back by themselves.
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    # Memory that no sampler can see from outside.
    "memfd_secret",
    # Keyrings are not part of any namespace that jailers make.
    "keyctl", "add_key", "request_key",
    # Mounts, by the old interface and the new: the jail is its mounts.
    "mount", "umount", "umount2", "pivot_root", "chroot",
    "open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
    # New namespaces would give capabilities, and with them most of the kernel's surface.
    "unshare", "setns",
    # Files by handle pass over the mounts that hide them (the "shocker" escape).
    "open_by_handle_at", "name_to_handle_at",
    # The machine itself: another kernel, modules, power, swap, quota, accounting.
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "create_module", "query_module", "get_kernel_syms",
    "reboot", "swapon", "swapoff", "quotactl", "quotactl_fd", "acct",
    # Its clock, its name, its log, its terminals.
    "settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "adjtimex", "stime",
    "sethostname", "setdomainname", "syslog", "vhangup",
    # Hardware ports, and processor modes that only emulators of old systems use.
    "iopl", "ioperm", "pciconfig_read", "pciconfig_write", "pciconfig_iobase", "modify_ldt", "vm86", "vm86old",
    # Sees and holds up what others open.
    "fanotify_init", "fanotify_mark",
    # Changes the security module's label of the process.
    "lsm_set_self_attr",
    # Left over from old kernels: nothing needs them, nobody looks at them.
    "nfsservctl", "_sysctl", "sysfs", "ustat", "uselib",
)  # fmt: skip

SETS: dict[str, tuple[str, ...]] = {"@default-deny": DEFAULT_DENY, **SYSTEMD}


class Rule(NamedTuple):
    """Refuses `syscall`, whatever the policy says: always, or as its argument is.

    Only the argument's low 32 bits are looked at, since the kernel looks at no more of these: an equality
    of 64 bits is passed by garbage above them (CVE-2019-10063).
    """

    syscall: str
    argument: int | None = None
    any_bit: int = 0  # refused where one of these bits is set
    equals: tuple[int, ...] = ()  # refused where it is one of these
    missing: bool = False  # it answers ENOSYS, as a kernel that doesn't have it


# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. CLONE_NEWTIME is no flag of clone.
NAMESPACE_FLAGS = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # type into the caller's terminal; paste into a console
SET_UID = 0o4000

STRUCTURAL = (
    # Its flags lie in memory, where no filter can look. libc falls back to clone, but only on ENOSYS.
    Rule("clone3", missing=True),
    # nsjail has no option against nested user namespaces: only the filter closes them there.
    Rule("clone", argument=0, any_bit=NAMESPACE_FLAGS),
    Rule("unshare"),
    Rule("setns"),
    Rule("ioctl", argument=1, equals=(TIOCSTI, TIOCLINUX)),
    # A program left in a directory of the host that makes whoever else starts it the account of the job: the caller's
    # own. A file can also be made with that bit, but the kernel takes it away when something is written into it.
    Rule("chmod", argument=1, any_bit=SET_UID),
    Rule("fchmod", argument=1, any_bit=SET_UID),
    Rule("fchmodat", argument=2, any_bit=SET_UID),
    Rule("fchmodat2", argument=2, any_bit=SET_UID),
)
ONLY_OLDER_MACHINES = frozenset({"chmod"})  # have these: aarch64 does the same by what stands beside them

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
