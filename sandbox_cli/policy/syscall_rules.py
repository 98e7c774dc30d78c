"""Rules about calls and their arguments: those that hold under every policy, and those of @default-deny. Data.

Of a call's rules the first that matches decides. A filter sees numbers only, never what a pointer leads to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LOW_HALF, WHOLE = 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF


class Test(NamedTuple):
    """Whether an argument, under a mask, is one of `values` - or, `negated`, none of them.

    The mask is of the low 32 bits unless it must be more, since of most arguments the kernel takes no more: an equality
    of 64 bits is passed by garbage above them (CVE-2019-10063).
    """

    argument: int
    values: tuple[int, ...]
    mask: int = LOW_HALF
    negated: bool = False

    def holds(self, arguments: Sequence[int]) -> bool:
        return (arguments[self.argument] & self.mask in self.values) is not self.negated


class Rule(NamedTuple):
    """What becomes of `syscall` where all of `tests` hold.

    It is refused as the policy's `action` says; answered as `missing`, by ENOSYS, as by a kernel that doesn't have it;
    or, `spared`, it is left to the lists.
    """

    syscall: str
    tests: tuple[Test, ...] = ()
    verdict: Literal["refused", "missing", "spared"] = "refused"
    why: str = ""

    def matches(self, arguments: Sequence[int]) -> bool:
        return all(test.holds(arguments) for test in self.tests)


def _any_bit(argument: int, bits: int) -> tuple[Test]:
    return (Test(argument, (0,), bits, negated=True),)


# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. CLONE_NEWTIME is no flag of clone.
NAMESPACE_FLAGS = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000
TIOCSTI, TIOCLINUX, TIOCSETD = 0x5412, 0x541C, 0x5423
SET_UID = 0o4000
RLIMIT_CORE = 4
PR_SET_MM, PR_SCHED_CORE = 35, 62
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_VSOCK, AF_QIPCRTR = 1, 2, 10, 16, 40, 42
SOCK_STREAM, SOCK_DGRAM, SOCK_KIND = 1, 2, 0xF  # the kind without SOCK_CLOEXEC and SOCK_NONBLOCK
# What a stream or datagram socket of the internet may speak: its default, ICMP, TCP, UDP, ICMPv6, MPTCP.
PROTOCOLS = (0, 1, 6, 17, 58, 262)
NETLINK_ROUTE = 0

_NAMESPACES = "new namespaces give capabilities in them, and with these most of the kernel's surface"
_TERMINAL = "types into the caller's terminal, or pastes into a console"
_SET_UID = (
    "a program left in a directory of the host that makes whoever else starts it the account of the job; a file can "
    "also be made with that bit, but the kernel takes it away when something is written into it"
)
_CORE = (
    "a core limit of 1 is what keeps the kernel from starting the host's handler of core dumps, as root, on the job's "
    "memory; ENOSYS, since programs that want no core dump go on at that"
)
STRUCTURAL = (
    # libc falls back, but only on ENOSYS.
    Rule("clone3", verdict="missing", why="its flags lie in memory, where no filter can look: libc takes clone then"),
    # nsjail has no option against nested user namespaces: only the filter closes them there.
    Rule("clone", _any_bit(0, NAMESPACE_FLAGS), why=_NAMESPACES),
    Rule("unshare", why=_NAMESPACES),
    Rule("setns", why="the same for namespaces that exist"),
    Rule("ioctl", (Test(1, (TIOCSTI, TIOCLINUX)),), why=_TERMINAL),
    Rule("chmod", _any_bit(1, SET_UID), why=_SET_UID),
    Rule("fchmod", _any_bit(1, SET_UID), why=_SET_UID),
    Rule("fchmodat", _any_bit(2, SET_UID), why=_SET_UID),
    Rule("fchmodat2", _any_bit(2, SET_UID), why=_SET_UID),
    Rule("setrlimit", (Test(0, (RLIMIT_CORE,)),), "missing", _CORE),
    # Its third argument is a pointer: NULL only asks. Pointers have 64 bits, of which the low ones may well be 0.
    Rule("prlimit64", (Test(1, (RLIMIT_CORE,)), Test(2, (0,), WHOLE, negated=True)), "missing", _CORE),
)

_PASSES = "reaches the machine, its host or its modem: no network namespace holds it"
# The same, wherever the job's network is not the host's.
STRUCTURAL_OF_A_NETWORK = (
    Rule("socket", (Test(0, (AF_VSOCK, AF_QIPCRTR)),), why=_PASSES),
    Rule("socketpair", (Test(0, (AF_VSOCK, AF_QIPCRTR)),), why=_PASSES),
    Rule("io_uring_setup", why="opens sockets of any family, past the filter"),
)

_PERSONALITY = (
    "execution domains are old and little tested, and some turn off randomised addresses; spared are Linux (0), "
    "PER_LINUX32 (8), both with UNAME26 (0x20000), and the question (0xffffffff): they change what uname says, no more"
)
_FAMILY = (
    "families of sockets and their protocols are drivers that anybody has loaded by asking: AF_PACKET, AF_VSOCK, "
    "AF_CAN, AF_RDS, DCCP and others have each been a way to root; spared are AF_UNIX, AF_NETLINK to the routing "
    "tables, and TCP, UDP, ICMP and MPTCP over AF_INET and AF_INET6"
)


def _sockets(syscall: str) -> tuple[Rule, ...]:
    internet = (
        Test(0, (AF_INET, AF_INET6)),
        Test(1, (SOCK_STREAM, SOCK_DGRAM), SOCK_KIND),  # not SOCK_PACKET, by which AF_INET once meant AF_PACKET
        Test(2, PROTOCOLS),
    )
    return (
        Rule(syscall, (Test(0, (AF_UNIX,)),), "spared"),
        Rule(syscall, internet, "spared"),
        Rule(syscall, (Test(0, (AF_NETLINK,)), Test(2, (NETLINK_ROUTE,))), "spared"),
        Rule(syscall, why=_FAMILY),
    )


# What belongs to @default-deny beside its names.
DEFAULT_RULES = (
    Rule("personality", (Test(0, (0, 8, 0x20000, 0x20008, 0xFFFF_FFFF)),), "spared"),
    Rule("personality", why=_PERSONALITY),
    *_sockets("socket"),
    *_sockets("socketpair"),
    Rule("ioctl", (Test(1, (TIOCSETD,)),), why="loads drivers of line disciplines: n_hdlc and n_gsm gave root"),
    Rule("prctl", (Test(0, (PR_SET_MM,)),), why="rewrites what the kernel believes of a process's memory map"),
    Rule("prctl", (Test(0, (PR_SCHED_CORE,)),), why="keeps the other threads of a core from everybody else"),
)
