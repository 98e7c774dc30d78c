"""An attempt before it is made, and what came of it: what the policy allows against what was observed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox_cli.verify.calls import Answer, Call

# held and works: as the policy says. escaped: more than it allows. broken: it allows that, and it doesn't work.
# unenforced: the receipt says that nothing holds the clause here. untried: why is told in `observed`.
Verdict = Literal["held", "works", "escaped", "broken", "unenforced", "untried"]
JAIL = "jail"  # the clause of what every jail has alike, whatever its policy
FAILURES: tuple[Verdict, ...] = ("escaped", "broken")


class Attempt(TypedDict):
    """What was attempted in the jail, under which clause, what the policy allows, and what was observed."""

    name: str
    clause: str
    allowed: str
    observed: str
    verdict: Verdict


Judged = tuple[str, Verdict]


class Try(NamedTuple):
    """An attempt to be made. `needs` tells that it says nothing where the policy's own filter refuses one of its calls.

    `outside` asks the same of the kernel without a jail first, as the same account; `judge` then gets that answer too.
    `deadly`: it may end who makes it. `blocks`: it lasts until it is ended. `last`: it may end the jail.
    `by_itself`: the probe makes it, and no child of it. Without calls it can't be made here: `judge` says why.
    """

    clause: str
    name: str
    calls: tuple[Call, ...]
    allowed: str
    judge: Callable[[Answer, Answer], Judged]
    needs: bool = True
    outside: bool = False
    deadly: bool = False
    blocks: bool = False
    last: bool = False
    by_itself: bool = False


def refused(clause: str, name: str, *calls: Call, errors: Iterable[str] = ()) -> Try:
    """Nothing allows it. With `errors`, it must fail with one of them: another one means that it came too far."""
    expected = frozenset(errors)

    def judge(answer: Answer, _outside: Answer) -> Judged:
        word = answer.word(len(calls))
        if not answer.tried:
            return word, "untried"
        if not answer.failed(len(calls)) or (expected and word not in expected):
            return word, "escaped"
        return word, "held"

    return Try(clause, name, calls, "no", judge, needs=bool(expected))


def granted(clause: str, name: str, *calls: Call) -> Try:
    """The policy allows it: it must work."""

    def judge(answer: Answer, _outside: Answer) -> Judged:
        word = answer.word(len(calls))
        if not answer.tried:
            return word, "untried"
        return word, "broken" if answer.failed(len(calls)) else "works"

    return Try(clause, name, calls, "yes", judge)


def shows(
    clause: str,
    name: str,
    calls: tuple[Call, ...],
    allowed: str,
    read: Callable[[Answer], Judged],
) -> Try:
    """What is found must be just what is expected; `read` says what it is, and judges it."""

    def judge(answer: Answer, _outside: Answer) -> Judged:
        if not answer.tried:
            return answer.word(), "untried"
        if answer.failed(len(calls)):
            return answer.word(len(calls)), "broken"
        return read(answer)

    return Try(clause, name, calls, allowed, judge)


def impossible(clause: str, name: str, allowed: str, why: str) -> Try:
    """The host lacks what it would be tried with: it is told, and is no proof."""

    def judge(_answer: Answer, _outside: Answer) -> Judged:
        return f"not tried: {why}", "untried"

    return Try(clause, name, (), allowed, judge)


def so(is_so: bool) -> Verdict:
    return "works" if is_so else "escaped"


def measured(found: float, wanted: float) -> Verdict:
    """Less than is allowed doesn't work, more is too much."""
    return "works" if found == wanted else "escaped" if found > wanted else "broken"


def compared(found: Iterable[str], expected: Iterable[str], same: str = "just those") -> Judged:
    """What is there too much and too little, in words."""
    there, wanted = {*found}, {*expected}
    more, less = sorted(there - wanted), sorted(wanted - there)
    words = [*(f"also {each}" for each in more), *(f"no {each}" for each in less)]
    return ", ".join(words) or same, "escaped" if more else "broken" if less else "works"
