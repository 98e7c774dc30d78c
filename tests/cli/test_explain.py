"""`sandbox policy explain` and `sandbox policy show --resolved`."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pexpect
import pytest

from sandbox_cli.plan import weighing
from sandbox_cli.policy import load
from tests.accounts import AS_ROOT

if TYPE_CHECKING:
    from tests.accounts import Sandbox
    from tests.cli.conftest import Command, Done

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "site.yaml": """\
        # What the site says.
        description: The site's.
        limits:
          wall_time: {default: 10s, max: 1min}
          memory: {default: 512MiB, max: 8GiB}
          tmp_size: 16MiB
        filesystem:
          /usr: ro
          /srv: {from: /srv/data, mode: ro, optional: true}
          /tmp: tmpfs
        syscalls: {deny: ["@default-deny"], rules: [{syscall: ioctl, arg: 1, value: 0x5423, action: kill}]}
        workspace: ro
        environment: {STAGE: site, LEVEL: "1"}
        artifacts: {collect: ["*.txt"]}
        """,
    "team.yaml": """\
        extends: ./site.yaml
        description: The team's.
        limits:
          memory: {default: 1GiB}
          wall_time: null
        filesystem:
          /srv: rw
        syscalls: {+deny: [mlock]}
        environment: {LEVEL: null}
        artifacts: {+collect: ["*.csv"]}
        """,
    "job.yaml": """\
        extends: ./team.yaml
        limits: {memory: 256MiB}
        filesystem: {/srv: null, /opt: ro}
        network: host
        syscalls: {+deny: [sync], action: kill}
        environment: {STAGE: job}
        require: {limits.tmp_size: strict}
        """,
}  # fmt: skip
CEILING = """\
    limits: {memory: {default: 128MiB, max: 200MiB}}
    filesystem: {/usr: ro, /tmp: tmpfs}
    require: {limits.memory: strict}
    """


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A host that is the same everywhere: one backend holds all, one falls short, one isn't there."""
    if "sandbox" in request.fixturenames:
        return

    def weigh(policy: str, backend: str, config: object) -> dict[str, Any]:
        weighed: dict[str, Any] = {
            "name": backend, "program": f"/usr/bin/{backend}", "version": "1", "usable": True, "problem": None,
            "fix": None, "clauses": [], "not_strict": [],
        }  # fmt: skip
        if backend == "nsjail":
            return {**weighed, "usable": False, "problem": "nsjail is not installed", "fix": "apt install nsjail"}
        rows = {"filesystem": "mount", "network": "namespace", "syscalls": "seccomp", "limits.memory": "cgroup-v2"}
        for clause, enforcer in {**rows, "limits.tmp_size": "mount"}.items():
            weighed["clauses"].append(row(clause, "strict", enforcer))
        if backend == "firejail":
            weighed["clauses"][-1] = row("limits.tmp_size", "none", None)
            short = {"clause": "limits.tmp_size", "level": "none", "reason": "it can't bound /tmp", "fix": "use bwrap"}
            told = {"problem": "limits.tmp_size would be none", "fix": "use bwrap"}
            return {**weighed, "not_strict": [short], "usable": False, **told}
        return weighed

    monkeypatch.setattr(weighing, "weigh", weigh)
    monkeypatch.delenv("SANDBOX_CEILING", raising=False)


def row(clause: str, level: str, enforcer: str | None) -> dict[str, Any]:
    return {
        "clause": clause, "asked": "x", "effective": "x", "level": level, "enforced_by": enforcer, "lowered": False,
        "note": None,
    }  # fmt: skip


@pytest.fixture
def chain(command: Command) -> Path:
    """Three files that extend each other; the command works beside them."""
    for name, text in FILES.items():
        Path(name).write_text(re.sub(r"^ {8}", "", text, flags=re.MULTILINE))
    return Path.cwd()


def answer(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, json.loads((DOCS / "policy-explain.schema.json").read_text()))
    return found


def check(name: str, text: str) -> None:
    """`text` is that of the golden file, which GOLDEN=write writes."""
    golden = GOLDEN / name
    told = text.replace(str(Path.cwd()), "/here")
    if os.environ.get("GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(told)
    assert told == golden.read_text(), "review the change, then: GOLDEN=write pytest tests/cli/test_explain.py"


def test_whole_policy_is_explained_file_by_file(chain: Path, command: Command) -> None:
    done = command("policy", "explain", "-p", "./job.yaml")
    assert (done.code, done.err) == (0, "")
    check("explain.txt", done.out)


def test_single_clauses_are_explained_with_all_about_them(chain: Path, command: Command) -> None:
    asked = (
        "limits.memory",
        "/srv/data",
        "/opt/x",
        "network",
        "syscalls.ioctl",
        "limits.tmp_size",
        "environment.LEVEL",
    )
    told = [f"$ {each}\n{command('policy', 'explain', '-p', './job.yaml', each).out}" for each in asked]
    check("explain-clauses.txt", "\n".join(told))


def test_explanation_as_json_has_every_word(chain: Path, command: Command) -> None:
    found = answer(command("policy", "explain", "limits.memory", "-p", "./job.yaml", "--json"))
    check("explain.json", json.dumps(found, indent=2) + "\n")
    whole = answer(command("policy", "explain", "-p", "./job.yaml", "--json"))
    assert found["clauses"][0] in whole["clauses"]


def test_ceiling_is_told_where_it_brings_down_and_where_it_refuses(
    chain: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = chain / "ceiling.yaml"
    file.write_text(re.sub(r"^ {4}", "", CEILING, flags=re.MULTILINE))
    monkeypatch.setenv("SANDBOX_CEILING", str(file))
    (memory,) = answer(command("policy", "explain", "limits.memory", "-p", "./job.yaml", "--json"))["clauses"]
    assert memory["sentence"] == (
        "at most 128MiB of memory, for all processes together; a job may ask for up to 200MiB"
    )
    capped = {"refused": False, "said": "256MiB", "file": str(file), "line": 1}
    assert memory["ceiling"] == [
        {"clause": "limits.memory", "allowed": "128MiB", **capped},
        {"clause": "limits.memory.max", "allowed": "200MiB", **capped},
    ]
    told = command("policy", "explain", "limits.memory", "-p", "./job.yaml").out.splitlines()
    assert told[0].endswith("a job may ask for up to 200MiB (ceiling, ceiling.yaml:1)")
    assert "  the policy says 256MiB, the ceiling allows 128MiB (ceiling.yaml:1)" in told
    told = command("policy", "explain", "/opt", "-p", "./job.yaml").out.splitlines()
    assert told[0].startswith("filesystem./opt: the ceiling (ceiling.yaml:2) refuses it: the host's own")
    assert "  the policy says ro, the ceiling allows nothing (ceiling.yaml:2)" in told


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("limits.memroy",), "hint: did you mean `memory`?\n"),
        (("netwrok",), "hint: did you mean `network`?\n"),
        (("-p", "comand"), "hint: did you mean `command`?"),
    ],
)
def test_what_there_is_not_is_a_usage_error_with_the_nearest_spelling(
    command: Command, words: tuple[str, ...], hint: str
) -> None:
    done = command("policy", "explain", *words)
    assert (done.code, done.out) == (2, "")
    assert hint in done.err


