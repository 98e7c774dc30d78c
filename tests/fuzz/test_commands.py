"""Whatever stands on the command line, it is understood or refused: with a documented exit code, and no traceback."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox_cli import plan
from sandbox_cli.cli import app
from sandbox_cli.errors import RefusedError
from sandbox_cli.plan import request
from tests.contract.test_random_jails import few

if TYPE_CHECKING:
    from pathlib import Path

JOBS = ("run", "exec", "shell", "render")
COMMANDS = (
    *((name,) for name in JOBS), ("policy",), ("policy", "list"), ("policy", "show"), ("policy", "check"), ("policy",
    "schema"),
    ("policy", "explain"), ("policy", "diff"), ("clear",), ("",), ("--help",), (), ("-h", "run"), ("--version",),
    ("--show-completion",),
)  # fmt: skip
OPTIONS = (
    "-p", "--policy", "-l", "--language", "-b", "--backend", "--limit", "--timeout", "--memory", "--network", "-e",
    "--env", "-f",
    "--file", "-C", "--stdin", "-o", "--output", "--collect", "--capture", "--keep", "--json", "--result",
    "--best-effort", "-t",
    "-v", "-c", "--", "-", "--value", "--venv", "--force", "--verbose", "-h", "--help",
)  # fmt: skip
VALUES = (
    "python", "command", "_base", "py@3", "@", "a=b", "=", "memory=1GiB", "compile.memory=1GiB", "wall_time=1e9s",
    "memory=none", "10s",
    "none", "host", "x:y", ".:ro", ".", "..", ":", "ro", "1MiB", "bwrap", "/dev/null", "/nonexistent/x", "./x.yaml",
    "-1", "0", "**", "true",
    "a" * 300, "x" * 5000, "SANDBOX_VALUE=1", "\udcff", "é\u2028\x1b[31m", "\n", "a\nb",
)  # fmt: skip
# No text that could name a file outside the test's own directory.
ODD = some.binary(max_size=12).map(lambda data: os.fsdecode(data.replace(b"\0", b"").replace(b"/", b"\\")))
WORDS = some.lists(
    some.sampled_from(OPTIONS)
    | some.sampled_from(VALUES)
    | some.builds(
        "{}={}".format,
        some.sampled_from([each for each in OPTIONS if each.startswith("--")]),
        some.sampled_from(VALUES),
    )
    | some.builds(
        "{}{}".format, some.sampled_from([each for each in OPTIONS if len(each) == 2]), some.sampled_from(VALUES)
    )
    | ODD,
    max_size=8,
)


def refuse(job: Any) -> None:
    """What compiling comes to where no jailer may be started: the job is understood first."""
    request.resolve(job)
    raise RefusedError("no jailer is tried here", hint="none")


@few
@given(command=some.sampled_from(COMMANDS), words=WORDS)
def test_any_words_end_with_a_documented_exit_code_and_without_a_traceback(
    command: tuple[str, ...], words: list[str], monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan, "compile", refuse)
    monkeypatch.setattr(sys, "argv", ["sandbox", *command, *words])
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert signal.getsignal(signal.SIGTERM) is before
    stdout, stderr = capfd.readouterr()
    assert "Traceback" not in stderr
    is_job = command[:1] and command[0] in {"run", "exec", "shell"}
    assert ended.value.code in ({0, 125} if is_job else {0, 1, 2, 125})
    if is_job and ended.value.code and stdout:
        assert json.loads(stdout)["status"] == "refused"
    assert "\x1b" not in stderr
