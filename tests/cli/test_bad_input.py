"""Every mistake of the command line is one sentence and a hint, before anything starts."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accounts import ROOT

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Done

NOT_UTF8 = b"# coding: latin-1\nprint('\xe9')\n"


@pytest.fixture
def here(command: Command) -> Path:
    """The command's working directory, with a few things in it."""
    folder = Path.cwd()
    (folder / "ok.py").write_text("print('never')\n")
    (folder / "latin1.py").write_bytes(NOT_UTF8)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo.py")
    (folder / "a:b").write_text("")
    (folder / "word.yaml").write_text("word\n")
    (folder / "policy.yaml").write_text("limits: {memory: 1}\n")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.py")
    return folder


def assert_refused(done: Done, says: str, hint: str) -> None:
    first, *more = done.err.splitlines()
    assert first.startswith("sandbox: ")
    assert says in first
    assert more, done.err
    assert more[-1].startswith("hint: ")
    assert hint in more[-1]
    assert "Traceback" not in done.err


C = ["-l", "python", "-c", "pass"]
JOBS = [
    # the command line itself
    (["run", "--jsno", "ok.py"], "no such option: --jsno", "--json"),
    (["run", "--memroy", "1GiB", "ok.py"], "no such option: --memroy", "--memory"),
    (["run", "-C"], "'-C' requires an argument", "--help"),
    (["run", "-C", "", *C], "-C '': it names no directory", "that is there"),
    (["run", "-C", "nope", *C], "-C 'nope': No such file", "that is there"),
    (["run", "-C", "ok.py", *C], "-C 'ok.py' is not a directory", "of yours"),
    (["run", "-C", "folder:rx", *C], "-C 'folder:rx' is no DIR[:ro]", "-C folder:ro"),
    (["run", "-C", "/", *C], "workspace: / is the system's own", "one project"),
    (["run", "-C", "/etc/ssl:ro", *C], "workspace: /etc/ssl is the system's own", "one project"),
    (["run", "-l"], "'-l' requires an argument", "--help"),
    (["run", "-c"], "'-c' requires an argument", "`sandbox run --help`"),
    (["run", "--best-effort=1", "ok.py"], "'--best-effort' does not take a value", "--help"),
    (["run"], "no code to run", "-c CODE"),
    (["exec"], "no program to run", "-- COMMAND [ARGS]"),
    (["exec", "--", ""], "no program to run", "-- COMMAND [ARGS]"),
    (["exec", "-c", "pass"], "-c is for code", "sandbox run"),
    # the code
    (["run", "nope.py"], "'nope.py' can't be read: No such file", "-c CODE"),
    (["run", ""], "'' names no file", "-c CODE"),
    (["run", "folder"], "'folder' is a directory", "-c CODE"),
    (["run", "fifo.py"], "'fifo.py' is not a regular file", "standard input"),
    (["run", "socket.py"], "'socket.py' is not a regular file", "standard input"),
    (["run", "-l", "python", "/dev/null"], "'/dev/null' is not a regular file", "standard input"),
    (["run", "ok.py/x"], "'ok.py/x' can't be read: Not a directory", "-c CODE"),
    (["run", "x" * 300], "can't be read: File name too long", "-c CODE"),
    (["run", "latin1.py"], "not UTF-8: byte 0xe9 in line 2", "iconv -f LATIN1 -t UTF-8 latin1.py"),
    (["run", "-l", "python", "-c", "'\udce9'"], "the code of -c is not UTF-8: byte 0xe9 in line 1", "UTF-8"),
    (["run", "-c", "pass"], "which language", "-l"),
    (["run", "-p", "command", "-c", "pass"], "policy command names no language", "-l"),
    (["run", "a:b"], "no extension", "-l"),
    (["run", "-l", "pyhton", "-c", ""], "no language 'pyhton'", "python"),
    (["run", "-p", "python", "-l", "perl", "-c", ""], "policy python is for python, not for perl", "-p"),
    # the policy
    (["run", "-p", "pyhton", "-c", ""], "no policy 'pyhton'", "python"),
    (["run", "-p", "./policy.yaml", "-l", "python", "-c", ""], "policy.yaml:1:18: limits.memory: '1' has no unit", "1"),
    # limits, network, backend
    (["run", "--limit", "memory", *C], "--limit 'memory' has no value", "NAME=VALUE"),
    (["run", "--limit", "memry=1GiB", *C], "no limit 'memry'", "memory"),
    (["run", "--limit", "=1GiB", *C], "no limit ''", "memory"),
    (["run", "--memory", "512", *C], "'512' has no unit", "512MiB"),
    (["run", "--timeout", "5 parsecs", *C], "'parsecs' is not a unit of time", "Units are"),
    (["run", "--memory", "1TiB", *C], "more than the 8GiB", "8GiB or less"),
    (["run", "--memory", "1GiB", "--limit", "memory=2GiB", *C], "limit memory is given twice", "once"),
    (["run", "--network", "host", *C], "policy python allows none", "network: host"),
    (["run", "--network", "on", *C], "--network can't be 'on'", "none"),
    (["run", "-b", "nsjial", *C], "no backend 'nsjial'", "nsjail"),
    (["run", "-b", "", *C], "--backend: there is no backend ''", "bwrap, nsjail, firejail"),
    (["run", "--limit", "memory=9999999TiB", *C], "limits.memory: '9999999TiB' is too much", "at most 4194304TiB"),
    (["run", "--limit", "", *C], "--limit '' has no value", "NAME=VALUE"),
    (["run", "-l", "", "ok.py"], "-l '' names no language", "sandbox languages"),
    (["run", "-p", "", *C], "'' is neither a policy's name nor a path", "a name has letters"),
    (["run", "-p", "\udcff", *C], r"'\xff' is neither a policy's name nor a path", "a name has letters"),
    # variables and files
    (["run", "-e", "NAME", *C], "-e 'NAME' has no value", '-e NAME="$NAME"'),
    (["run", "-e", "", *C], "-e '' has no value", "write -e NAME=VALUE"),
    (["run", "-e", "=x", *C], "names no variable", "NAME=VALUE"),
    (["run", "-f", "n\udcffpe", *C], r"'n\xffpe' can't be read: No such file", "name a file"),
    (["run", "-f", "nope", *C], "'nope' can't be read: No such file", "name a file"),
    (["run", "-f", "", *C], "'' names no file", "a file or a folder"),
    (["run", "-f", "fifo.py", *C], "'fifo.py' is not a regular file", "-f"),
    (["run", "-f", "ok.py:../x", *C], "'../x' leads out of scratch", "below"),
    (["run", "-f", "ok.py:a/../../x", *C], "leads out of scratch", "below"),
    (["run", "-f", "ok.py:/etc/passwd", *C], "'/etc/passwd' leads out of scratch", "below"),
    (["run", "-f", "ok.py:", *C], "names no file", "'ok.py'"),
    (["run", "-f", "ok.py:x", "-f", "latin1.py:./x", *C], "can't both be 'x' in scratch", "-f SRC:DEST"),
    (["run", "-f", "ok.py:x", "-f", "latin1.py:x/y", *C], "'x' can't be a file and a folder", "-f SRC:DEST"),
    (["run", "-f", "ok.py:main.py", *C], "'main.py' is the code's own name", "-f SRC:DEST"),
    (["run", "-f", "ok.py:main.py/x", *C], "'main.py' is the code's own name", "-f SRC:DEST"),
    # streams and results
    (["run", "--stdin", "", *C], "--stdin '' names no file", "/dev/null"),
    (["run", "-e", "A B", *C], "-e 'A B' has no value", "write -e 'A B=VALUE'"),
    (["run", "-l", "sh@5", "-c", ""], "tells no version", "install sh 5"),
    (["run", "--timeout", "0s", *C], "limits.wall_time: it must be more than 0", "give more"),
    (["run", "-p", "./word.yaml", *C], "word.yaml:1:1: expects a map", "extends: python"),
    (["run", "--stdin", "nope", *C], "'nope' can't be read: No such file", "file"),
    (["run", "--stdin", "folder", *C], "--stdin 'folder' is a directory", "file"),
    (["run", "-o", "ok.py", *C], "-o 'ok.py' is not a directory", "directory"),
    (["run", "-o", "ok.py/x", *C], "-o 'ok.py/x' can't be made: Not a directory", "directory"),
    (["run", "-o", "/proc/x", *C], "-o '/proc/x' can't be made", "directory"),
    (["run", "-o", "", *C], "-o '' names no directory", "directory"),
    (["run", "-o", "new/" + "x" * 300, *C], "can't be made: File name too long", "directory"),
    (["run", "--collect", "*.png", *C], "--collect has nowhere", "-o DIR"),
    (["run", "--force", *C], "--force has nothing to replace", "-o DIR"),
    (["run", "-o", "new", "--collect", "", *C], "--collect '' matches no file", "out/*.png"),
    (["run", "-o", "new", "--collect", "/etc/*", *C], "--collect '/etc/*' leads out of scratch", "out/*.png"),
    (["run", "-o", "new", "--collect", "a/../x", *C], "--collect 'a/../x' leads out of scratch", "out/*.png"),
    (["run", "--capture", "lots", *C], "--capture: 'lots' is not a size", "MiB"),
    (["run", "--result", "folder", *C], "can't write the result to 'folder': it is a directory", "file"),
    (["run", "--result", "nope/x", *C], "can't write the result to 'nope/x': No such file", "file"),
    (["run", "--result", "/proc/x", *C], "can't write the result to '/proc/x'", "file"),
    (["run", "--result", "", *C], "--result names no file", "file"),
]


