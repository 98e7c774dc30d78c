"""Everything that is printed: plain text and JSON, tables that are drawn where a terminal shows them."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, TextIO

from sandbox_cli.errors import HostError
from sandbox_cli.text import quoted, well_formed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sandbox_cli.errors import SandboxError
    from sandbox_cli.result import Gap


_PIECE = 65536
_ROWS = 40  # of a table that says why nothing runs: a screen
_WORD = 20  # letters of a word that a drawn table must not break: a clause's name; paths may be
SIGPIPE_STATUS = 141  # what a shell sees of a program whose reader went away


class LostOutputError(HostError):
    """Standard output takes nothing more: what is to be said about it can't be said there."""


def say(text: str) -> None:
    """One piece of the answer, on stdout."""
    _write(sys.stdout, _line(text))


def say_bytes(pieces: Iterable[bytes]) -> None:
    """The answer, on stdout."""
    _write(sys.stdout, pieces)


def tell(text: str) -> None:
    """The tool's own words, on stderr."""
    _write(sys.stderr, _line(f"sandbox: {shown(text)}"))


def hint(text: str) -> None:
    _write(sys.stderr, _line(f"hint: {shown(text)}"))


def note(text: str) -> None:
    _write(sys.stderr, _line(f"note: {shown(text)}"))


def complain(error: SandboxError) -> None:
    """Why it can't be done, in one sentence; a table of every gap; what to do, on a line that can be copied whole."""
    tell(str(error))
    table_of(error.gaps)
    if error.hint:
        hint(error.hint)


def table_of(gaps: Sequence[Gap]) -> None:
    """On stderr: what can't be held as required, why, and what would close it; what backends share stands once."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for gap in gaps:
        rows.setdefault((gap["clause"], gap["reason"], gap["fix"] or "-"), []).append(gap["backend"])
    if rows:
        cells = [(", ".join(dict.fromkeys(backends)), *row) for row, backends in rows.items()]
        if len(cells) > _ROWS:  # --json has them all
            cells = [*cells[:_ROWS], ("...", "", f"and {len(cells) - _ROWS} more", "")]
        table(("BACKEND", "CLAUSE", "WHY", "FIX"), cells, errors=True)


def as_line(value: object) -> str:
    """One line of JSON. In ASCII: no byte of a job reaches a terminal as a control character."""
    return json.dumps(well_formed(value), allow_nan=False)


def in_pieces(found: Mapping[str, object]) -> Iterator[bytes]:
    """The same of what is well formed already, bit by bit: a text as long as a job's output is never there twice."""
    before = "{"
    for key, value in found.items():
        yield f"{before}{json.dumps(key)}: ".encode()
        before = ", "
        if isinstance(value, str):
            yield b'"'
            for start in range(0, len(value), _PIECE):
                yield json.dumps(value[start : start + _PIECE])[1:-1].encode()
            yield b'"'
        else:
            yield json.dumps(value, allow_nan=False).encode()
    yield b"}\n"


def shown(text: str) -> str:
    """`text` on one line, with what could steer a terminal written out."""
    return "".join(letter if letter.isprintable() else quoted(letter)[1:-1] for letter in text)


def prose(text: str, *, strong: str = "", indent: int = 0) -> None:
    """One line of an answer, on stdout; on a terminal in as many as it takes, and what it begins with is `strong`."""
    line = " " * indent + shown(text)
    if not is_drawn():
        say(line)
        return
    from textwrap import fill

    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout)
    after = " " * (indent + 4)
    wrapped = fill(line, console.width, subsequent_indent=after, break_long_words=False, break_on_hyphens=False)
    drawn = Text(wrapped, style="dim" if indent else "")
    drawn.stylize("bold", indent, indent + len(strong))
    console.print(drawn, soft_wrap=True)


def is_drawn(*, errors: bool = False) -> bool:
    """Whether tables there are drawn, since it is a terminal."""
    stream = sys.stderr if errors else sys.stdout
    return stream is not None and stream.isatty()  # pyright: ignore[reportUnnecessaryComparison] (None where it is closed)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, errors: bool = False) -> None:
    """A table: drawn on a terminal, else columns of plain text."""
    stream = sys.stderr if errors else sys.stdout
    cells = [[shown(cell) for cell in row] for row in rows]
    if is_drawn(errors=errors):
        _draw(stream, columns, cells)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _write(stream, _line(line.rstrip()))


def styled(lines: Sequence[Sequence[tuple[str, str]]]) -> None:
    """Lines of the answer made of texts with a style each (rich's words): coloured on a terminal."""
    if not is_drawn():
        for line in lines:
            say("".join(text for text, _ in line))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)


def _draw(stream: TextIO, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from textwrap import TextWrapper

    from rich import box  # 40 ms that only a terminal is worth
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console = Console(file=stream)
    if _is_narrow(console.width, columns, cells):
        lines = TextWrapper(console.width - 1, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for row in (columns, *cells):
            _write(stream, _line(lines.fill("  ".join(row))))
        return
    headed = [Column(column, overflow="fold") for column in columns]  # or a word that is too long loses its end
    drawn = Table(*headed, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    console.print(drawn)


def _is_narrow(width: int, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> bool:
    """Whether columns would be so thin there that words fall apart in them."""
    words = [" ".join(column).split() or [""] for column in zip(columns, *cells, strict=True)]
    return sum(min(max(map(len, each)), _WORD) + len("   ") for each in words) > width


def _line(text: str) -> list[bytes]:
    # Bytes that no text can hold came in as surrogate escapes (PEP 383), and go out as they were.
    return [f"{text}\n".encode(errors="surrogateescape")]


def _write(stream: TextIO | None, pieces: Iterable[bytes]) -> None:
    if stream is None:  # it was closed before we started
        return
    try:
        stream.buffer.writelines(pieces)
        stream.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, stream.fileno())  # or the interpreter fails once more when it flushes at its end
        if isinstance(error, BrokenPipeError):
            raise SystemExit(SIGPIPE_STATUS) from None
        if stream is sys.stderr:
            raise SystemExit(HostError.exit_code) from None
        message = f"can't write to standard output: {error.strerror}"
        raise LostOutputError(message, hint="send it elsewhere, or make room") from error
