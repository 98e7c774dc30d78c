"""`syscalls`: every call that this machine has, with harmless arguments; and those whose arguments decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.errors import HostError
from sandbox_cli.policy.syscall_names import architecture, libseccomp
from sandbox_cli.policy.syscalls import NAMESPACE_FLAGS, NUMBERS, SET_UID, TIOCLINUX, TIOCSTI
from sandbox_cli.verify.attempts import Try
from sandbox_cli.verify.calls import AT_FDCWD, FROM_32_BIT, Call, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.verify.attempts import Judged
    from sandbox_cli.verify.calls import Answer
    from sandbox_cli.verify.case import Case
    from sandbox_cli.verify.filtering import Clause, Decision

_CLAUSE = "syscalls"
_MOST = 600  # no machine has a number beyond it
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
# It flushes every disk of the machine.
_HARMFUL = frozenset({"sync"})
# It ends its caller, or holds it up for good.
_DEADLY = frozenset({"exit", "exit_group", "pause", "rt_sigreturn", "uprobe", "uretprobe"})
_X32_GETPID = 0x4000_0000 + 39
_WORDS: dict[Decision, str] = {"allow": "yes", "errno": "no: EPERM", "kill": "no: SIGSYS", "missing": "no: ENOSYS"}
_ANSWERS: dict[Decision, str] = {"errno": "EPERM", "kill": "SIGSYS", "missing": "ENOSYS"}


def tries(case: Case, clause: Clause) -> Iterator[Try]:
    for name in names(case.host.machine):
        yield _try(name, call(name, *_HARMLESS.get(name, _NOTHING)), clause)
    for title, each in _with_arguments(case.host.machine):
        yield _try(title, each, clause)


def names(machine: str) -> list[str]:
    """Every call of the machine that libseccomp or we know, but for what can't be tried without doing harm."""
    seccomp, word = libseccomp(), architecture(machine)
    found = set(NUMBERS)
    for value in range(_MOST):
        try:
            found.add(seccomp.resolve_syscall(word, value).decode())
        except ValueError:  # no call has that number
            continue
    if len(found) == len(NUMBERS):
        raise HostError(f"libseccomp knows no system call of {machine}")
    return sorted(found - _HARMFUL)


def _with_arguments(machine: str) -> Iterator[tuple[str, Call]]:
    above = 1 << 32  # bits that the kernel doesn't look at
    for code, name in ((TIOCSTI, "TIOCSTI"), (TIOCLINUX, "TIOCLINUX")):
        yield f"ioctl {name}", call("ioctl", -1, code)
        yield f"ioctl {name} below other bits", call("ioctl", -1, above | code)
    bit = 1
    while bit <= NAMESPACE_FLAGS:
        if bit & NAMESPACE_FLAGS:
            # With CLONE_THREAD but without CLONE_VM it is invalid: no filter, and still nothing comes to be.
            yield f"clone with namespace flag {bit:#x}", call("clone", bit | 0x1_0000)
        bit <<= 1
    for name, arguments in (("fchmod", (-1,)), ("fchmodat", (AT_FDCWD, -1)), ("chmod", (-1,))):
        if Call(name).number(machine) is not None:
            yield f"{name} with the set-uid bit", call(name, *arguments, SET_UID)
    if machine == "x86_64":
        yield "getpid of a 32-bit program", call(f"{FROM_32_BIT}20")
        yield "getpid of an x32 program", call(str(_X32_GETPID))


def _try(title: str, each: Call, clause: Clause) -> Try:
    decision = clause.decides(each)

    def judge(answer: Answer, outside: Answer) -> Judged:
        if not answer.tried:
            return answer.word(), "untried"
        if decision == "allow":
            return _of_allowed(answer, outside)
        word = answer.word()
        if word != _ANSWERS[decision]:
            return word, "escaped"
        # What the kernel refuses by itself looks the same: no filter is proved by it.
        same = outside.tried and outside.word() == word
        return f"{word} (the kernel's own, too)" if same else word, "held"

    return Try(
        _CLAUSE, title, (each,), _WORDS[decision], judge, needs=False, outside=True,
        deadly=each.name in _DEADLY, blocks=each.name == "pause",
    )  # fmt: skip


def _of_allowed(answer: Answer, outside: Answer) -> Judged:
    """It reached the kernel: it may fail there, but not as the filter would have it fail."""
    word, without = answer.word(), outside.word()
    if word == without or word not in _ANSWERS.values():
        return "reached the kernel" if word == "ok" else f"reached the kernel ({word})", "works"
    return f"{word} (without a jail: {without})", "broken"
