"""`sandbox verify` proves a jail, or says what is wrong with it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.plan.levels import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox
    from tests.cli.conftest import Command

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "verify.schema.json"
MINE = """
extends: command
network: host
environment: {A: "{{ scratch }}"}
syscalls: {allow: ["@system-service"]}
limits: {cpu_time: none, memory: none}
filesystem: {/opt/mine: {from: FOLDER/mine, mode: rw}}
"""
NOT_BY_FIREJAIL = """
extends: command
require: {limits.tmp_size: strict}
limits: {wall_time: none, cpu_time: none, memory: none, processes: none, output: none}
"""
TIGHT = """
extends: command
syscalls: {{allow: ["@basic-io", "@file-system", mmap, munmap, mprotect, brk, {}], action: {}}}
"""
MARK = ".sandbox-verify-{}-*"
# Adds a folder in /tmp to what bwrap is asked for: of what is no mount the seal sees nothing.
WEAK_BWRAP = """#!/bin/sh
case "$*" in *--version*) exec bwrap --version;; esac
for word; do
    [ "$word" = --chdir ] && set -- "$@" --dir /tmp/more
    set -- "$@" "$word"
    shift
done
exec /usr/bin/bwrap "$@"
"""


def verified(sandbox: Sandbox, *words: str, code: int = 0) -> dict[str, Any]:
    done = sandbox("verify", "--json", *words)
    assert (done.returncode, done.stderr) == (code, b"")
    answer: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(answer, json.loads(SCHEMA.read_text()))
    return answer


def test_every_jailer_holds_the_default_policy_and_nothing_else(sandbox: Sandbox, needs: Callable[[str], None]) -> None:
    for backend in BACKENDS:
        needs(backend)
    answer = verified(sandbox, "--all")
    assert (answer["policy"], answer["uid"], answer["failures"]) == ("command", sandbox.account.uid, 0)
    assert [each["name"] for each in answer["backends"]] == list(BACKENDS)
    for each in answer["backends"]:
        assert (each["usable"], each["problem"]) == (True, None)
        verdicts = {attempt["name"]: attempt["verdict"] for attempt in each["attempts"]}
        assert verdicts.pop("connect to the host's ::1") in {"held", "untried"}  # not every host has one
        assert set(verdicts.values()) <= {"held", "works", "unenforced"}
        assert verdicts["go beyond tmp_size"] == ("unenforced" if each["name"] == "firejail" else "held")
        clauses = {attempt["clause"].split("./")[0] for attempt in each["attempts"]}
        assert clauses == set(TABLE) - {"workspace", "limits.cpus"} | {"environment", "jail"}


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_policy_of_a_path_is_verified_as_it_is(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "mine").mkdir()
    (shared_tmp / "mine").chmod(0o777)
    (shared_tmp / "p.yaml").write_text(MINE.replace("FOLDER", str(shared_tmp)))
    answer = verified(sandbox, "-p", str(shared_tmp / "p.yaml"), "-b", "bwrap")
    verdicts = {each["name"]: each["verdict"] for each in answer["backends"][0]["attempts"]}
    assert answer["failures"] == 0
    for name in ("write to /opt/mine", "list /opt", "connect to the host's 127.0.0.1", "openat"):
        assert verdicts[name] == "works"
    assert verdicts["mount"] == "held"
    assert "go beyond processes" in verdicts
    assert "go beyond memory" not in verdicts  # nothing bounds it


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_jail_with_more_in_it_is_a_failure_that_is_shown_whole(
    sandbox: Sandbox, shared_tmp: Path, needs: Callable[[str], None]
) -> None:
    needs("bwrap")
    (shared_tmp / "bwrap").write_text(WEAK_BWRAP)
    (shared_tmp / "bwrap").chmod(0o755)
    path = f"{shared_tmp}:{sandbox.account.environment['PATH']}"
    done = sandbox("verify", "-b", "bwrap", env={"PATH": path})
    assert (done.returncode, done.stderr) == (1, b"")
    lines = done.stdout.decode().splitlines()
    assert lines[-3].split() == ["filesystem", "list", "/tmp", "nothing", "also", "more", "escaped"]
    assert lines[-1].startswith("bwrap: FAILED: ")
    assert ", 1 escaped" in lines[-1]


@pytest.mark.parametrize("words", [[], ["--all"], ["--json"]])
def test_host_where_no_jail_can_be_made_is_said_and_no_pass(sandbox: Sandbox, words: list[str]) -> None:
    forbid = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
    outer = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", forbid, "sh"]
    done = sandbox.account.run([*outer, *sandbox.command, "verify", *words])
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr.startswith(b"sandbox: no jailer ")
    assert b"\nhint: " in done.stderr


def test_jailer_that_cannot_be_used_is_told_beside_those_that_can(command: Command, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(NOT_BY_FIREJAIL)
    done = command("verify", "--all", "-p", str(tmp_path / "p.yaml"))
    assert (done.code, done.err) == (0, "")
    assert "firejail: not verified, since " in done.out
    assert "bwrap: as the policy says: " in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--all", "-b", "bwrap"], "sandbox: --all and --backend exclude each other\nhint: leave one of them out\n"),
        (["-b", "bwarp"], "sandbox: --backend: there is no backend 'bwarp'\nhint: did you mean `bwrap`?\n"),
    ],
)
def test_mistake_of_usage_is_one_sentence_and_a_hint(command: Command, words: list[str], said: str) -> None:
    done = command("verify", *words)
    assert (done.code, done.out, done.err) == (2, "", said)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_ends_it_and_takes_from_the_host_what_was_put_there(
    sandbox: Sandbox, number: signal.Signals, code: int
) -> None:
    with sandbox.popen("verify", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        put = marks_of(process)
        process.send_signal(number)
        said = process.communicate()
    assert (process.returncode, *said) == (code, b"", b"")
    assert [path for path in put if path.exists()] == []


def marks_of(process: subprocess.Popen[bytes]) -> list[Path]:
    """The files that it puts where a jail must not find them, once they are there."""
    while process.poll() is None:
        found = [path for folder in ("/tmp", "/dev/shm") for path in Path(folder).glob(MARK.format(process.pid))]
        if len(found) == 2:
            return found
        time.sleep(0.005)
    pytest.fail("it put nothing there")


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("action", ["errno", "kill"])
@pytest.mark.parametrize("more", [[], ["clone", "wait4"]])
def test_filter_that_leaves_the_probe_little_is_no_failure_of_the_jail(
    sandbox: Sandbox, shared_tmp: Path, needs: Callable[[str], None], action: str, more: list[str]
) -> None:
    for backend in BACKENDS:
        needs(backend)
    (shared_tmp / "p.yaml").write_text(TIGHT.format(", ".join(more), action))
    for each in verified(sandbox, "-p", str(shared_tmp / "p.yaml"), "--all")["backends"]:
        verdicts = {attempt["name"]: attempt["verdict"] for attempt in each["attempts"]}
        assert (verdicts["go beyond file_size"], verdicts["go beyond wall_time"]) == ("held", "untried")
        assert verdicts["go beyond scratch_files"] == ("held" if each["name"] == "nsjail" else "untried")


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_what_is_not_proved_stands_below_what_is(
    sandbox: Sandbox, shared_tmp: Path, needs: Callable[[str], None]
) -> None:
    needs("bwrap")
    (shared_tmp / "p.yaml").write_text(TIGHT.format("", "errno"))
    done = sandbox("verify", "-p", str(shared_tmp / "p.yaml"), "-b", "bwrap")
    verdicts = [line.split()[-1] for line in done.stdout.decode().splitlines()[2:-2]]
    assert set(verdicts) == {"held", "works", "untried"}
    assert set(verdicts[verdicts.index("untried") :]) == {"untried"}


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_what_went_well_is_a_line_for_each_clause_and_verbose_lists_it(
    sandbox: Sandbox, needs: Callable[[str], None]
) -> None:
    needs("bwrap")
    brief, verbose = (sandbox("verify", "-b", "bwrap", *words).stdout.decode().splitlines() for words in ([], ["-v"]))
    clauses = [line.split()[0] for line in brief[2:-2]]
    assert len(set(clauses)) == len(clauses) < 40
    assert set(clauses) == {line.split()[0] for line in verbose[2:-2]}
    assert brief[-1] == verbose[-1]
    counts = dict(zip(clauses, brief[2:-2], strict=True))
    usr = [line.split()[-1] for line in verbose if line.startswith("filesystem./usr ")]
    told = f"{usr.count('works')} works, {usr.count('held')} held"
    assert re.split(" {2,}", counts["filesystem./usr"].strip())[1:] == [
        f"{len(usr)} attempts", "what the policy says", "the same", told,
    ]  # fmt: skip
    assert str(len(verbose[2:-2])) == re.search(r": (\d+) attempts, ", verbose[-1])[1]
