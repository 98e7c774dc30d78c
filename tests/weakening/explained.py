"""Why what neither the seal, the run nor `verify` catches changes nothing of what the jail allows.

Each is for names of weakenings, by a pattern that matches the whole of one. One that no weakening needs is an error.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Explanation(NamedTuple):
    """`backends` and `accounts`: where it holds; empty: everywhere. `optional`: a host may have nothing of the kind."""

    why: str
    patterns: tuple[str, ...]
    backends: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    optional: bool = False


EVERYWHERE = (
    Explanation(
        "The order of what doesn't stand at or below one another says nothing.", (r".* before .* \(unrelated\)",)
    ),
    Explanation(
        "The program finds its variables, whatever their order and that of limits of different kinds.",
        (r"environment: the other way round", r"rlimits: the other way round"),
    ),
    Explanation(
        "The launcher starts the program with the environment of its message alone: what the jailer has or adds goes "
        "no further, and the launcher itself is static.",
        (
            r"the jailer's environment LEAKED=1: added",
            r"--setenv LD_PRELOAD .*: added",
            r"(--)?keep_env.*",
            r'envar: "LD_PRELOAD=.*": added',
            r"env LD_PRELOAD=.*: added (first|last)",
        ),
    ),
    Explanation("A program's own name for itself grants nothing.", (r"argv0: another",)),
    Explanation(
        "The launcher enters the directory that its message names, wherever the jailer left it.",
        (r"--chdir /sandbox: .*", r'cwd: "/sandbox": .*', r"private-cwd scratch: .*"),
    ),
    Explanation(
        "It tells who ends a jail whose supervisor was killed, and not what the jail allows: the launcher's lifeline "
        "does it, too (tests/contract/test_supervisor_killed.py).",
        (r"the watcher: the other way", r"--die-with-parent: dropped"),
    ),
    Explanation(
        "The policy has no limit that this controller holds (cpu), or the sampler and RLIMIT_CPU beneath hold it "
        "(cpuacct).",
        (r"the control group: without cpu(acct)?",),
        accounts=("root",),
        optional=True,
    ),
)

FILTER = (
    Explanation(
        "The rule of @default-deny about families of sockets refuses it as well.",
        (r"filter: socket(pair)? refused, argument 0 0x28\|0x2a: .*",),
    ),
    Explanation(
        "The kernel makes no pair of such sockets.",
        (r"filter: socketpair spared, argument 0 0x(2|10)\b.*: dropped",),
    ),
    Explanation(
        "The rules before the list refuse it as well.",
        (r"filter: (unshare|setns|io_uring_setup) in the list: dropped",),
    ),
    Explanation("The list refuses it as well.", (r"filter: (unshare|setns|io_uring_setup) refused: dropped",)),
    Explanation(
        "The kernel gives the same answer to whoever has no capability, which no job has: the filter is the second to "
        "refuse it. That it does is read back from a running job in tests/contract/test_installed_filter.py.",
        (
            r"filter: (acct|fanotify_init|fsmount|fsopen|fspick|move_mount|pivot_root|reboot) in the list: dropped",
            r"filter: (setdomainname|sethostname|swapoff|syslog|vhangup) in the list: dropped",
        ),
    ),
)

BWRAP = (
    Explanation(
        "bwrap gives up all capabilities by itself where it isn't started by root; the seal looks for what is left.",
        (r"--cap-drop ALL: dropped",),
    ),
    Explanation(
        "The filter refuses every way to make a user namespace (unshare, clone's flags, clone3).",
        (r"--disable-userns: dropped",),
    ),
    Explanation(
        "What is made for each job lies in a read-only mount: nobody can write there, whatever its permissions.",
        (r"--perms 0(755|644|444) \(of /(etc|proc)[^)]*\): (dropped|0777)",),
    ),
    Explanation(
        "Two options of one mount, in either order.",
        (r"--size \d+ \(of (.*)\): before --perms \d+ \(of \1\) \(which lies with it\)",),
    ),
    Explanation(
        "/ and /dev are mounts of their own, and bwrap has made all that /dev needs by then.",
        (r"--remount-ro /: before --remount-ro /dev .*", r"--remount-ro /dev: right after its mount"),
    ),
    Explanation(
        "As root scratch is a tmpfs of the launcher's `enter`, which mounts it nosuid and nodev itself.",
        (r"--bind host-scratch /sandbox: with devices",),
        accounts=("root",),
    ),
)

NSJAIL = (
    Explanation(
        "It says what nsjail does by itself: the line is there to be read.",
        (
            r"(name|mode|clone_\w+|iface_no_lo|keep_caps|disable_no_new_privs): .*: dropped",
            r"(silent|skip_setsid|log_level): .*: dropped",
            r"mount .*: without (rw|noexec)",
        ),
    ),
    Explanation(
        "nsjail's own log, name, wait and niceness: none of it reaches the jail.",
        (
            r"silent: false: silent true",
            r"log_fd: 2: .*",
            r"log_level: WARNING: all",
            r"time_limit: 0: .*",
            r"nice_level: 0: .*",
            r"seccomp_log: true: added",
        ),
    ),
    Explanation(
        "The launcher makes sessions of its own, for itself and for the job.",
        (r"(--)?skip_setsid.*: (skip_setsid true|added)",),
    ),
    Explanation(
        "The launcher closes every descriptor but its socket before anything else, and is itself executed already.",
        (r"pass_fd: 4: .*",),
    ),
    Explanation(
        "Symbolic links show nothing that isn't there without them.", (r"mount /proc/\S+ on /dev/(fd|std\w+|core): .*",)
    ),
    Explanation(
        "/dev is read-only: it stays as small as it is.", (r"mount tmpfs on /dev: (mode|size|without size).*",)
    ),
    Explanation(
        "A devpts that is mounted in a user namespace is always an instance of its own, whose terminals are the job's.",
        (r"mount devpts on /dev/pts: .*",),
    ),
    Explanation(
        "As root scratch is a tmpfs of the launcher's `enter`, which mounts it nosuid and nodev itself: nsjail can't "
        "take that off.",
        (r"mount host-scratch on /sandbox: (without )?(nosuid|nodev)( false)?",),
        accounts=("root",),
    ),
    Explanation(
        "The older code leaves writable what the host has mounted below a read-only mount. Here is nothing, and the "
        "seal looks for it (tests/run/test_mounts.py).",
        (r"--experimental_mnt new: .*",),
    ),
    Explanation(
        "Without randomised addresses, or with a clock of its own, a job can do less to others, not more.",
        (r"persona_addr_no_randomize: true: added", r"clone_newtime: true: added"),
    ),
    Explanation("The config mounts /proc itself.", (r"--disable_proc: added",)),
)

FIREJAIL = (
    Explanation(
        "Its network and its /run are the jail's own, so that no socket of X11 or D-Bus can be reached; the host here "
        "has no X11, whose socket firejail would show in /tmp: verify looks for it.",
        (r"x11 none: dropped", r"dbus-(user|system) none: .*", r"blacklist /tmp/.X11-unix: .*"),
    ),
    Explanation(
        "The launcher does the same for every jailer: `enter` leaves root's groups, the child sets no_new_privs and "
        "loads the filter, which refuses new namespaces. An ordinary caller keeps his own groups in every jail.",
        (
            r"nogroups: dropped",
            r"nonewprivs: dropped",
            r"ignore nonewprivs: added (first|last)",
            r"restrict-namespaces: .*",
        ),
    ),
    Explanation(
        "It tells with which status firejail ends, and nobody asks it.", (r"deterministic-exit-code: dropped",)
    ),
    Explanation("A whitelist for scratch makes a /tmp of the jail's own, too.", (r"private-tmp: .*",)),
    Explanation(
        "private-dev leaves nothing of this in /dev.",
        (r"(nosound|no3d|novideo|notv|nodvd|nou2f|noinput|noprinters): dropped", r"blacklist /dev/log: .*"),
    ),
    Explanation(
        "firejail hides or keeps this itself, and what it hides it shows to nobody.",
        (
            r"blacklist /proc/\S+: .*",
            r"blacklist /boot: .*",
            r"whitelist /run/firejail: added .*",
            r"whitelist /etc/(passwd|group|hosts): .*",
            r"read-only /usr: .*",
        ),
    ),
    Explanation(
        "/home, /var and /opt are hidden as a whole, whatever is said of what is in them; /run is empty.",
        (
            r"(whitelist|read-only) \${HOME}(/.none)?: .*",
            r"(allusers|writable-var|keep-var-tmp): added .*",
            r"(keep-config-pulse|writable-run-user|keep-shell-rc): added .*",
        ),
    ),
    Explanation(
        "firejail makes nothing writable that isn't the account's own, and /dev/shm is writable in every jail.",
        (r"read-write /\S+: added (first|last)",),
    ),
    Explanation(
        "It counts for the lines that follow alone, and none follows.",
        (r"(ignore \S+|noblacklist /home): added last",),
    ),
    Explanation("No line is called so: it is `caps.drop`.", (r"ignore caps: added first",)),
    Explanation("It opens calls in firejail's own filter, which isn't used.", (r"allow-debuggers: added .*",)),
    Explanation("It is for programs that look for hosts on a network.", (r"dns 127.0.0.1: added .*",)),
    Explanation("The launcher closes every descriptor but its socket before anything else.", (r"keep-fd 3,4: all",)),
    Explanation(
        "firejail sorts its commands by kind before it does them.",
        (r"all lines: the other way round", r".*: before .* \(which lies with it\)"),
    ),
)

EXPLANATIONS = (
    *EVERYWHERE,
    *(each._replace(backends=("bwrap",), accounts=("user",)) for each in FILTER),
    *(each._replace(backends=("bwrap",)) for each in BWRAP),
    *(each._replace(backends=("nsjail",)) for each in NSJAIL),
    *(each._replace(backends=("firejail",)) for each in FIREJAIL),
)


def of(name: str, backend: str, account: str) -> Explanation | None:
    """Why that weakening may survive there; None: nothing explains it."""
    return next(
        (each for each in there(backend, account) if any(re.fullmatch(one, name) for one in each.patterns)), None
    )


def there(backend: str, account: str) -> list[Explanation]:
    return [
        each
        for each in EXPLANATIONS
        if (not each.backends or backend in each.backends) and (not each.accounts or account in each.accounts)
    ]
