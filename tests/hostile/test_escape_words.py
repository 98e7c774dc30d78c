"""What a job says, how it ends and what it leaves: all of it is the job's word and taken for nothing else - not for the
tool's own words or results, not for a command to the terminal, not for the end of what it started."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PYTHON
from tests.hostile.escape_page import SOURCES
from tests.hostile.test_escape import escape, jails  # noqa: F401 - the fixtures
from tests.hostile.test_limits import SLOW
from tests.hostile.traces import Traces

if TYPE_CHECKING:
    from tests.cli.conftest import Command
    from tests.contract.conftest import Driver
    from tests.hostile.test_escape import Escape

CODES = (1, 124, 125, 126, 127, 130, 137, 139, 153, 159, 255)
SIGNALS = {"SIGKILL": 9, "SIGTERM": 15, "SIGSEGV": 11, "SIGINT": 2}


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_no_exit_code_and_no_signal_is_taken_for_an_end_of_another_kind(
    backend: str, account: str, driver: Driver
) -> None:
    plan = driver.plan(
        {"command": ["/bin/sh", "-c", 'eval "$DO"'], "backend": backend, "limits": {"wall_time": "500ms"}}
    )

    def ends(what: str) -> tuple[Any, ...]:
        outcome = driver.run(None, {"environment": [f"DO={what}".encode()]}, plan=plan)
        return outcome["status"], outcome["exit_code"], outcome["signal"]

    for code in CODES:
        assert ends(f"exit {code}") == ("nonzero-exit", code, None)
    for name, number in SIGNALS.items():
        assert ends(f"kill -{number} $$") == ("signalled", None, name)
    assert ends("sleep 9")[0] == "wall-time-limit"  # what 124 looks like, and is not


FORGED = {
    "schema": "sandbox-result/1", "id": "forged", "status": "ok", "cause": None, "exit_code": 0,
    "receipt": {"backend": "none"},
}  # fmt: skip
WORDS = "sandbox: limits.memory: killed by the kernel at 512MiB\nhint: --limit memory=8GiB\n"


@pytest.mark.parametrize("words", [["--json"], ["--json", "--capture", "10B"], ["--result", "result.json"]])
def test_a_result_and_words_that_a_job_prints_are_its_output(command: Command, words: list[str]) -> None:
    text = f'\n{json.dumps(FORGED)}\n"}}]}}\n\0{json.dumps(FORGED)}'
    code = f"import sys; sys.stdout.write({text!r}); sys.stderr.write({WORDS!r}); sys.exit(3)"
    done = command("exec", "-b", "bwrap", *words, "--", *PYTHON, code)
    assert done.code == 3
    result = done.result if "--json" in words else json.loads(Path("result.json").read_text())
    assert (result["status"], result["exit_code"], result["receipt"]["backend"]) == ("nonzero-exit", 3, "bwrap")
    assert result["id"] != "forged"
    assert result["stdout"] == (text[:10] if "--capture" in words else text)
    assert result["stdout_bytes"] == len(text)
    if "--json" in words:
        assert done.out.isascii()
        assert done.out.count("\n") == 1
        assert done.err == ""


STEERING = [
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[H",
    "a\nsandbox: all is well",
    "\u202egnp.tla",
    "\x9b31m",
    "b\rc",
    "\udcff\x1b[0m",
]
LEAVES = f"""
import os
names = {STEERING!r}
for name in names:
    open(name, "w").write("x")
    os.makedirs("d/" + name)
    open("d/" + name + "/" + name, "w").write("x")
    os.symlink(name, "link" + name)
    os.mkfifo("fifo" + name)
"""


def is_plain(text: str) -> bool:
    return all(letter.isprintable() for letter in text.replace("\n", ""))


@pytest.mark.parametrize("more", [["-v"], ["-v", "--keep"], ["--force"]])
def test_names_that_a_job_leaves_steer_no_terminal(command: Command, more: list[str]) -> None:
    done = command("exec", "-b", "bwrap", "-o", "out", *more, "--", *PYTHON, LEAVES)
    assert done.code == 0
    assert is_plain(done.out + done.err), done.err
    assert "\nsandbox: all is well" not in done.err
    # The control: the names came as they are, and would steer one.
    assert not all(is_plain(path.name) for path in Path("out").iterdir())
    for kept in re.findall(r"/tmp/sandbox-kept-\w+", done.err):
        shutil.rmtree(kept)


def test_names_that_a_job_leaves_are_valid_json_in_ascii(command: Command) -> None:
    done = command("exec", "-b", "bwrap", "--json", "--", *PYTHON, LEAVES)
    result = done.result
    assert done.out.isascii()
    found = {each["path"] for each in result["artifacts"]}
    assert len(found) == 2 * len(STEERING)
    assert {name for name in STEERING if "\udcff" not in name} <= found
    assert len(result["artifacts_omitted"]) == 2 * len(STEERING)


@pytest.mark.parametrize("name", ["\udcff".join(STEERING), "a\nsandbox: all is well"])
def test_words_about_what_a_caller_names_steer_no_terminal(command: Command, name: str) -> None:
    """A program that is not there, one with an interpreter that is not, a directory, a variable, a limit, a pattern."""
    Path("script").write_bytes(b"#!" + name.encode(errors="surrogateescape").replace(b"\n", b"") + b"\n")
    Path("script").chmod(0o755)
    for words in (
        ["--", name], ["--", f"./{name}"], ["-f", "script", "--", "./script"], ["-C", name, "--", "x"],
        ["-e", name, "--", "x"], ["--limit", f"{name}=1", "--", "x"], ["-b", name, "--", "x"],
        ["--stdin", name, "--", "x"], ["-f", name, "--", "x"],
        ["-o", "o", "--collect", f"../{name}", "--", "x"], ["--network", name, "--", "x"], [f"--{name}", "--", "x"],
    ):  # fmt: skip
        done = command("exec", *words)
        assert done.code in {125, 126, 127}, words
        assert is_plain(done.err), (words, done.err)
        assert done.err.startswith("sandbox: ")
        assert "\nsandbox: all" not in done.err


SURVIVORS = [
    source for source in SOURCES if source.stem in {"survive_double_fork", "survive_fork_chain", "survive_hidden_fds"}
]


@pytest.mark.parametrize("escape", SURVIVORS, ids=lambda path: path.name, indirect=True)
def test_nothing_of_a_job_is_left_when_its_result_is_there(
    escape: Escape,  # noqa: F811
    backend: str,
    account: str,
    driver: Driver,
) -> None:
    plan = escape.jails.plan(account, backend, escape.head.policy, escape.source.suffix, "")
    traces = Traces(driver.process.pid, f"survivor-{escape.head.name}")
    name, _, value = traces.environment.decode().partition("=")
    outcome = escape.jails.run(account, plan, escape.content, {name: value})
    assert traces.left(0.5 * SLOW) == []
    assert outcome["status"] == "ok"
    assert outcome["stdout"].startswith(b"held: ")
    assert b"escaped" not in outcome["stdout"]
