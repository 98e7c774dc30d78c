"""The whole way: every shipped policy on every backend as either account, and plans to be read as diffs."""

from __future__ import annotations

import json
import marshal
import os
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli import plan, policy
from sandbox_cli.errors import RefusedError, UsageError
from sandbox_cli.policy.config import Config
from sandbox_cli.slots import FILE, SCRATCH
from tests.languages import shipped
from tests.plan import made

GOLDEN = Path(__file__).parent / "golden"
SHIPPED = [each.name for each in policy.available() if each.where == "built in" and each.name != "_base"]

# Prints each plan that this account gets for every shipped policy on one backend, tried by a real jail.
EACH = """
import json, marshal, sys
from sandbox_cli import plan, policy
backend, *names = sys.argv[1:]
for name in names:
    job = {"policy": name, "backend": backend}
    job |= {"code": b"1"} if policy.load(name).language else {"command": ["ls", "-l"]}
    compiled = plan.compile(job)
    assert marshal.loads(marshal.dumps(compiled)) == compiled
    print(json.dumps([name, compiled["command"][0], compiled["account"], compiled["receipt"]]))
"""

# What each account's jail can't hold strictly: beside cpu_time, memory without a group, and cpus, unasked.
SHORT = {
    ("root", "bwrap"): {},
    ("root", "nsjail"): {},
    ("root", "firejail"): {"limits.tmp_size": "none"},
    ("user", "bwrap"): {"limits.scratch_files": "sampled"},
    ("user", "nsjail"): {},
    ("user", "firejail"): {
        "limits.scratch_size": "sampled",
        "limits.scratch_files": "sampled",
        "limits.tmp_size": "none",
    },
}


def test_every_shipped_policy_is_compiled_for_every_backend_as_either_account(
    backend, account, launcher, request: pytest.FixtureRequest, needs
):
    needs("node")
    here = [name for name in SHIPPED if name not in shipped.LANGUAGES or shipped.is_here(name)]
    who = request.getfixturevalue(f"as_{account}")
    done = who.run([who.python, "-c", EACH, backend, *here])
    assert done.returncode == 0, done.stderr.decode()
    plans = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, *_ in plans] == here
    for _, program, job_account, receipt in plans:
        assert program.startswith(("/usr/", SCRATCH))
        assert job_account["root"] is (account == "root")
        assert (receipt["backend"], receipt["chosen"]) == (backend, "from --backend")
        levels = {row["clause"]: row["level"] for row in receipt["clauses"]}
        compiling = {name.removeprefix("language.compile."): levels[name] for name in levels if "compile" in name}
        assert compiling == {name: levels[name] for name in compiling}
        short = {name: level for name, level in levels.items() if level != "strict" and "compile" not in name}
        holder = next(row["enforced_by"] for row in receipt["clauses"] if row["clause"] == "limits.memory")
        always = {"limits.cpu_time": "sampled", "limits.cpus": "none"}
        always |= {"limits.memory": "sampled"} if holder == "sampler" else {}
        assert short == always | SHORT[account, backend]


def compiled(monkeypatch: pytest.MonkeyPatch, job: Any, *, host: Any = None, **changes: Any) -> Any:
    """The plan of a made policy on a made host, whose /usr is this machine's own."""
    monkeypatch.setattr("sandbox_cli.policy.load", lambda name: made.policy(name=name, **changes))
    jailers = [made.jailer(name) for name in ("bwrap", "nsjail", "firejail")]
    host = host or made.host(*jailers, uid=4_000_000_000, gid=4_000_000_000)
    return plan.compile(job, config=Config(), look=lambda name: host, starts=lambda host, name: None, environ={})


