"""Handing a result over: as JSON, as words on stderr, as an exit code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.cli import output, whole
from sandbox_cli.cli.exit_codes import exit_status
from sandbox_cli.cli.report import report
from sandbox_cli.errors import HostError
from sandbox_cli.result import as_json
from sandbox_cli.run.artifacts import NOT_SAVED
from sandbox_cli.run.saving import TAKEN
from sandbox_cli.text import quoted, readable
from sandbox_cli.value import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox_cli.result import Blame, Kept, Outcome

NOT_FOUND = 127
NOT_RUN = "it must be a file that the job may execute, in a mount that the policy does not make `noexec`"
NOT_SEEN = "a program sees only what its policy's `filesystem` shows; -f FILE copies a file into its directory"
REPLACE = "--force replaces files that are there, and uses folders that are; or name a new directory: -o DIR"
MAKE_ROOM = "-o takes an empty or a new directory best: it needs room, and must be yours"
QUIET = ("ok", "nonzero-exit")  # the program's own business


def deliver(
    outcome: Outcome,
    *,
    json: bool,
    result: str | None,
    verbose: bool = False,
    saved: bool = False,
    value: bool = False,
) -> int:
    """Hand the result over as asked, and return the exit code that says the same.

    `saved`: -o was to get the files; `value`: --value asked for the value, which without a result is told in words.
    """
    returned = json or result is not None
    found: Mapping[str, object] = as_json(outcome) if returned else {}
    outcome["stdout"] = outcome["stderr"] = b""  # they are large, and nobody needs them twice
    problem = write(result, output.in_pieces(found)) if result is not None else None
    if problem is not None:
        output.tell(problem)
        output.hint("make room there, or name another file")
    if json:
        output.say_bytes(output.in_pieces(found))
    if verbose or not json:
        _tell(outcome)
    if verbose or (value and not returned):
        _tell_value(outcome, asked=value)
    if not verbose and not json:
        _tell_of_workspace(outcome)
    _tell_of_kept(outcome["kept"])
    if verbose or saved:
        problem = _tell_of_omitted(outcome, saved=saved) or problem
    if verbose:
        report(outcome)
    if problem is not None:
        return HostError.exit_code
    return exit_status(outcome)


def problem_with(result: str, option: str = "--result") -> str | None:
    """Why a result can't be written there; None: it can. Found out by writing beside it, which nobody sees."""
    path = Path(result)
    if not result:
        return f"{option} names no file"
    try:
        if path.is_dir():
            return f"can't write the result to {quoted(result)}: it is a directory"
        if not _is_special(path):  # what a device or the other end of a pipe would do when opened, nobody knows
            beside = whole.beside(path.resolve())
            beside.touch(exist_ok=False)
            beside.unlink()
        elif not os.access(path, os.W_OK):
            return f"can't write the result to {quoted(result)}: permission denied"
    except OSError as error:
        return f"can't write the result to {quoted(result)}: {error.strerror}"
    return None


def write(result: str, content: Iterable[bytes]) -> str | None:
    """Whole or not at all: a reader never sees half a result. A device or a pipe is written into as it is.

    Returns why it could not be done.
    """
    path = Path(result)
    try:
        if _is_special(path):
            with path.open("wb") as file:
                file.writelines(content)
        else:
            whole.write(path.resolve(), content)
    except OSError as error:
        return f"can't write the result to {quoted(result)}: {error.strerror}"
    return None


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _tell(outcome: Outcome) -> None:
    """What went wrong and what to do about it."""
    error = outcome["error"]
    if error is not None:
        output.complain(HostError(error["message"], hint=error["hint"], gaps=error["gaps"]))
    elif outcome["status"] not in QUIET and outcome["signal"] != "SIGPIPE":  # as silent as `yes | head`
        output.tell(outcome["cause"] or outcome["status"])
        advice = _of_a_start(outcome) if outcome["status"] == "cannot-start" else _advice(outcome["blame"])
        if advice is not None and outcome["status"] != "compile-error":  # the compiler has said what to change
            output.hint(advice)
    if outcome["status"] != "ok":
        told = outcome["blame"]["clause"] if outcome["blame"] is not None else None
        for name, times in outcome["limit_hits"].items():
            if f"limits.{name}" == told:
                continue
            output.tell(f"limits.{name}: reached" + (f" {times} times" if times > 1 else ""))


def _tell_value(outcome: Outcome, *, asked: bool) -> None:
    """The value as JSON, or why there is none; a program that failed has said itself why."""
    written = outcome["value"]
    value, problem = parse(written) if written is not None else (None, outcome["value_error"])
    if problem is not None:
        output.tell(f"no value: {problem}")
    elif written is not None or (asked and outcome["status"] == "ok"):
        output.tell(f"value: {output.as_line(value)}")


def _of_a_start(outcome: Outcome) -> str | None:
    if outcome["exit_code"] == NOT_FOUND:
        return NOT_SEEN
    return NOT_RUN if (outcome["cause"] or "").endswith(": not executable") else None


def _tell_of_omitted(outcome: Outcome, *, saved: bool) -> str | None:
    """What was left in scratch; returns whether -o failed to save what it should have."""
    for path, reason in outcome["artifacts_omitted"]:
        output.tell(f"{readable(path)}: not returned: {reason}")
    unsaved = [reason for _, reason in outcome["artifacts_omitted"] if saved and reason.startswith(NOT_SAVED)]
    if not unsaved:
        return None
    output.hint(REPLACE if any(reason.endswith(TAKEN) for reason in unsaved) else MAKE_ROOM)
    return NOT_SAVED


def _tell_of_workspace(outcome: Outcome) -> None:
    """What -C showed that is better not shown, and what the job put there that is better not used."""
    for row in outcome["receipt"]["clauses"] if outcome["receipt"] else ():
        if row["clause"] == "workspace" and row["note"]:
            output.tell(f"-C: {row['note']}")


def _tell_of_kept(kept: Kept | None) -> None:
    if kept is not None:
        output.tell(f"kept in {kept['path']}")
        for path, reason in kept["omitted"]:
            output.tell(f"{readable(path)}: not kept: {reason}")


def _advice(blame: Blame | None) -> str | None:
    """Which line to change."""
    if blame is None:
        return None
    clause = blame["clause"]
    name = clause.removeprefix("language.").replace("compile.limits.", "compile.").removeprefix("limits.")
    if blame["source"] == "ceiling":
        return f"the ceiling allows no more: {clause} is bounded in {blame['file']}:{blame['line']}"
    ask = f"`--limit {name}=VALUE` asks for another, within the policy's maximum" if "limits." in clause else None
    if blame["file"] is not None:
        place = f"{clause} is set in {blame['file']}" + (f":{blame['line']}" if blame["line"] else "")
        return f"{place}; {ask}" if ask else place
    return ask