def test_policy_that_cannot_be_loaded_gives_its_own_error(command: Command) -> None:
    Path("bad.yaml").write_text("limits: {memory: 1}\n")
    done = command("policy", "explain", "network", "-p", "./bad.yaml")
    assert (done.code, done.out) == (2, "")
    assert "bad.yaml:1:18: limits.memory: '1' has no unit" in done.err


def test_policy_with_comments_says_who_said_each_line(chain: Path, command: Command) -> None:
    done = command("policy", "show", "--resolved", "./job.yaml")
    assert done.code == 0
    check("show-resolved.yaml", done.out)
    (chain / "again.yaml").write_text(done.out)
    assert load("./again.yaml").digest == load("./job.yaml").digest


def test_comments_of_files_with_odd_names_stay_comments(command: Command) -> None:
    Path("a\nnetwork: host #.yaml").write_text('description: "a\\u202Eb # c"\nenvironment: {\'x: y # z\': "\\u2028"}\n')
    assert command("policy", "show", "--resolved", "./a\nnetwork: host #.yaml").code == 2  # of a control character
    Path("a\nnetwork: host #.yaml").write_text("description: \"a\\u202Eb # c\"\nenvironment: {'x: y # z': ' # '}\n")
    done = command("policy", "show", "--resolved", "./a\nnetwork: host #.yaml")
    Path("again.yaml").write_text(done.out)
    assert load("./again.yaml").digest == load("./a\nnetwork: host #.yaml").digest
    assert "  # a\\nnetwork: host #.yaml:1\n" in done.out
    compact = command("policy", "show", "./a\nnetwork: host #.yaml")
    Path("again.yaml").write_text(compact.out)
    assert load("./again.yaml").digest == load("./a\nnetwork: host #.yaml").digest


def test_comments_and_json_exclude_each_other(command: Command) -> None:
    done = command("policy", "show", "--resolved", "--json", "python")
    assert (done.code, done.out) == (2, "")
    assert "exclude each other" in done.err


def test_two_files_of_one_name_are_told_apart(command: Command) -> None:
    Path("one").mkdir()
    Path("one/p.yaml").write_text("workspace: ro\n")
    Path("p.yaml").write_text("extends: ./one/p.yaml\n")
    told = command("policy", "explain", "workspace", "-p", "./p.yaml").out.splitlines()
    assert told[0].endswith("(one/p.yaml:1)")
    assert told[-1] == f"one/p.yaml is {Path.cwd()}/one/p.yaml"


def test_levels_are_those_that_doctor_tells(sandbox: Sandbox) -> None:
    told = {each["name"]: each for each in sandbox.json("doctor")["backends"]}
    found = json.loads(sandbox("policy", "explain", "--json").stdout)
    jsonschema.validate(found, json.loads((DOCS / "policy-explain.schema.json").read_text()))
    assert [each["usable"] for each in found["backends"]] == [each["usable"] for each in told.values()]
    (memory,) = (each for each in found["clauses"] if each["clause"] == "limits.memory")
    for each in memory["backends"]:
        (same,) = (row for row in told[each["name"]]["clauses"] if row["clause"] == "limits.memory")
        assert (each["level"], each["enforced_by"]) == (same["level"], same["enforced_by"])


@pytest.mark.parametrize("account", ["root" if AS_ROOT else "user"], indirect=True)
def test_terminal_has_lines_that_fit_and_pipes_have_no_colour(sandbox: Sandbox) -> None:
    account, words = sandbox.account, [*sandbox.command[1:], "policy", "explain", "syscalls.socket"]
    child = pexpect.spawn(
        sandbox.command[0],
        words,
        env=dict(account.environment) | {"TERM": "xterm"},
        dimensions=(40, 80),
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    drawn = str(child.before)
    assert "\x1b[1msyscalls.socket:\x1b[0m" in drawn
    assert all(len(re.sub(r"\x1b\[\d*m", "", line)) <= 80 for line in drawn.splitlines() if "/" not in line)
    assert b"\x1b" not in sandbox(*words[2:]).stdout