def reviewable(found: Any) -> str:
    """A plan as JSON that reads as a diff, one entry a line, without what the backends' own golden files hold."""
    lines = []
    for key, value in found.items():
        if key in {"argv", "data", "environ", "seal", "filter"}:
            continue
        entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
        if key == "receipt":
            entries = [*value.items(), *((f"clauses.{row['clause']}", row) for row in value["clauses"])]
        for name, entry in entries or [(None, value)]:
            if (key, name) != ("receipt", "clauses"):
                lines.append(f"{key}{'' if name is None else f'.{name}'}: {json.dumps(entry)}")
    return "\n".join(lines) + "\n"


ROOT = made.host(
    *(made.jailer(name) for name in ("bwrap", "nsjail", "firejail")),
    uid=0,
    gid=0,
    firejail_user=("jobs", 990, 991, "/var/lib/jobs"),
    groups=made.GROUPS,
)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail", "firejail"])
@pytest.mark.parametrize("who", ["root", "user"])
def test_the_plan_is_as_reviewed(monkeypatch, backend, who):
    job = {"command": ["env", "-0"], "policy": "rules", "backend": backend, "limits": {"memory": "1GiB"}}
    found = compiled(monkeypatch, job, host=ROOT if who == "root" else None)
    assert (found["argv"][0], found["argv"][-2:]) == (found["program"], ["init", "3"])
    assert found["filter"]
    assert len(found["filter"]) % 8 == 0
    assert marshal.loads(marshal.dumps(found)) == found
    golden = GOLDEN / f"{backend}-{who}.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(reviewable(found))
    assert reviewable(found) == golden.read_text(), "review the change, then: GOLDEN=write pytest tests/plan"


def test_options_reach_the_plan_and_leave_the_receipt_true(monkeypatch):
    job = {"command": ["env"], "policy": "rules", "limits": {"wall_time": "2min"}, "collect": ["*.png"]}
    found = compiled(monkeypatch, job)
    assert found["limits"]["wall_time"]["value"] == 120.0
    assert found["limits"]["wall_time"]["blame"]["source"] == "option"
    assert found["artifacts"]["collect"] == ["*.png"]
    row = next(row for row in found["receipt"]["clauses"] if row["clause"] == "limits.wall_time")
    assert (row["asked"], row["effective"]) == ("2min", "2min")


def test_a_killing_filter_has_somebody_to_blame(monkeypatch):
    killing = {"deny": ("@default-deny",), "action": "kill"}
    job = {"command": ["env"], "policy": "rules"}
    assert compiled(monkeypatch, job)["syscall_blame"] is None
    blame = compiled(monkeypatch, job, syscalls=killing)["syscall_blame"]
    assert blame == {"clause": "syscalls", "source": "file", "file": made.FILE, "line": 21}


def test_a_program_that_is_nowhere_keeps_its_bare_name(monkeypatch):
    assert compiled(monkeypatch, {"command": ["nonesuch", "-x"], "policy": "rules"})["command"] == ["nonesuch", "-x"]


