"""Arguments of system calls: those that do no harm, and those that decide what a policy says of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.syscall_rules import NAMESPACE_FLAGS, RLIMIT_CORE, SET_UID, TIOCLINUX, TIOCSETD, TIOCSTI
from sandbox_cli.policy.syscalls import NEWEST
from sandbox_cli.verify.calls import AT_FDCWD, FROM_32_BIT, Call, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.model import Syscalls
    from sandbox_cli.verify.filtering import Clause

_NOTHING = (-1,) * 6  # no file, no process, no address, no known flag
_UNUSED_KEY = 0x7E57_7E57
# Arguments of -1 would not be harmless, would block, or are what a rule looks at.
_HARMLESS: dict[str, tuple[int, ...]] = {
    "chmod": (-1, 0), "fchmod": (-1, 0), "fchmodat": (-1, -1, 0), "fchmodat2": (-1, -1, 0),
    "clone": (0x800,),  # CLONE_SIGHAND alone is invalid
    "ioctl": (-1, 0),
    "kill": (0x7FFF_FFFF, 0),
    "msgget": (_UNUSED_KEY, 0), "shmget": (_UNUSED_KEY, 0, 0), "semget": (_UNUSED_KEY, 0, 0),
    "personality": (0xFFFF_FFFF,),  # only asks
    "socket": (1, 1, 0), "socketpair": (1, 1, 0, -1),
}  # fmt: skip
_CLONE_THREAD = 0x1_0000
_ABOVE = 1 << 32  # the kernel doesn't look at it
_SOCKETS = {"TCP": (2, 1, 6), "UDP": (2, 2, 17), "routing tables (netlink)": (16, 3, 0)}
# Whoever gets as far as the kernel with these has it load a driver: tried only where the policy refuses them.
_DRIVERS = {
    "SCTP": (2, 1, 132), "DCCP": (2, 6, 33), "AF_INET by SOCK_PACKET": (2, 10, 3), "raw ICMPv6": (10, 3, 58),
    "generic netlink": (16, 3, 16), "AF_PACKET": (17, 3, 3), "AF_RDS": (21, 5, 0), "AF_CAN": (29, 3, 1),
    "AF_TIPC": (30, 2, 0), "AF_BLUETOOTH": (31, 3, 1), "AF_ALG": (38, 5, 0), "AF_VSOCK": (40, 1, 0),
    "AF_QIPCRTR": (42, 2, 0), "AF_XDP": (44, 3, 0),
}  # fmt: skip
# Whatever number one of their arguments is: the others name no file and no memory.
_ARGUMENTS_DO_NO_HARM = frozenset((
    "fchmod", "fchmodat", "fcntl", "getsockopt", "ioctl", "openat", "personality", "setsockopt", "socket", "socketpair",
))  # fmt: skip
_FAMILIES = (1, 2, 10, 16)  # of which every kernel has all that it needs: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_X32_GETPID = 0x4000_0000 + 39


def harmless(name: str) -> Call:
    return call(name, *_HARMLESS.get(name, _NOTHING))


def deciding(syscalls: Syscalls, machine: str, clause: Clause) -> Iterator[tuple[str, Call]]:
    """Calls, each with a name, whose arguments decide, by rules of ours or of the policy."""
    yield from _flags(machine)
    yield from _sockets(clause)
    yield from _foreign(machine, clause)
    yield from _by_rules(syscalls, clause)


def _flags(machine: str) -> Iterator[tuple[str, Call]]:
    for code, name in ((TIOCSTI, "TIOCSTI"), (TIOCLINUX, "TIOCLINUX"), (TIOCSETD, "TIOCSETD")):
        yield f"ioctl {name}", call("ioctl", -1, code)
        yield f"ioctl {name} below other bits", call("ioctl", -1, _ABOVE | code)
    for shift in range(NAMESPACE_FLAGS.bit_length()):
        if (bit := 1 << shift) & NAMESPACE_FLAGS:
            # With CLONE_THREAD but without CLONE_VM it is invalid: no filter, and still nothing comes to be.
            yield f"clone with namespace flag {bit:#x}", call("clone", bit | _CLONE_THREAD)
    for name, arguments in (("fchmod", (-1,)), ("fchmodat", (AT_FDCWD, -1)), ("chmod", (-1,))):
        if Call(name).number(machine) is not None:
            yield f"{name} with the set-uid bit", call(name, *arguments, SET_UID)
    yield "personality without random addresses", call("personality", 0x4_0000)
    yield "raise the limit of core dumps", call("prlimit64", 0, RLIMIT_CORE, bytes(16), 0)


def _sockets(clause: Clause) -> Iterator[tuple[str, Call]]:
    for name, numbers in _SOCKETS.items():
        yield f"socket of {name}", call("socket", *numbers)
    for name, numbers in _DRIVERS.items():
        if clause.decides(call("socket", *numbers)) != "allow":
            yield f"socket of {name}", call("socket", *numbers)


def _foreign(machine: str, clause: Clause) -> Iterator[tuple[str, Call]]:
    """Calls that are newer than this tool, and those of other kinds of programs."""
    for number in range(NEWEST + 1, NEWEST + 4) if clause.decides(Call(str(NEWEST + 1))) == "missing" else ():
        yield f"number {number}, which is newer than this tool", call(str(number), *_NOTHING)
    if machine == "x86_64":
        yield "getpid of a 32-bit program", call(f"{FROM_32_BIT}20")
        yield "getpid of an x32 program", call(str(_X32_GETPID))


def _by_rules(syscalls: Syscalls, clause: Clause) -> Iterator[tuple[str, Call]]:
    """What the policy's own rules look at, as they look for it and a bit beside."""
    for index, rule in enumerate(syscalls.rules):
        if rule.arg is None or rule.syscall not in _ARGUMENTS_DO_NO_HARM:
            continue
        for name, value in (("matched", rule.value), ("missed", rule.value ^ (rule.mask & -rule.mask))):
            arguments = list(_HARMLESS.get(rule.syscall, _NOTHING)) + [0] * 6
            arguments[rule.arg] = value
            made = call(rule.syscall, *arguments[:6])
            if clause.decides(made) != "allow" or not may_change_the_host(made):
                yield f"{rule.syscall}, rule {index + 1} {name}", made


def may_change_the_host(each: Call) -> bool:
    """Where nothing keeps it from the kernel."""
    if each.name in {"socket", "socketpair"}:
        return each.arguments[0] not in _FAMILIES or each.arguments in _DRIVERS.values()
    return each.name.isdigit()
