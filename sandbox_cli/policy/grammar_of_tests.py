"""What the file of a policy's tests may say, as data: see grammar.py. How it is read stands in testfile.py."""

from __future__ import annotations

import base64
import binascii
import errno
import signal
from typing import TYPE_CHECKING, get_args

from sandbox_cli.policy import scalars, units
from sandbox_cli.policy.shape import Either, Items, Leaf, Record, Table
from sandbox_cli.policy.spelling import nearest
from sandbox_cli.policy.written import matching, written
from sandbox_cli.result import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox_cli.policy.nodes import Scalar

ANY = "any"  # of the words that tell of a denial
LONGEST_NAME = 200
_LAST_CODE = 255


def _name(scalar: Scalar, clause: str) -> str:
    if not scalar.text.strip() or len(scalar.text) > LONGEST_NAME:
        hint = f"say in a few words what is tried: {LONGEST_NAME} characters at most"
        raise scalar.spot.error("a test needs a name that can be read", clause=clause[:LONGEST_NAME], hint=hint)
    return scalar.text


def _beside(scalar: Scalar, clause: str) -> str:
    value = scalars.filled(scalar, clause)
    if scalars.leads_out(value):
        hint = "name a file beside the tests, or in a folder there"
        raise scalar.spot.error(f"{value!r} leads out of the folder of the tests", clause=clause, hint=hint)
    return value


def _base64(scalar: Scalar, clause: str) -> str:
    try:
        base64.b64decode(scalars.text(scalar, clause), validate=True)
    except (binascii.Error, ValueError):
        raise scalar.spot.error("this is not base64", clause=clause, hint="`base64 -w0 FILE` writes it") from None
    return scalar.text


def _limit(scalar: Scalar, clause: str) -> int | float:
    value = scalars.limit(scalar, clause)
    if value is None:
        raise scalar.spot.error("a job can't ask for no limit", clause=clause, hint="give a value, or leave it out")
    return value


def _exit_code(scalar: Scalar, clause: str) -> int:
    digits = scalar.text if scalar.text.isascii() and scalar.text.isdecimal() and len(scalar.text) < 4 else ""
    if not digits or int(digits) > _LAST_CODE:
        raise scalar.spot.error(f"{scalar.text[:40]!r} is no exit code", clause=clause, hint=f"0 to {_LAST_CODE}")
    return int(digits)


@written(matching("a clause", "."))
def _blamed(scalar: Scalar, clause: str) -> str:
    """A clause by its whole name: a result never blames `memory`, so that the test would fail for ever."""
    name = scalars.filled(scalar, clause)
    if name in units.LIMITS:
        raise scalar.spot.error(f"there is no clause {name!r}", clause=clause, hint=f"did you mean `limits.{name}`?")
    return name


def _one_of_many(known: Sequence[str], what: str, example: str) -> Callable[[Scalar, str], str]:
    """A word of more than anybody wants to see listed."""

    def parse(scalar: Scalar, clause: str) -> str:
        if scalar.text not in known:
            hint = f"did you mean `{close}`?" if (close := nearest(scalar.text, known)) else f"as in {example}"
            raise scalar.spot.error(f"there is no {what} {scalar.text[:40]!r}", clause=clause, hint=hint)
        return scalar.text

    return parse


PROGRAM = Leaf(scalars.text, lines=True, verbatim=True)
GIVEN = Either(PROGRAM, Record({"base64": Leaf(_base64)}))
WORDS = Either(PROGRAM, Record({"pattern": PROGRAM}))
ARGUMENTS = Items(scalars.text, lines=True, verbatim=True)

EXPECTED = Record(
    {
        "status": Leaf(scalars.choice(*get_args(Status))),
        "denied": Leaf(_one_of_many([ANY, *errno.errorcode.values()], "errno", "EROFS")),
        "exit_code": Leaf(_exit_code),
        "signal": Leaf(_one_of_many([each.name for each in signal.Signals], "signal", "SIGKILL")),
        "stdout": WORDS,
        "stderr": WORDS,
        "artifacts": Table(scalars.glob, WORDS),
        "cause": WORDS,
        "blame": Leaf(_blamed),
        "limit_hits": Items(scalars.one_of(units.LIMITS, "limit"), filled=True),
    },
    apart=(("denied", "status"), ("exit_code", "signal")),
)

TEST = Record(
    {
        "code": PROGRAM,
        "file": Leaf(_beside),
        "command": Items(scalars.text, lines=True, verbatim=True, filled=True),
        "language": Leaf(scalars.filled),
        "args": ARGUMENTS,
        "stdin": GIVEN,
        "files": Table(scalars.scratch_path, GIVEN),
        "env": Table(scalars.environment_name, PROGRAM),
        "limits": Table(scalars.one_of(units.LIMITS, "limit"), Leaf(_limit)),
        "network": Leaf(scalars.choice("none", "host")),
        "collect": Items(scalars.glob, filled=True),
        "expect": Either(Leaf(scalars.choice("allowed", "denied")), EXPECTED),
    },
    apart=(("code", "file", "command"), ("command", "language")),
)

TESTS = Record({"version": Leaf(scalars.version), "tests": Table(_name, TEST)})
