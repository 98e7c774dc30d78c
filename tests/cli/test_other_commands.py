"""Help, version, completion, tables on a terminal, `clean`, and what happens to a bug."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from sandbox_cli.cli import app, schemas
from sandbox_cli.cli.app import main, main_inner
from sandbox_cli.errors import UsageError
from sandbox_cli.run import fds, names, scratch
from sandbox_cli.run.limits import cgroupfs

if TYPE_CHECKING:
    from tests.cli.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ["run", "exec", "render", "doctor", "languages", "policy", "verify", "clean"]


def test_without_arguments_it_prints_help(command: Command) -> None:
    done = command()
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: sandbox ")
    for name in COMMANDS:
        assert f"\n  {name} " in done.out


@pytest.mark.parametrize(
    "words", [[name] for name in COMMANDS] + [["policy", name] for name in ("list", "show", "check")]
)
def test_every_command_has_help(command: Command, words: list[str]) -> None:
    done = command(*words, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: sandbox {' '.join(words)}")


def test_version_is_that_of_the_distribution(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", {"sandbox-jail": "1.2.3"}.__getitem__)
    assert command("--version").out == "sandbox 1.2.3\n"


def test_main_inner_raises_what_main_tells() -> None:
    with pytest.raises(UsageError, match="no such command 'rnu'"):
        main_inner(["rnu"])


def test_bug_shows_a_traceback_and_no_exit_code_that_a_program_has(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("sandbox_cli.plan.request.catalogue", broken)
    monkeypatch.setattr(sys, "argv", ["sandbox", "languages"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 125
    assert "Traceback" in capfd.readouterr().err


def test_interrupt_while_it_starts_is_no_traceback() -> None:
    start = "import os, signal, sys; sys.path.insert(0, ''); from sandbox_cli.__main__ import main\n"
    interrupt = (
        "sys.meta_path.insert(0, type('', (), {'find_spec': lambda *_: os.kill(os.getpid(), signal.SIGINT)})())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{start}{interrupt}main()"], capture_output=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


# ---- completion ----


def completed(name: str, line: str) -> list[str]:
    """What bash is offered for `line`, by the command called `name`."""
    start = f"import sys; sys.argv[0] = '/usr/bin/{name}'; from sandbox_cli.cli.app import main; main()"
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), variable: "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-c", start], env={**os.environ, **words}, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


@pytest.mark.parametrize("name", app.NAMES)
def test_completion_works_for_both_names(name: str) -> None:
    assert completed(name, f"{name} r") == ["run", "render"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("sandbox run --best", ["--best-effort"]),
        ("sandbox run -b b", ["bwrap"]),
        ("sandbox run -p pyt", ["python"]),
        ("sandbox exec -l py", ["py", "python", "python3"]),
        ("sandbox run --limit mem", ["memory="]),
        ("sandbox policy sh", ["show"]),
        ("sandbox policy new pyt", ["python", "python3"]),
        ("sandbox policy schema --for p", ["policy"]),
        ("sandbox policy show comm", ["command"]),
    ],
)
def test_completion_offers_what_there_is(line: str, offered: list[str]) -> None:
    assert sorted(completed("sandbox", line)) == offered


@pytest.mark.parametrize("name", app.NAMES)
def test_completion_script_is_for_the_name_that_was_called(name: str) -> None:
    start = f"import sys; sys.argv[0] = '{name}'; from sandbox_cli.cli.app import main; main()"
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    done = subprocess.run(
        [sys.executable, "-c", start],
        check=True,
        env={**os.environ, variable: "source_bash"},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert f" {name}\n" in done.stdout + "\n"
    assert f"{variable}=complete_bash" in done.stdout


# ---- terminals ----


def on_a_terminal(*words: str, **environment: str) -> str:
    """What the command writes where its stdout is a terminal."""
    ours, theirs = pty.openpty()
    here = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox_cli", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**here, "TERM": "xterm-256color", "COLUMNS": "200", **environment},
        cwd=ROOT,
    ):
        os.close(theirs)
        pieces = []
        while piece := read_terminal(ours):
            pieces.append(piece)
    os.close(ours)
    return b"".join(pieces).decode()


def read_terminal(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except OSError:  # its other end is closed
        return b""


def test_table_is_drawn_on_a_terminal_and_plain_in_a_pipe(command: Command) -> None:
    drawn, plain = on_a_terminal("policy", "list"), command("policy", "list").out
    assert "\x1b[" in drawn
    assert "─" in drawn
    assert "python" in drawn
    assert plain.isascii()
    assert "\x1b" not in plain


def test_no_letter_of_a_cell_is_lost_on_a_narrow_terminal(tmp_path: Path) -> None:
    name = "x" * 100
    (tmp_path / f"{name}.yaml").write_text("extends: python\nrequire: {limits.cpu_time: strict}\n")
    words = ("run", "-b", "bwrap", "-p", str(tmp_path / f"{name}.yaml"), "-c", "print(1)")
    drawn = on_a_terminal(*words, COLUMNS="60", NO_COLOR="1").split("BACKEND", 1)[1]
    assert "…" not in drawn
    assert drawn.count("x") >= len(name)


def test_no_clause_is_torn_apart_on_a_terminal_of_40_columns() -> None:
    drawn = on_a_terminal("run", "-v", "-l", "sh", "-c", "true", COLUMNS="40", NO_COLOR="1")
    lines = re.sub(r"\x1b\[\d*m|\r", "", drawn).split("\nnote:", 1)[0].splitlines()
    assert [line for line in lines if len(line) > 40] == []
    assert "limits.cpu_time  sampled " in drawn
    assert "limits.scratch_files  " in drawn


def test_no_color_is_kept() -> None:
    assert "\x1b[" not in on_a_terminal("policy", "list", NO_COLOR="1").replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_json_on_a_terminal_is_json() -> None:
    assert json.loads(on_a_terminal("languages", "--json"))["languages"]


# ---- clean ----


def test_clean_removes_what_a_crashed_run_left_and_says_so(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "TEMPORARY", str(tmp_path))
    monkeypatch.setattr(cgroupfs, "mounted", list)  # other tests leave groups, and clean up
    monkeypatch.setattr("sandbox_cli.verify.targets._FOLDERS", ())
    monkeypatch.setattr("sandbox_cli.host.accounts.home_of", lambda _uid: str(tmp_path))
    left = tmp_path / f"sandbox-{os.geteuid()}-1-99999999999-0123456789ab"
    alive, lock = names.make(str(tmp_path), 0o700)
    (left / "in").mkdir(parents=True)
    assert command("clean").out == f"removed {left}\n"
    assert (left.exists(), Path(alive).exists()) == (False, True)
    assert command("clean").out == "nothing was left behind\n"
    left.mkdir()
    answer = json.loads(command("clean", "--json").out)
    jsonschema.validate(answer, json.loads((ROOT / "docs" / "clean.schema.json").read_text()))
    assert answer == {"removed": [str(left)]}
    (tmp_path / ".sandbox-verify-1-01234567").touch()
    assert command("clean").out == f"removed {tmp_path}/.sandbox-verify-1-01234567\n"
    fds.close(lock)


# ---- schemas ----


def test_schemas_in_docs_are_those_of_the_code() -> None:
    written = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.schema.json")}
    expected = schemas.documents()
    assert {name: written.get(name) for name in expected} == expected, "python -m sandbox_cli.cli.schemas docs"