@pytest.mark.parametrize(("words", "says", "hint"), JOBS)
def test_mistake_in_a_job_is_refused_with_125_and_a_hint(
    here: Path, command: Command, words: list[str], says: str, hint: str
) -> None:
    done = command(*words)
    assert_refused(done, says, hint)
    assert (done.code, done.out) == (125, "")
    assert not (here / "new").exists()


@pytest.mark.parametrize(("words", "says", "hint"), [row for row in JOBS if "--collect" not in row[0]])
def test_mistake_in_a_job_is_one_json_object_with_json(
    here: Path, command: Command, words: list[str], says: str, hint: str
) -> None:
    done = command(words[0], "--json", *words[1:])
    assert (done.code, done.err) == (125, "")
    assert done.out.count("\n") == 1
    result = done.result
    assert result["status"] == "refused"
    assert says in result["error"]["message"]
    assert hint in result["error"]["hint"]


OPTION: dict[str, object] = {"source": "option", "file": None, "line": None}
BASE = str(ROOT / "policies" / "_base.yaml")
HERE = "./with-mount.yaml"
BLAMED: list[tuple[list[str], dict[str, object]]] = [
    (["--memory", "1TiB", *C], {"clause": "limits.memory", "source": "file", "file": BASE, "line": "  memory:"}),
    (["--memory", "64", *C], {"clause": "limits.memory", **OPTION}),
    (["--limit", "cpus=many", *C], {"clause": "limits.cpus", **OPTION}),
    (["--network", "host", *C], {"clause": "network", "source": "file", "file": BASE, "line": "network:"}),
    (["--network", "on", *C], {"clause": "network", **OPTION}),
    (["--collect", "/x", *C], {"clause": "artifacts.collect", **OPTION}),
    (["-p", HERE, "-c", ""], {"clause": "filesystem./nope", "source": "file", "file": HERE, "line": "filesystem:"}),
    (["-l", "python@99", "-c", ""], {"clause": "language.runtime", **OPTION}),
]


