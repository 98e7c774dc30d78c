"""`sandbox policy list|show|check`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.policy import places

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Done

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOLDEN = Path(__file__).with_name("golden")
ALONE = """\
description: Rests on nothing.
limits: {memory: {default: 64MiB, max: 1GiB}, wall_time: 5s}
filesystem: {/usr: ro, /tmp: {mode: tmpfs, noexec: true}, /srv/data: {from: /data, mode: rw, optional: true}}
syscalls: {deny: ["@default-deny"], rules: [{syscall: socket, arg: 0, value: 16, action: kill}], action: log}
environment: {MODE: "fast: yes"}
require: {limits.memory: strict}
"""
BAD = "extends: python\nlimits:\n  memory: {default: 1GiB, mx: 2GiB}\n"


def answer(done: Done, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, json.loads((DOCS / f"policy-{name}.schema.json").read_text()))
    return found


@pytest.fixture
def policies(command: Command, tmp_path: Path) -> Path:
    """The folder of the user's own policies, with a good one and a bad one."""
    folder = tmp_path / "config" / "sandbox" / "policies"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("extends: python\ndescription: My own.\nlimits: {memory: 1GiB}\n")
    (folder / "bad.yaml").write_text(BAD)
    return folder


def test_list_says_where_each_policy_comes_from(policies: Path, command: Command) -> None:
    done = command("policy", "list", "--json")
    assert done.code == 0
    listed = {each["name"]: each for each in answer(done, "list")["policies"]}
    assert listed["python"]["where"] == "built in"
    assert listed["mine"] == {
        "name": "mine", "path": str(policies / "mine.yaml"), "where": "user",
        "description": "My own.", "language": "python", "problem": None,
    }  # fmt: skip
    assert listed["bad"]["problem"].startswith(f"{policies}/bad.yaml:3:")


@pytest.mark.parametrize(
    ("golden", "words"),
    [
        ("policy-list.txt", ("list",)),
        ("policy-list.json", ("list", "--json")),
        ("policy-show.yaml", ("show", "alone")),
        ("policy-show.json", ("show", "alone", "--json")),
    ],
)
def test_what_is_printed_is_what_was_reviewed(
    policies: Path, command: Command, golden: str, words: tuple[str, ...]
) -> None:
    (policies / "bad.yaml").unlink()
    (policies / "alone.yaml").write_text(ALONE)
    done = command("policy", *words)
    told = done.out.replace(str(policies), "/user").replace(str(places.BUILT_IN), "/built-in")
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / golden).write_text(told)
    assert done.code == 0
    assert told == (GOLDEN / golden).read_text(), (
        "review the change, then: GOLDEN=write pytest tests/cli/test_policy.py"
    )


def test_list_in_words_has_a_line_for_each_policy(policies: Path, command: Command) -> None:
    lines = command("policy", "list").out.splitlines()
    assert lines[0].split() == ["POLICY", "WHERE", "DESCRIPTION", "FILE"]
    assert any(line.startswith("mine ") and line.endswith(f" {policies}/mine.yaml") for line in lines)


def test_shown_policy_can_be_loaded_and_has_the_same_digest(policies: Path, command: Command) -> None:
    done = command("policy", "show", "mine")
    Path("again.yaml").write_text(done.out)
    first = answer(command("policy", "show", "mine", "--json"), "show")
    again = answer(command("policy", "show", "./again.yaml", "--json"), "show")
    assert first["digest"] == again["digest"]
    assert first["policy"] == again["policy"]
    assert first["files"][0] == str(policies / "mine.yaml")
    assert first["sources"]["limits.memory"]["line"] == 3
    assert f"# {first['digest']}" in done.out.splitlines()


def test_check_finds_the_bad_one_among_all(policies: Path, command: Command) -> None:
    done = command("policy", "check")
    assert done.code == 1
    first, _, caret, hint, _, last = done.out.splitlines()
    assert first.startswith(f"{policies}/bad.yaml:3:27: error: limits.memory: unknown key 'mx'")
    assert caret.endswith(" ^")
    assert "max" in hint
    assert last.endswith("policies checked: 1 error")


def test_check_of_good_ones_is_no_finding(policies: Path, command: Command) -> None:
    done = command("policy", "check", "mine", "python", "--json")
    assert done.code == 0
    assert answer(done, "check") == {"checked": ["mine", "python"], "findings": [], "silenced": []}


def test_finding_as_json_has_its_place_as_data(policies: Path, command: Command) -> None:
    done = command("policy", "check", str(policies / "bad.yaml"), "--json")
    assert done.code == 1
    (finding,) = answer(done, "check")["findings"]
    assert (finding["file"], finding["line"], finding["column"]) == (str(policies / "bad.yaml"), 3, 27)
    assert finding["clause"].startswith("limits.memory")