def test_as_root_a_closed_folder_is_bound_first_and_the_receipt_still_names_it(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    tmp_path.chmod(0o700)
    mounts = {"/usr": {"mode": "ro", "source": "/usr"}, "/data": {"mode": "ro", "source": str(tmp_path / "data")}}
    found = compiled(monkeypatch, {"command": ["env"], "policy": "rules"}, host=ROOT, filesystem=mounts)
    [(source, target)] = found["binds"]
    assert source == str(tmp_path / "data")
    assert target in found["argv"]
    row = next(row for row in found["receipt"]["clauses"] if row["clause"] == "filesystem")
    assert row["effective"] == f"/bin -> usr/bin, /data ro from {tmp_path}/data, /lib -> usr/lib, /usr ro"


COMPILED = {
    "name": "c",
    "file": "main.c",
    "extensions": (".c", ".h"),
    "run": ("./prog",),
    "compile": {
        "run": ("cc", "-o", "prog", "{{ sources }}"),
        "limits": {"memory": {"default": 1 << 30, "max": 2 << 30}, "cpus": {"default": 1.0, "max": None}},
    },
}


def test_a_compile_step_is_a_program_of_its_own_with_the_jobs_limits_beneath_its_own(monkeypatch):
    files = [("/x", "b.c"), ("/x", "notes.txt"), ("/x", "a.h")]
    found = compiled(monkeypatch, {"code": b"", "policy": "c", "files": files}, language=COMPILED)
    step = found["compile"]
    assert step["command"][1:] == ["-o", "prog", "b.c", "a.h", FILE]
    assert (step["argv0"], found["command"]) == ("cc", ["./prog"])
    assert [step["limits"][name]["value"] for name in ("memory", "wall_time")] == [1 << 30, 10]
    assert step["limits"]["memory"]["blame"]["clause"] == "language.compile.limits.memory"
    assert found["limits"]["memory"]["value"] == 512 << 20
    assert "cpus" in step["limits"]
    assert "cpus" not in found["limits"]


def test_a_command_under_the_policy_of_a_compiled_language_has_no_such_step(monkeypatch):
    found = compiled(monkeypatch, {"command": ["env"], "policy": "c"}, language=COMPILED)
    assert found["compile"] is None
    assert not [row for row in found["receipt"]["clauses"] if "compile" in row["clause"]]


def test_an_option_moves_a_limit_of_the_compile_step_within_its_own_max(monkeypatch):
    job = {"code": b"", "policy": "c", "limits": {"compile.memory": "1500MiB"}}
    limit = compiled(monkeypatch, job, language=COMPILED)["compile"]["limits"]["memory"]
    assert (limit["value"], limit["blame"]["source"]) == (1500 << 20, "option")
    with pytest.raises(RefusedError, match=r"^language\.compile\.limits\.memory: 3GiB is more than the 2GiB"):
        compiled(monkeypatch, job | {"limits": {"compile.memory": "3GiB"}}, language=COMPILED)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (COMPILED, "--limit 'compile.wall_time': the compile step has no such limit of its own"),
        (COMPILED | {"compile": None}, "--limit 'compile.wall_time': policy c compiles nothing"),
    ],
)
def test_an_option_for_a_limit_that_the_compile_step_has_not_is_a_usage_error(monkeypatch, language, words):
    with pytest.raises(UsageError) as error:
        compiled(monkeypatch, {"code": b"", "policy": "c", "limits": {"compile.wall_time": "9s"}}, language=language)
    assert str(error.value) == words


def test_a_version_where_there_is_no_choice_is_a_usage_error(monkeypatch):
    language = {"name": "awk", "file": "main.awk", "run": ("awk", "-f", "{{ file }}")}
    with pytest.raises(UsageError, match="there are no versions of awk to choose from"):
        compiled(monkeypatch, {"code": b"", "policy": "awk", "language": "awk@5"}, language=language)


def test_a_jailer_is_tried_once_in_a_process(as_user, launcher):
    script = """
from sandbox_cli import plan
from sandbox_cli.host import trial as host_trial
from sandbox_cli.plan import trial
tried = []
trial.try_jailer = lambda tiny, **named: tried.append(tiny["command"]) or host_trial.try_jailer(tiny, **named)
for _ in range(3):
    plan.compile({"command": ["ls"], "backend": "bwrap"})
print(tried)
"""
    done = as_user.run([as_user.python, "-c", script])
    assert done.stdout.decode() == "[['/usr/bin/true']]\n", done.stderr.decode()


def test_a_version_that_is_not_here_is_named_with_what_is(as_user):
    script = """
from sandbox_cli import plan
from sandbox_cli.errors import HostError
try:
    plan.compile({"code": b"", "language": "python@2.1"})
except HostError as error:
    print(error.message)
"""
    done = as_user.run([as_user.python, "-c", script])
    assert done.stdout.decode().startswith("there is no python3 2.1 that a job can run; there "), done.stderr.decode()
