"""`syscalls`: every call that this machine has, with harmless arguments; and those whose arguments decide."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sandbox_cli.errors import HostError
from sandbox_cli.policy.syscall_names import architecture, libseccomp
from sandbox_cli.policy.syscalls import NUMBERS
from sandbox_cli.verify.arguments import deciding, harmless, may_change_the_host
from sandbox_cli.verify.attempts import Try
from sandbox_cli.verify.calls import FROM_32_BIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.verify.attempts import Judged
    from sandbox_cli.verify.calls import Answer, Call
    from sandbox_cli.verify.case import Case
    from sandbox_cli.verify.filtering import Clause, Decision

_CLAUSE = "syscalls"
_MOST = 600  # no machine has a number beyond it
# It flushes every disk of the machine.
_HARMFUL = frozenset({"sync"})
# It ends its caller, or holds it up for good.
_DEADLY = frozenset({"exit", "exit_group", "pause", "rt_sigreturn", "uprobe", "uretprobe"})
_WORDS: dict[Decision, str] = {"allow": "yes", "errno": "no: EPERM", "kill": "no: SIGSYS", "missing": "no: ENOSYS"}
_ANSWERS: dict[Decision, str] = {"errno": "EPERM", "kill": "SIGSYS", "missing": "ENOSYS"}


def tries(case: Case, clause: Clause) -> Iterator[Try]:
    for name in names(case.host.machine):
        yield tried(name, harmless(name), clause)
    for title, each in deciding(case.policy.syscalls, case.host.machine, clause):
        yield tried(title, each, clause)


@cache
def names(machine: str) -> Sequence[str]:
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
    return tuple(sorted(found - _HARMFUL))


def tried(title: str, each: Call, clause: Clause) -> Try:
    decision = clause.decides(each)

    def judge(answer: Answer, outside: Answer) -> Judged:
        if not answer.tried:
            return answer.word(), "untried"
        if decision == "allow":
            return _of_allowed(answer, outside)
        word = answer.word()
        if each.name.startswith(FROM_32_BIT) and outside.failed(1) and word == outside.word():
            return f"{word}: this kernel runs no 32-bit programs", "held"
        if word != _ANSWERS[decision]:
            return word, "escaped"
        # What the kernel refuses by itself looks the same: no filter is proved by it.
        same = outside.tried and outside.word() == word
        return f"{word} (the kernel's own, too)" if same else word, "held"

    return Try(
        _CLAUSE, title, (each,), _WORDS[decision], judge, needs=False, outside=not may_change_the_host(each),
        deadly=each.name in _DEADLY, blocks=each.name == "pause",
    )  # fmt: skip


def _of_allowed(answer: Answer, outside: Answer) -> Judged:
    """It reached the kernel: it may fail there, but not as the filter would have it fail."""
    word, without = answer.word(), outside.word()
    if word == without or word not in _ANSWERS.values():
        return "reached the kernel" if word == "ok" else f"reached the kernel ({word})", "works"
    return f"{word} (without a jail: {without})", "broken"
