"""`sandbox policy test`, in this process: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema
import pytest

from sandbox_cli.policy import places

if TYPE_CHECKING:
    from tests.accounts import Sandbox
    from tests.cli.conftest import Command

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "policy-test.schema.json").read_text())
POLICY = "extends: command\ndescription: One of ours.\n"
TESTS = """\
tests:
  says hello:
    command: [echo, hello]
    expect: {stdout: "hello\\n"}
  says nothing:
    command: [echo, hello]
    expect: {stdout: "", exit_code: 3}
  goes to usr:
    command: [sh, -c, "echo first >&2; tuoch /usr/x"]
    expect: denied
"""


@pytest.fixture(autouse=True)
def mine(command: Command, launcher: Path) -> None:
    """A policy and its tests in the current directory; of four runs two pass."""
    Path("mine.yaml").write_text(POLICY)
    Path("mine.test.yaml").write_text(TESTS)


def answer(command: Command, *words: str, code: int) -> dict[str, Any]:
    done = command("policy", "test", "--json", *words)
    assert (done.code, done.err) == (code, "")
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, SCHEMA)
    return found


def told(text: str) -> str:
    """Without what is another each time."""
    text = text.replace(str(Path.cwd()), "HERE")
    return re.sub(r'(time(?:_s)?"?[=:] ?"?)\d+\.\d+|\b\d+\.\d+(?= s\b)', r"\g<1>0.0", text)


def reviewed(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("SANDBOX_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_words_json_and_junit_are_as_reviewed(command: Command) -> None:
    done = command("policy", "test", "-b", "bwrap", "--junit", "out.xml", "./mine.yaml")
    assert (done.code, done.err) == (1, "")
    reviewed("policy-test.txt", told(done.out))
    reviewed("policy-test.xml", told(Path("out.xml").read_text()))
    found = answer(command, "-b", "bwrap", "./mine.yaml", code=1)
    reviewed("policy-test.json", told(json.dumps(found, indent=1)) + "\n")
    verbose = command("policy", "test", "-b", "bwrap", "-v", "-k", "HELLO", "./mine.yaml")
    assert verbose.code == 0
    assert told(verbose.out) == "./mine.yaml: 1 test on bwrap: 1 passed\n  passed: says hello (bwrap 0.0 s)\n1 passed\n"


def test_each_backend_that_can_hold_the_policy_is_tried_in_order(command: Command) -> None:
    for jobs in ("1", "7"):
        found = answer(command, "-k", "s*hello", "-j", jobs, "./mine.yaml", code=0)
        assert [each["backend"] for each in found["tests"]] == ["bwrap", "nsjail", "firejail"]
        assert {each["verdict"] for each in found["tests"]} <= {"passed", "skipped"}


def test_tests_come_in_the_order_of_their_file_however_long_they_take(command: Command) -> None:
    names = [f"sleeps {number}" for number in range(6)]
    body = [f"  {name}: {{command: [sleep, '0.{6 - at}'], expect: allowed}}\n" for at, name in enumerate(names)]
    Path("mine.test.yaml").write_text("tests:\n" + "".join(body))
    found = answer(command, "-b", "bwrap", "-j", "6", "./mine.yaml", code=0)
    assert [each["name"] for each in found["tests"]] == names


def test_a_missing_runtime_is_skipped_and_no_pass(command: Command) -> None:
    Path("mine.yaml").write_text("extends: python\nlanguage: {runtime: {command: no-such-python, package: no-such}}\n")
    Path("mine.test.yaml").write_text("tests:\n  runs: {command: [echo], expect: allowed}\n")
    found = answer(command, "-b", "bwrap", "./mine.yaml", code=0)
    (skipped, passed) = found["tests"]
    assert (skipped["name"], skipped["verdict"], passed["verdict"]) == ("selftest", "skipped", "passed")
    assert "no-such-python" in skipped["reason"]
    assert "no-such" in skipped["fix"]
    assert (found["passed"], found["skipped"]) == (1, 1)
    assert command("policy", "test", "-b", "bwrap", "--strict", "./mine.yaml").code == 1


def test_where_nothing_could_be_run_that_is_no_success(command: Command) -> None:
    Path("mine.yaml").write_text(POLICY + "limits: {cpus: 1}\nrequire: {limits.tmp_size: strict, privileges: strict}\n")
    Path("mine.test.yaml").write_text("tests:\n  runs: {command: [echo], expect: allowed}\n")
    done = command("policy", "test", "-b", "firejail", "./mine.yaml")
    assert done.code == 125
    assert done.out.startswith("./mine.yaml: 1 test: 1 skipped\n  skipped on firejail: ")
    assert command("policy", "test", "-b", "firejail", "--strict", "./mine.yaml").code == 1


def test_a_backend_that_can_not_hold_the_policy_is_told_beside_those_that_can(command: Command) -> None:
    Path("mine.yaml").write_text(POLICY + "require: {limits.tmp_size: strict}\n")
    Path("mine.test.yaml").write_text("tests:\n  runs: {command: [echo], expect: allowed}\n")
    found = answer(command, "./mine.yaml", code=0)
    verdicts = {each["backend"]: each["verdict"] for each in found["tests"]}
    assert (verdicts["bwrap"], verdicts["firejail"]) == ("passed", "skipped")
    firejail = next(each for each in found["tests"] if each["backend"] == "firejail")
    assert firejail["reason"]
    assert firejail["fix"]


@pytest.mark.parametrize(
    ("words", "told_of"),
    [
        (["./none.yaml"], "there is no such file"),
        (["nothing"], "there is no policy"),
        (["-k", "no such test", "./mine.yaml"], "chooses none of the tests"),
        (["-b", "docker", "./mine.yaml"], "there is no backend"),
        (["--junit", "/no/such/folder/x.xml", "./mine.yaml"], "can't write"),
        (["--junit", "", "./mine.yaml"], "--junit names no file"),
        (["-j", "0", "./mine.yaml"], "-j"),
        (["./bad.yaml"], "bad.test.yaml:2:"),
        (["./" + "x" * 300], "File name too long"),
    ],
)
def test_a_mistake_ends_with_2_and_nothing_has_run(command: Command, words: list[str], told_of: str) -> None:
    Path("bad.yaml").write_text(POLICY)
    Path("bad.test.yaml").write_text("tests:\n  one: {comand: [echo], expect: allowed}\n")
    done = command("policy", "test", *words)
    assert (done.code, done.out) == (2, "")
    assert told_of in done.err


def test_what_steers_a_terminal_is_written_out(command: Command) -> None:
    """In a name it is refused, or, where a letter is none by itself, written out; in what a job says, always."""
    Path("mine.test.yaml").write_text(
        textwrap.dedent(r"""
        tests:
          "says \u202e backwards":
            command: [printf, '\033[2J\033]0;title\007\n']
            expect: {stdout: "", stderr: "", artifacts: {}}
          "complains":
            command: [sh, -c, "printf '\\033[2J\\n' >&2; printf '\\033[2J' > 'made-'$(printf '\\033'); exit 1"]
            expect: {artifacts: {}}
        """)
    )
    done = command("policy", "test", "-b", "bwrap", "--junit", "out.xml", "./mine.yaml")
    assert done.code == 1
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out
    assert "says \\u202e backwards: failed" in done.out
    ElementTree.parse("out.xml")
    assert "\x1b" not in Path("out.xml").read_text()


def test_as_much_output_as_a_job_likes_makes_a_short_report(command: Command) -> None:
    Path("mine.test.yaml").write_text(
        "tests:\n  talks:\n    command: [sh, -c, 'yes | head -c 3000000 | tee /dev/stderr']\n"
        "    limits: {output: 10MiB}\n    expect: {stdout: x, stderr: y}\n"
    )
    done = command("policy", "test", "-b", "bwrap", "./mine.yaml")
    assert done.code == 1
    assert len(done.out) < 2000


def test_a_junit_file_that_is_there_is_replaced_whole(command: Command) -> None:
    Path("out.xml").write_text("old")
    Path("mine.test.yaml").write_text("tests:\n  runs: {command: [echo], expect: allowed}\n")
    assert command("policy", "test", "-b", "bwrap", "--junit", "out.xml", "./mine.yaml").code == 0
    assert ElementTree.parse("out.xml").getroot().get("tests") == "1"
    assert [each for each in os.listdir() if "out.xml" in each] == ["out.xml"]


def test_a_test_file_is_no_policy(command: Command) -> None:
    assert [each.name for each in places.available() if "test" in each.name] == []
    assert command("policy", "check", "python.test").code == 2


def test_each_test_has_its_line_in_the_audit_that_is_demanded(command: Command, tmp_path: Path) -> None:
    config = tmp_path / "config" / "sandbox"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text(f"audit: {tmp_path}/jobs.jsonl\n")
    assert command("policy", "test", "-b", "bwrap", "./mine.yaml").code == 1
    lines = [json.loads(line) for line in (tmp_path / "jobs.jsonl").read_text().splitlines()]
    assert [(each["kind"], each["policy"]["name"]) for each in lines] == [("test", "mine")] * 3
    assert sorted(each["status"] for each in lines) == ["nonzero-exit", "ok", "ok"]


def test_an_audit_that_can_not_be_written_is_no_denial(command: Command, tmp_path: Path) -> None:
    config = tmp_path / "config" / "sandbox"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text(f"audit: {tmp_path}/no/such/folder/jobs.jsonl\n")
    done = command("policy", "test", "-b", "bwrap", "-k", "usr", "./mine.yaml")
    assert (done.code, done.out) == (125, "")
    assert "audit" in done.err


def test_a_ceiling_bounds_what_is_tested(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ceiling.yaml").write_text("limits: {memory: 32MiB}\nnetwork: none\n")
    monkeypatch.setenv("SANDBOX_CEILING", str(tmp_path / "ceiling.yaml"))
    Path("mine.test.yaml").write_text(
        "tests:\n  grows:\n    command: [tail, /dev/zero]\n    limits: {memory: 4GiB}\n"
        '    expect: {status: memory-limit, cause: {pattern: "*32*MiB*"}}\n'
    )
    done = command("policy", "test", "-b", "bwrap", "./mine.yaml")
    assert done.code == 0, done.out


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_a_folder_that_is_closed_to_the_account_is_told(sandbox: Sandbox, shared_tmp: Path) -> None:
    closed = shared_tmp / "closed"
    closed.mkdir(mode=0)  # to its owner, too, who may be the one that runs the tests
    try:
        for words in (["test", str(closed)], ["check", str(closed)], ["diff", "--since", "HEAD", str(closed)]):
            done = sandbox("policy", *words)
            assert done.returncode == 2
            assert b"Permission denied" in done.stderr
            assert b"Traceback" not in done.stderr
    finally:
        closed.rmdir()
