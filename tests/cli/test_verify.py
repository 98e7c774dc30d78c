"""`sandbox verify` proves a jail, or says what is wrong with it."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_it_finds_nothing_of_it_on_the_host(sandbox: Sandbox, number: signal.Signals) -> None:
    """The files that it lays out for the jail to miss are removed again."""
    with sandbox.popen("verify", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        name = f".sandbox-verify-{process.pid}-*"
        while not list(Path("/tmp").glob(name)) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(number)
    assert process.returncode == 128 + number
    assert [path for folder in ("/tmp", "/var/tmp", "/dev/shm") for path in Path(folder).glob(name)] == []
