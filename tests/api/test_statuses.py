"""What becomes of a job that was started is a result, whatever it is."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import sandbox_cli as sandbox
from sandbox_cli.cli.schemas import json_schema
from sandbox_cli.run.supervise import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Program

PYTHON: list[tuple[str, dict[str, Any], str]] = [
    ("pass", {}, "ok"),
    ("raise SystemExit(3)", {}, "nonzero-exit"),
    ("import os; os.kill(os.getpid(), 11)", {}, "signalled"),
    ("import time; time.sleep(9)", {"wall_time": "200ms"}, "wall-time-limit"),
    ("while True: pass", {"cpu_time": "200ms"}, "cpu-time-limit"),
    ("x = bytearray(1 << 29); x[::4096] = b'x' * len(x[::4096])", {"memory": "64MiB"}, "memory-limit"),
    ("while True: print('x' * 9999)", {"output": "64KiB"}, "output-limit"),
    ("import signal; signal.signal(25, signal.SIG_DFL); open('a', 'w').write('x' * 99999)", {"file_size": "9KiB"},
     "file-size-limit"),
]  # fmt: skip


@pytest.mark.parametrize("account", ["user", "root"], indirect=True)
def test_each_end_of_a_program_is_a_result_with_its_status(program: Program) -> None:
    told = program(f"""
        box = sandbox.Sandbox("python")
        print(json.dumps([box.run(code, limits=limits).status for code, limits, _ in {PYTHON!r}]))
    """)
    assert told == [status for _, _, status in PYTHON]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text("extends: command\nsyscalls: {deny: [mkdir, mkdirat], action: kill}\n")
    return path


def ends(policy: Path) -> dict[str, sandbox.Result]:
    compiled = "language: {name: toy, file: a, compile: {run: [/bin/sh, -c, 'echo no >&2; exit 2']}, run: [/bin/true]}"
    policy.with_name("toy.yaml").write_text(f"extends: _base\n{compiled}\n")
    return {
        "cannot-start": sandbox.run(command=["no-such-program"]),
        "syscall-denied": sandbox.run(command=["mkdir", "x"], policy=policy),
        "compile-error": sandbox.run("x", policy=policy.with_name("toy.yaml")),
        "nonzero-exit": sandbox.run(command=["sh", "-c", "printf '\\377'; exit 127"]),
        "ok": sandbox.run(command=["sh", "-c", "echo é; printf x >a; printf '[1]' >$SANDBOX_VALUE; ln -s a b"]),
    }


def test_every_result_is_the_published_json_too(policy: Path, launcher: Path) -> None:
    for status, result in ends(policy).items():
        told = result.to_json()
        jsonschema.validate(told, json_schema())
        assert told["status"] == result.status == status
        again = json.loads(json.dumps(told))
        assert (again["stdout"], again["id"]) == (result.stdout, result.id)
        assert pickle.loads(pickle.dumps(result)) == result


def test_fields_of_a_result_are_those_of_the_schema(policy: Path, launcher: Path) -> None:
    results = ends(policy)
    done = results["ok"]
    assert (done.stdout, done.stdout_raw, done.value, done.value_error) == ("é\n", "é\n".encode(), [1], None)
    assert [(each.path, each.content) for each in done.artifacts] == [("a", b"x")]
    assert [(each.path, each.reason) for each in done.artifacts_omitted] == [("b", "symbolic link")]
    assert done.usage and done.usage.wall_time_s and done.usage.wall_time_s > 0
    assert done.receipt and {each.clause for each in done.receipt.clauses} >= {"limits.memory", "filesystem", "network"}
    odd = results["nonzero-exit"]
    assert (odd.stdout, odd.stdout_raw, odd.to_json()["stdout_base64"]) == ("\ufffd", b"\xff", "/w==")
    compiled = results["compile-error"].compile
    assert compiled and (compiled.exit_code, compiled.stderr) == (2, "no\n")
    denied = results["syscall-denied"].blame
    assert denied and denied.clause.startswith("syscalls")


def test_jail_that_fails_once_it_was_started_is_a_result(launcher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Supervisor._gate_opened

    def fail(self: Supervisor, when: float) -> None:
        begin(self, when)
        self._stop(failure="somebody broke it")

    monkeypatch.setattr(Supervisor, "_gate_opened", fail)
    result = sandbox.run(command=["sleep", "9"])
    assert (result.status, result.error and result.error.message) == ("sandbox-error", "somebody broke it")
    with pytest.raises(sandbox.JobError, match="somebody broke it"):
        result.raise_for_status()


def test_raise_for_status_returns_what_went_well_and_raises_what_did_not(launcher: Path) -> None:
    assert sandbox.run(command=["echo", "1"]).raise_for_status().stdout == "1\n"
    with pytest.raises(sandbox.JobError, match=r"^nonzero-exit: exit code 3$") as caught:
        sandbox.run(command=["sh", "-c", "exit 3"]).raise_for_status()
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.result.exit_code, str(again)) == (3, str(caught.value))
    assert isinstance(caught.value, sandbox.SandboxError)
    with pytest.raises(sandbox.JobError, match=r"^limits\.wall_time: still running"):
        sandbox.run(command=["sleep", "9"], limits={"wall_time": "100ms"}).raise_for_status()


def test_results_are_frozen(launcher: Path) -> None:
    result = sandbox.run(command=["true"])
    with pytest.raises(AttributeError):
        result.status = "ok"  # type: ignore[misc]
    assert not hasattr(result, "__dict__")
    assert "Result(id=" in repr(result)


def test_artifact_without_its_content_says_so() -> None:
    artifact = sandbox.Artifact("big", None, 1 << 30, "", "", None, None)
    with pytest.raises(sandbox.UsageError, match="'big' did not come back"):
        artifact.save("/nowhere")
