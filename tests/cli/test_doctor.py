"""`sandbox doctor` says what this host can enforce, and how it was found out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.plan.levels import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "doctor.schema.json"


def examined(sandbox: Sandbox, **options: Any) -> dict[str, Any]:
    answer = sandbox.json("doctor", **options)
    jsonschema.validate(answer, json.loads(SCHEMA.read_text()))
    return answer


def test_jailer_that_works_is_shown_with_the_level_of_every_clause(
    sandbox: Sandbox, needs: Callable[[str], None]
) -> None:
    for backend in BACKENDS:
        needs(backend)
    answer = examined(sandbox)
    assert [each["name"] for each in answer["backends"]] == list(BACKENDS)
    for each in answer["backends"]:
        assert (each["usable"], each["problem"]) == (True, None)
        assert each["program"].startswith("/")
        assert set(TABLE) - {"workspace"} <= {row["clause"] for row in each["clauses"]}
    assert answer["chosen"] == "bwrap"
    assert answer["host"]["uid"] == sandbox.account.uid


def test_words_say_the_same_as_json(sandbox: Sandbox) -> None:
    done = sandbox("doctor")
    assert (done.returncode, done.stderr) == (0, b"")
    for word in (*map(str.encode, BACKENDS), b"limits.memory", b"strict (namespace)", b"works"):
        assert word in done.stdout


def test_host_where_no_jailer_serves_is_a_finding_with_reasons_and_fixes(sandbox: Sandbox) -> None:
    """In a user namespace that allows no further ones."""
    forbid = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
    words = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", forbid, "sh", *sandbox.command]
    done = sandbox.account.run([*words, "doctor", "--json"])
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, json.loads(SCHEMA.read_text()))
    assert (done.returncode, answer["chosen"]) == (1, None)
    for each in answer["backends"]:
        assert (each["usable"], bool(each["problem"]), bool(each["fix"])) == (False, True, True)
    told = sandbox.account.run([*words, "doctor"])
    assert told.returncode == 1
    assert told.stdout.count(b"  fix: ") == len(BACKENDS)


def test_requirement_that_one_backend_does_not_meet_is_a_problem_of_that_one(
    sandbox: Sandbox, shared_tmp: Path
) -> None:
    folder = shared_tmp / "sandbox" / "policies"
    folder.mkdir(parents=True)
    (folder / "command.yaml").write_text("extends: command\nrequire: {limits.tmp_size: strict}\n")
    config = Path(sandbox.account.environment["XDG_CONFIG_HOME"], "sandbox", "config.yaml")
    if config.exists():
        (shared_tmp / "sandbox" / "config.yaml").write_text(config.read_text())
    answer = examined(sandbox, env={"XDG_CONFIG_HOME": str(shared_tmp)})
    problems = {each["name"]: (each["problem"], each["fix"]) for each in answer["backends"]}
    assert (problems["bwrap"], problems["nsjail"]) == ((None, None), (None, None))
    assert problems["firejail"] == ("limits.tmp_size would be none", "use bwrap or nsjail")


def test_clause_that_is_not_strict_comes_with_the_reason_and_the_fix(
    sandbox: Sandbox, needs: Callable[[str], None]
) -> None:
    needs("firejail")
    answer = examined(sandbox)
    for each in answer["backends"]:
        rows = [
            (row["clause"], row["level"])
            for row in each["clauses"]
            if row["level"] != "strict" and row["effective"] != "not bounded"
        ]
        assert [(short["clause"], short["level"]) for short in each["not_strict"]] == rows
        assert all(short["reason"] for short in each["not_strict"])
    firejail = {short["clause"]: short for short in answer["backends"][2]["not_strict"]}
    assert firejail["limits.tmp_size"] == {
        "clause": "limits.tmp_size", "level": "none",
        "reason": "firejail can't bound /tmp and /dev/shm", "fix": "use bwrap or nsjail",
    }  # fmt: skip
    told = sandbox("doctor").stdout.decode()
    assert "* limits.tmp_size (firejail): firejail can't bound /tmp and /dev/shm\n  fix: use bwrap or nsjail\n" in told


def test_part_of_the_filesystem_that_a_backend_does_not_hold_is_no_strict_filesystem(
    sandbox: Sandbox, shared_tmp: Path, needs: Callable[[str], None]
) -> None:
    needs("firejail")
    folder = shared_tmp / "sandbox" / "policies"
    folder.mkdir(parents=True)
    said = "extends: command\nfilesystem: {/data: {from: /var/lib/dpkg}}\nrequire: {filesystem./data: none}\n"
    (folder / "command.yaml").write_text(said)
    config = Path(sandbox.account.environment["XDG_CONFIG_HOME"], "sandbox", "config.yaml")
    if config.exists():
        (shared_tmp / "sandbox" / "config.yaml").write_text(config.read_text())
    answer = examined(sandbox, env={"XDG_CONFIG_HOME": str(shared_tmp)})
    rows = {each["name"]: {row["clause"]: row for row in each["clauses"]} for each in answer["backends"]}
    assert rows["bwrap"]["filesystem"]["level"] == "strict"
    assert rows["firejail"]["filesystem"]["level"] == "none"
    assert rows["firejail"]["filesystem"]["note"] == "strict but for filesystem./data (none)"
    assert [each["usable"] for each in answer["backends"]] == [True, True, True]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_a_mistake_in_the_configuration_is_told_once_with_its_file(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "sandbox").mkdir()
    (shared_tmp / "sandbox" / "config.yaml").write_text("backend: [bwrap]\n")
    done = sandbox("doctor", env={"XDG_CONFIG_HOME": str(shared_tmp)})
    assert done.returncode == 2
    assert done.stderr.count(b"unknown key 'backend'") == 1
    assert f"{shared_tmp}/sandbox/config.yaml:1".encode() in done.stderr
