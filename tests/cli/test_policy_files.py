"""`sandbox policy new|lock|schema`, and --locked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli import policy
from sandbox_cli.cli import complete

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Done

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOLDEN = Path(__file__).with_name("golden")
LOOSER = "limits: {memory: 2GiB}\n"


def as_reviewed(name: str, text: str) -> None:
    """SANDBOX_GOLDEN=write makes the file anew."""
    path = GOLDEN / name
    if os.environ.get("SANDBOX_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def answer(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, json.loads((DOCS / "policy-lock.schema.json").read_text()))
    return found


@pytest.fixture
def folder(command: Command) -> Path:
    """A folder with two policies that rest on nothing, so that their digests stay."""
    made = Path("rules")
    made.mkdir()
    (made / "a.yaml").write_text("limits: {memory: 1GiB}\n")
    (made / "b.yaml").write_text("extends: ./a.yaml\nworkspace: ro\n")
    return made


# ---- new ----


@pytest.mark.parametrize("words", [[], ["c"]], ids=["command", "c"])
def test_new_policy_is_as_reviewed(command: Command, words: list[str]) -> None:
    done = command("policy", "new", *words)
    assert done.code == 0
    as_reviewed(f"policy-new{'-'.join(['', *words])}.yaml", done.out)


def test_new_policy_can_be_checked_and_run_under(command: Command) -> None:
    Path("mine.yaml").write_text(command("policy", "new", "py").out)
    assert command("policy", "check", "./mine.yaml").code == 0
    assert policy.load("./mine.yaml").language.name == "python"


def test_new_policy_of_an_unknown_language_is_refused_with_the_nearest_one(command: Command) -> None:
    done = command("policy", "new", "pyton")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "sandbox: there is no language 'pyton'",
        "hint: did you mean `python`? `sandbox languages` lists them",
    ]


# ---- schema ----


@pytest.mark.parametrize("kind", ["policy", "ceiling", "tests", "config"])
def test_printed_schema_is_the_published_one(command: Command, kind: str) -> None:
    done = command("policy", "schema", "--for", kind)
    assert done.code == 0
    assert done.out == (DOCS / f"{kind}.schema.json").read_text()
    assert kind in complete.grammars()


def test_schema_of_another_kind_is_refused(command: Command) -> None:
    done = command("policy", "schema", "--for", "polcy")
    assert (done.code, done.out) == (2, "")
    assert "did you mean `policy`?" in done.err


# ---- lock ----


def test_lock_is_as_reviewed(command: Command, folder: Path) -> None:
    done = command("policy", "lock", "rules")
    assert done.code == 0
    as_reviewed("policy-lock.txt", done.out)
    as_reviewed("policies.lock", (folder / "policies.lock").read_text())
    assert os.stat(folder / "policies.lock").st_mode & 0o777 == 0o666 & ~_umask()
    assert sorted(os.listdir(folder)) == ["a.yaml", "b.yaml", "policies.lock"]


def test_check_tells_what_a_lock_lacks_and_leaves_it(command: Command, folder: Path) -> None:
    command("policy", "lock", "rules")
    (folder / "a.yaml").write_text(LOOSER)
    (folder / "b.yaml").unlink()
    (folder / "c.yaml").write_text("workspace: rw\n")
    locked = (folder / "policies.lock").read_text()
    done = command("policy", "lock", "--check", "rules")
    assert done.code == 1
    as_reviewed("policy-lock-check.txt", done.out)
    as_reviewed("policy-lock-check.json", command("policy", "lock", "--check", "--json", "rules").out)
    assert (folder / "policies.lock").read_text() == locked


def test_check_of_a_good_lock_is_no_finding(command: Command, folder: Path) -> None:
    assert command("policy", "lock", "--check", "rules").code == 1
    assert answer(command("policy", "lock", "--json", "rules"))["written"] is True
    done = command("policy", "lock", "--check", "rules")
    assert (done.code, done.out) == (0, "rules/policies.lock: 2 policies, up to date\n")
    assert answer(command("policy", "lock", "--json", "rules")) == {
        "file": "rules/policies.lock", "written": False, "changes": [],
        "policies": {name: policy.load(f"rules/{name}").digest for name in ("a.yaml", "b.yaml")},
    }  # fmt: skip


def test_lock_is_not_written_where_a_policy_is_broken(command: Command, folder: Path) -> None:
    command("policy", "lock", "rules")
    locked = (folder / "policies.lock").read_text()
    (folder / "a.yaml").write_text(LOOSER)
    (folder / "c.yaml").write_text("limits: 5\n")
    done = command("policy", "lock", "rules")
    assert (done.code, done.out) == (2, "")
    assert "rules/c.yaml:1:9: limits: " in done.err
    assert (folder / "policies.lock").read_text() == locked


def test_lock_that_was_none_is_written_anew_and_check_refuses_it(command: Command, folder: Path) -> None:
    (folder / "policies.lock").write_text("<<<<<<< HEAD\n")
    done = command("policy", "lock", "--check", "rules")
    assert done.code == 2
    assert done.err.splitlines()[1] == "hint: `sandbox policy lock rules` writes it anew"
    assert command("policy", "lock", "rules").code == 0
    assert command("policy", "lock", "--check", "rules").code == 0


def test_lock_takes_the_place_of_a_link_and_not_of_what_it_leads_to(command: Command, folder: Path) -> None:
    Path("precious").write_text("words")
    (folder / "policies.lock").symlink_to("../precious")
    assert command("policy", "lock", "rules").code == 0
    assert Path("precious").read_text() == "words"
    assert not (folder / "policies.lock").is_symlink()


def test_lock_that_cannot_be_written_leaves_nothing_behind(command: Command, folder: Path) -> None:
    (folder / "policies.lock").mkdir()
    done = command("policy", "lock", "rules")
    assert (done.code, done.out) == (125, "")
    assert done.err.startswith("sandbox: can't write 'rules/policies.lock': ")
    assert sorted(os.listdir(folder)) == ["a.yaml", "b.yaml", "policies.lock"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("none", "can't be read: No such file"), ("rules/a.yaml", "is no folder"), (".", "no policies")],
)
def test_lock_of_what_is_no_folder_of_policies_is_a_mistake(
    command: Command, folder: Path, name: str, message: str
) -> None:
    done = command("policy", "lock", name)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "hint: " in done.err


# ---- --locked ----


@pytest.mark.parametrize("words", [["run", "--json", "x.py"], ["exec", "--json", "--", "true"]], ids=["run", "exec"])
def test_job_under_a_policy_that_was_changed_is_refused(command: Command, folder: Path, words: list[str]) -> None:
    (folder / "p.yaml").write_text("extends: python\n")
    Path("x.py").write_text("print(1)\n")
    command("policy", "lock", "rules")
    (folder / "p.yaml").write_text(f"extends: python\n{LOOSER}")
    done = command(words[0], "--locked", "-p", "rules/p.yaml", *words[1:])
    assert done.code == 125
    assert done.result["status"] == "refused"
    assert done.result["error"]["message"].startswith("policy p (")
    assert "is not what was locked: expected sha256:" in done.result["error"]["message"]
    assert f"found {done.result['policy']['digest']}" in done.result["error"]["message"]
    assert "`sandbox policy lock " in done.result["error"]["hint"]


@pytest.mark.parametrize("words", [["render", "--", "true"], ["verify"]], ids=["render", "verify"])
def test_other_commands_refuse_it_too(command: Command, folder: Path, words: list[str]) -> None:
    done = command(words[0], "--locked", "-p", "rules/a.yaml", *words[1:])
    assert (done.code, done.out) == (125, "")
    assert "policies.lock" in done.err


def test_job_under_a_locked_policy_runs(command: Command) -> None:
    done = command("run", "--locked", "--json", "-l", "sh", "-c", "echo locked")
    assert done.result["stdout"] == "locked\n"
    assert done.result["policy"]["digest"] == policy.load("sh").digest


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