@pytest.mark.parametrize(("words", "blame"), BLAMED)
def test_refusal_blames_the_line_or_the_option_to_change(
    here: Path, command: Command, words: list[str], blame: dict[str, object]
) -> None:
    (here / HERE).write_text("extends: python\nfilesystem: {/nope: ro}\n")
    result = command("run", "--json", *words).result
    found = result["blame"]
    if isinstance(blame["line"], str):
        file = here / HERE if blame["file"] == HERE else Path(BASE)
        lines = file.read_text().splitlines()
        assert lines[found["line"] - 1].startswith(blame["line"])
        blame = {**blame, "file": str(file), "line": found["line"]}
    assert found == blame
    assert result["cause"].startswith(f"{blame['clause']}: ")
    assert result["error"]["message"] == result["cause"]


def test_mistake_in_a_job_is_written_to_the_result_file_too(here: Path, command: Command) -> None:
    done = command("run", "--result", "result.json", "--memroy", "1GiB", "ok.py")
    assert done.code == 125
    assert json.loads((here / "result.json").read_text())["error"]["message"] == "no such option: --memroy"


def test_json_after_the_file_is_the_programs_own(here: Path, command: Command) -> None:
    done = command("run", "nope.py", "--json")
    assert (done.code, done.out) == (125, "")


