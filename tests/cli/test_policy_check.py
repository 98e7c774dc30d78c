"""`sandbox policy check`: each format as it is printed, what it ends with, and what it is asked about."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.cli import rules_page
from sandbox_cli.policy.lint.table import RULES
from tests.accounts import ROOT
from tests.cli.test_other_commands import on_a_terminal

if TYPE_CHECKING:
    from tests.accounts import Sandbox
    from tests.cli.conftest import Command

GOLDEN = Path(__file__).with_name("golden")
POLICIES = {
    "broken.yaml": "extends: python\nlimits:\n\t# 日本\n  memory: 1GiB\n",
    "misspelt.yaml": 'extends: _base\ndescription: "日本語"\nlimits: {memory: {default: 1GiB, mx: 2GiB}}\n',
    "open, wide.yaml": """\
extends: _base
network: host
filesystem:
  /usr/share/dict: ro
  /srv/cache: {from: /usr/share, mode: rw, noexec: true}   # 100% ours: a, b
environment: {API_TOKEN: 0b1f4c9a77d2, PYTHONPATH: "{{ scratch }}/lib"}
require: {network: none}
silence:
  writable-host-path filesystem./srv/cache: Filled once, by us; looked at 2026-11.
""",
    "fine.yaml": "extends: python\nlimits: {memory: 1GiB}\n",
    "fine.test.yaml": "tests: []\n",
    ".hidden.yaml": "no: policy\n",
}
# What SARIF 2.1.0 asks of a log like ours; the whole schema is OASIS's, and is not carried here.
URI = {"type": "string", "pattern": r"^[A-Za-z0-9._~:/%-]+$"}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LOCATION = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {"properties": {"uri": URI, "uriBaseId": {"const": "SRCROOT"}}},
                "region": {"additionalProperties": {"type": "integer", "minimum": 1}},
            },
        },
        "logicalLocations": {"type": "array", "items": {"required": ["fullyQualifiedName"]}},
    },
}
SARIF = {
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results", "columnKind"],
                "properties": {
                    "columnKind": {"const": "unicodeCodePoints"},
                    "tool": {
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {"shortDescription": TEXT, "help": TEXT},
                                        },
                                    }
                                },
                            }
                        }
                    },
                    "results": {
                        "items": {
                            "required": ["message", "ruleId"],
                            "properties": {
                                "message": TEXT,
                                "level": {"enum": ["error", "warning", "note", "none"]},
                                "locations": {"items": LOCATION},
                            },
                        }
                    },
                },
            }
        },
    },
}


@pytest.fixture
def here(command: Command) -> Path:
    """The command's working directory, with policies in it."""
    for name, text in POLICIES.items():
        Path(name).write_text(text)
    return Path.cwd()


def assert_golden(name: str, text: str, here: Path) -> None:
    told = text.replace(str(here), "/HERE")
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / name).write_text(told)
    assert told == (GOLDEN / name).read_text(), "GOLDEN=write pytest writes it anew"


def test_text_is_grouped_by_file_with_a_caret_under_each_place(here: Path, command: Command) -> None:
    done = command("policy", "check", ".")
    assert (done.code, done.err) == (1, "")
    assert_golden("policy-check.txt", done.out, here)


def test_json_has_each_finding_as_data(here: Path, command: Command) -> None:
    done = command("policy", "check", ".", "--json")
    assert done.code == 1
    answer: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(answer, json.loads((ROOT / "docs" / "policy-check.schema.json").read_text()))
    assert command("policy", "check", ".", "--format", "json").out == done.out
    assert_golden("policy-check.json", json.dumps(answer, indent=2, ensure_ascii=False) + "\n", here)


def test_sarif_names_files_from_here_and_says_what_is_suppressed(here: Path, command: Command) -> None:
    done = command("policy", "check", ".", "--format", "sarif")
    assert done.code == 1
    log: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    rules = run["tool"]["driver"].pop("rules")
    assert {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules} == {
        name: rule.severity for name, rule in RULES.items()
    }
    assert all(rules[result.pop("ruleIndex")]["id"] == result["ruleId"] for result in run["results"])
    assert_golden("policy-check.sarif", json.dumps(log, indent=2, ensure_ascii=False) + "\n", here)


def test_github_gets_a_command_for_each_finding(here: Path, command: Command) -> None:
    done = command("policy", "check", ".", "--format", "github")
    assert done.code == 1
    assert_golden("policy-check.github", done.out, here)


