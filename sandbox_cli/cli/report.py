"""-v: how a job ended and why, what it used of its limits, and what held each clause of its policy."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.run.limits import amounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.result import Blame, Clause, Outcome, Receipt, Usage

CELLS = 8
BLOCKS, ASCII = ("█", "░"), ("#", "-")
LONGEST = 60  # of what a clause says: the whole of it is in the result


def report(outcome: Outcome) -> None:
    """Two tables on stderr, and what there is to note about a row of the second."""
    output.table(("RESULT", ""), list(_facts(outcome)), errors=True)
    clauses = outcome["receipt"]["clauses"] if outcome["receipt"] else []
    if clauses:
        rows = [
            (
                row["clause"],
                row["level"],
                row["enforced_by"] or "-",
                textwrap.shorten(_value(row), LONGEST, placeholder=" ..."),
            )
            for row in clauses
        ]
        output.table(("CLAUSE", "LEVEL", "ENFORCED BY", "VALUE"), rows, errors=True)
    for row in clauses:
        if row["note"]:
            output.note(f"{row['clause']}: {row['note']}")


def _value(row: Clause) -> str:
    """What holds, and of a limit that the ceiling brought down what was asked, too."""
    if row["clause"].startswith("limits.") and row["asked"] != row["effective"]:
        return f"{row['effective']} in place of {row['asked']}"
    return row["effective"]


def bar(share: float) -> str:
    """`███░░░░░  41 %`; what is over its limit is full, and says how far."""
    full, empty = BLOCKS if _is_utf8() else ASCII
    filled = min(int(share * CELLS + 0.5), CELLS)
    return f"{full * filled}{empty * (CELLS - filled)} {int(share * 100):3d} %"


def _facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    code = outcome["exit_code"] if outcome["exit_code"] is not None else outcome["signal"]
    yield "status", outcome["status"] + (f" ({code})" if code is not None else "")
    if outcome["cause"]:
        yield "cause", outcome["cause"]
    if outcome["blame"]:
        yield "blame", _place(outcome["blame"])
    if outcome["compile"]:
        took = outcome["compile"]["usage"]["wall_time_s"]
        yield "compile", outcome["compile"]["status"] + (f" ({amounts.seconds(took)})" if took is not None else "")
    if outcome["usage"]:
        yield from _use(outcome["usage"], outcome["stdout_bytes"] + outcome["stderr_bytes"], outcome)
    yield "job", outcome["id"]
    if outcome["policy"]:
        yield "policy", outcome["policy"]["name"]
    if outcome["receipt"]:
        yield from _made(outcome["receipt"])


def _place(blame: Blame) -> str:
    """The clause to blame, and who said it."""
    if blame["file"] is None:
        return f"{blame['clause']}, by {'an' if blame['source'] == 'option' else 'the'} {blame['source']}"
    return f"{blame['clause']}, {blame['file']}" + (f":{blame['line']}" if blame["line"] is not None else "")


def _use(usage: Usage, written: int, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """What was used of each limit that is measured, and the rest that was; what was not, with why."""
    for limit, field, used in (
        ("wall_time", "wall_time_s", usage["wall_time_s"]),
        ("cpu_time", "cpu_time_s", usage["cpu_time_s"]),
        ("memory", "memory_peak_bytes", usage["memory_peak_bytes"]),
        ("processes", "processes_peak", usage["processes_peak"]),
        ("output", "output", written),
    ):
        yield (
            limit,
            _against(limit, used, outcome) if used is not None else f"not measured: {usage['unmeasured'][field]}",
        )
    if usage["read_bytes"] is not None:
        yield "read", amounts.size(usage["read_bytes"])
    if usage["written_bytes"] is not None:
        yield "written", amounts.size(usage["written_bytes"])


def _against(limit: str, used: float, outcome: Outcome) -> str:
    """`███░░░░░  41 %  210MiB of 512MiB` on a terminal, and without the bar elsewhere."""
    from sandbox_cli.policy import units
    from sandbox_cli.policy.words import UNBOUNDED  # with every policy behind it, as the next

    said = {"time": amounts.seconds, "size": amounts.size}.get(units.LIMITS[limit], "{:.0f}".format)(used)
    clauses = outcome["receipt"]["clauses"] if outcome["receipt"] else []
    allowed = next((row["effective"] for row in clauses if row["clause"] == f"limits.{limit}"), UNBOUNDED)
    if allowed == UNBOUNDED:
        return said
    share = used / (units.parse_limit(limit, allowed) or 1)  # of nothing, any use is too much
    times = outcome["limit_hits"].get(limit, 0)
    words = f"{said} of {allowed}" + (f", reached {'once' if times == 1 else f'{times} times'}" if times else "")
    return f"{bar(share)}  {words}" if output.is_drawn(errors=True) else f"{words} ({int(share * 100)} %)"


def _made(receipt: Receipt) -> Iterator[tuple[str, str]]:
    yield "backend", f"{receipt['backend']} {receipt['version']} ({receipt['program']})"
    yield "chosen", receipt["chosen"]
    yield "seal", ", ".join(receipt["seal"]) or "-"


def _is_utf8() -> bool:
    return sys.stderr.encoding.lower().replace("-", "") == "utf8"
