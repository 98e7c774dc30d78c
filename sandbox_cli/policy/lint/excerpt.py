"""The line that a finding is about, as a terminal shows it, and where in it the caret stands. Pure."""

from __future__ import annotations

import unicodedata

from sandbox_cli.text import quoted

_WIDEST = 100  # columns
_BEFORE = 60  # of them at most in front of the caret
_CUT = "..."
_TAB = "    "


def line_of(data: bytes, number: int) -> str | None:
    """A line of a file, counted as YAML does; what isn't UTF-8 in it is written out."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n", number)
    if not 1 <= number <= len(lines):
        return None
    return lines[number - 1].removesuffix(b"\r").decode(errors="backslashreplace")


def excerpt(line: str, column: int) -> tuple[str, int]:
    """A line as it is shown, cut where it is long, and how many columns stand before the character at `column`.

    A tab is four columns, an East Asian letter two, a combining one none; control characters are written out.
    """
    cells = [_shown(letter) for letter in line]
    target = min(max(column - 1, 0), len(cells))
    start, before = target, 0
    while start > 0 and before + width(cells[start - 1]) <= _BEFORE:
        start -= 1
        before += width(cells[start])
    end, after = target, 0
    while end < len(cells) and before + after + width(cells[end]) <= _WIDEST:
        after += width(cells[end])
        end += 1
    left, right = _CUT if start > 0 else "", _CUT if end < len(cells) else ""
    return f"{left}{''.join(cells[start:end])}{right}".rstrip(), len(left) + before


def width(text: str) -> int:
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if letter.isascii():
        return 1
    if unicodedata.category(letter) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def _shown(letter: str) -> str:
    if letter == "\t":
        return _TAB
    return letter if letter.isprintable() else quoted(letter)[1:-1]