def test_name_of_a_file_steers_nothing(command: Command) -> None:
    name = os.fsdecode(b"\xff\x1b[31m\n::error::,:%.yaml")
    Path(name).write_text("extends: _base\nnetwork: host\n")
    text = command("policy", "check", f"./{name}").out
    assert text.startswith("\\xff\\x1b[31m\\n::error::,:%.yaml:2:1: warning: ")
    told = command("policy", "check", f"./{name}", "--format", "github").out
    assert told.startswith("::warning file=\\xff\\x1b[31m%0A%3A%3Aerror%3A%3A%2C%3A%25.yaml,line=2,")
    log = json.loads(command("policy", "check", f"./{name}", "--format", "sarif").out)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "%FF%1B%5B31m%0A%3A%3Aerror%3A%3A%2C%3A%25.yaml"


def test_directory_that_is_gone_is_no_hindrance(command: Command, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("extends: _base\nnetwork: host\n")
    Path.cwd().rmdir()
    for name in ("text", "sarif", "github"):
        done = command("policy", "check", str(policy), "--format", name)
        assert (done.code, done.err) == (0, "")
        assert "policy.yaml" in done.out


def test_secret_is_carried_into_no_output(here: Path, command: Command) -> None:
    for name in ("text", "json", "sarif", "github"):
        assert "0b1f4c9a77d2" not in command("policy", "check", ".", "--format", name).out


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("network: host", [], 0),
        ("network: host", ["--fail-on", "error"], 0),
        ("network: host", ["--fail-on", "warning"], 1),
        ("network: host", ["--strict"], 1),
        ("syscalls: {deny: []}", [], 1),
        ("filesystem: {/usr/lib: ro}", ["--fail-on", "warning"], 0),
        ("filesystem: {/usr/lib: ro}", ["--fail-on", "note"], 1),
        ("filesystem: {/usr/lib: ro}", ["--strict", "--fail-on", "note"], 1),
        ("network: host\nsilence: {network-host: Because.}", ["--strict"], 0),
        ("", ["--strict"], 0),
    ],
)
def test_ends_with_1_where_a_finding_is_grave_enough(
    command: Command, text: str, options: list[str], code: int
) -> None:
    Path("policy.yaml").write_text(f"extends: _base\n{text}\n")
    assert command("policy", "check", "policy.yaml", *options).code == code


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--strict", "--fail-on", "error"], "--strict and --fail-on error say different things", "one of them"),
        (["--json", "--format", "sarif"], "--json and --format sarif say different things", "one of them"),
        (["--format", "xml"], "for '--format': 'xml' is not one of 'text', 'json', 'sarif', 'github'", "--help"),
        (["no-such"], "there is no policy 'no-such'", ""),
        (["folder"], "there is no policy 'folder'", "for the folder here write ./folder"),
        (["./folder"], "there is no policy in './folder'", "end in .yaml"),
    ],
)
def test_mistake_of_the_command_line_is_told(
    here: Path, command: Command, words: list[str], message: str, hint: str
) -> None:
    (here / "folder").mkdir()
    done = command("policy", "check", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert hint in done.err


def test_folder_stands_for_its_policies_and_tests_are_none(here: Path, command: Command) -> None:
    for words in (["./"], [str(here)], [".", "./fine.yaml", "fine.test.yaml"]):
        answer = json.loads(command("policy", "check", *words, "--json").out)
        names = [Path(each).name for each in answer["checked"]]
        assert names[:4] == ["broken.yaml", "fine.yaml", "misspelt.yaml", "open, wide.yaml"]
    assert command("policy", "check", "fine.test.yaml").out == "no policy checked: nothing found\n"
    missing = command("policy", "check", "./nofile.test.yaml")
    assert (missing.code, "there is no such file" in missing.err) == (2, True)


def test_a_folder_s_policies_may_end_in_yml(here: Path, command: Command) -> None:
    (here / "other").mkdir()
    (here / "other" / "wide.yml").write_text("extends: _base\nfilesystem: {/home: ro}\n")
    done = command("policy", "check", "other/")
    assert (done.code, "home-visible" in done.out) == (1, True)


def test_colour_is_for_a_terminal_that_wants_it(here: Path, command: Command) -> None:
    plain = command("policy", "check", "./misspelt.yaml").out
    words = ("policy", "check", f"{here}/misspelt.yaml")
    coloured, bare = on_a_terminal(*words), on_a_terminal(*words, NO_COLOR="1")
    assert "\x1b[1;31merror" in coloured
    assert "\x1b[1;31m" not in bare
    assert "\x1b[" not in plain


@pytest.mark.parametrize("account", ["root", "user"], indirect=True)
def test_shipped_policies_are_clean_under_strict(sandbox: Sandbox) -> None:
    done = sandbox("policy", "check", "--strict")
    assert done.returncode == 0, done.stdout.decode()
    assert done.stdout.endswith(b"policies checked: nothing found\n")


def test_page_of_the_rules_is_theirs() -> None:
    page = ROOT / "docs" / "rules.md"
    assert page.read_text() == rules_page.page(), "run: python -m sandbox_cli.cli.rules_page docs/rules.md"