OTHERS = [
    (["rnu"], "no such command 'rnu'", "'run'"),
    (["frobnicate"], "no such command 'frobnicate'", "sandbox --help"),
    (["ok.py"], "no such command 'ok.py'", "`sandbox run ok.py` runs it"),
    (["--versoin"], "no such option: --versoin", "--version"),
    (["doctor", "x"], "unexpected extra argument", "doctor --help"),
    (["languages", "--jsn"], "no such option: --jsn", "--json"),
    (["clean", "--all"], "no such option: --all", "clean --help"),
    (["policy", "shwo"], "no such command 'shwo'", "'show'"),
    (["policy", "improve"], "no such command 'improve'", "policy --help"),
    (["policy", "show", "--json=1"], "'--json' does not take a value", "`sandbox policy show --help`"),
    (["policy", "show"], "missing argument", "policy show --help"),
    (["policy", "show", "pyhton"], "no policy 'pyhton'", "python"),
    (["policy", "check", "pyhton"], "no policy 'pyhton'", "python"),
    (["render", "nope.py"], "'nope.py' can't be read", "-c CODE"),
    (["render", "--memroy", "1GiB", "x"], "no such option: --memroy", "--memory"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says", "hint"), OTHERS)
def test_mistake_in_another_command_is_refused_with_2_and_a_hint(
    here: Path, command: Command, words: list[str], says: str, hint: str
) -> None:
    done = command(*words)
    assert_refused(done, says, hint)
    assert (done.code, done.out) == (2, "")


def test_policy_that_names_a_runtime_that_is_not_here_is_refused(here: Path, command: Command) -> None:
    (here / "cobol.yaml").write_text(
        "extends: _base\nlanguage: {name: cobol, file: x.cob, runtime: {command: no-such-cobol}, run: [x]}\n"
    )
    done = command("run", "-p", "./cobol.yaml", "-c", "")
    assert_refused(done, "no no-such-cobol that a job can run", "install no-such-cobol")
    assert done.code == 125


def test_variable_that_names_no_backend_is_refused(
    here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_BACKEND", "dokcer")
    done = command("run", *C)
    assert_refused(done, "SANDBOX_BACKEND: there is no backend 'dokcer'", "bwrap")
    assert done.code == 125


def test_what_steers_a_terminal_is_written_out(here: Path, command: Command) -> None:
    done = command("run", "\x1b[31m\u202e\udcff.py")
    assert done.err.isascii()
    assert "\x1b" not in done.err
    assert r"\x1b[31m\u202e\xff.py" in done.err
    assert "udc" not in command("run", "--\udcff").err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["run", "-f", "../here/ok.py", *C], 125, "'../here/ok.py' can't be read: No such file"),
        (["run", "-o", "new", *C], 125, "-o 'new' can't be made: No such file"),
        (["policy", "check", "./p.yaml"], 2, "p.yaml: the file can't be read: No such file"),
        (["policy", "show", "./p.yaml"], 2, "p.yaml: the file can't be read: No such file"),
    ],
)
def test_relative_path_in_a_directory_that_is_gone_is_one_sentence(
    here: Path, command: Command, words: list[str], code: int, says: str
) -> None:
    (here / "gone").mkdir()
    os.chdir(here / "gone")
    (here / "gone").rmdir()
    done = command(*words)
    assert (done.code, "Traceback" in done.err) == (code, False)
    assert says in done.out + done.err


def test_code_that_is_too_long_is_refused(here: Path, command: Command) -> None:
    with (here / "long.py").open("wb") as stream:
        stream.truncate((64 << 20) + 1)
    assert_refused(command("run", "long.py"), "larger than 64 MiB", "-f or --stdin")
