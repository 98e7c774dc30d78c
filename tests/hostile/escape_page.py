"""docs/escape.md, from the heads of the programs: `python -m tests.hostile.escape_page` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.accounts import ROOT
from tests.hostile.escape_head import WORDS, read

if TYPE_CHECKING:
    from tests.hostile.escape_head import EscapeHead

PAGE = ROOT / "docs" / "escape.md"
SOURCES = sorted(path for path in Path(__file__).with_name("escape").iterdir() if path.suffix in {".c", ".py", ".sh"})
TOP = """\
# The escape corpus

<!-- Written by `python -m tests.hostile.escape_page` from the heads of the programs. -->

The programs of [tests/hostile/escape](../tests/hostile/escape) are real attempts to get out. CI runs each of them on
every backend, as root and as an ordinary user, under the shipped policies: it must be held, and say by what.

So that a broken attempt can't pass as a defence, CI also runs each program's control, in which it must get out, and
show what it got: the same program outside any jail (`bare`), in a jail whose policy has one line more (`policy`), or
in one with a single defence taken away on purpose (`weak`, see [weakened.py](../tests/hostile/weakened.py)).

"""


def page() -> str:
    heads = [read(source) for source in SOURCES]
    lines = ["| program | what it attempts | known from | held by | control |", "| --- | --- | --- | --- | --- |"]
    lines += [_row(head) for head in heads]
    text = TOP + "\n".join(lines) + "\n"
    different = [line for head in heads for line in _exceptions(head)]
    if different:
        text += "\nWhere something else comes of one:\n\n" + "\n".join(different) + "\n"
    return text


def _row(head: EscapeHead) -> str:
    outcome = head.expected[frozenset()]
    attempt = head.attempt if outcome == "held" else f"{head.attempt} Ends as `{outcome}`."
    place = f"[{head.name}](../tests/hostile/escape/{head.name})"
    kind, value = head.control.kind, head.control.value
    control = "bare" if (kind, value) == ("bare", "user") else f"{kind} `{value}`"
    cells = (place, attempt, head.known_from, ", ".join(head.held_by), control)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _exceptions(head: EscapeHead) -> list[str]:
    order = sorted(WORDS, key=lambda word: word in {"root", "user"})
    return [
        f"* `{head.name}`, {', '.join(word for word in order if word in where)}: {outcome}: {head.reasons[where]}"
        for where, outcome in head.expected.items()
        if where
    ]


if __name__ == "__main__":
    PAGE.write_text(page())
