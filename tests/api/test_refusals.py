"""What can't be run raises its kind, in words that name parameters and no options."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest

import sandbox_cli as sandbox
from sandbox_cli.api.keys import in_keys
from sandbox_cli.audit import AuditFile

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"code": 3}, "code must be text or bytes"),
    ({"code": Path("x.py")}, "code must be a program's text, not a path"),
    ({"code": b"\xff"}, "is not UTF-8"),
    ({"code": "\ud800"}, "lone surrogate"),
    ({"file": 3}, "file must be text or a path; it is 3"),
    ({"file": "/no/such.py"}, "No such file"),
    ({"file": "a\0b"}, "NUL"),
    ({"command": "ls -l"}, "command must be a sequence of texts"),
    ({"command": []}, "command must be a sequence|command must be a program"),
    ({"command": [""]}, "there is no program to run"),
    ({"command": ["ls", 3]}, "3 is int"),
    ({"command": ["a\0"]}, "NUL"),
    ({"command": ["true"], "args": "x"}, "args must be"),
    ({"command": ["true"], "args": ["\ud800"]}, "lone surrogate"),
    ({"command": ["true"], "stdin": 1.5}, "stdin must be text, bytes, an open file or an fd"),
    ({"command": ["true"], "stdin": True}, "stdin must be"),
    ({"command": ["true"], "stdin": 9999}, "stdin: fd 9999 is not open"),
    ({"command": ["true"], "files": ["a"]}, "files must be a mapping"),
    ({"command": ["true"], "files": {"a": 3}}, "'a' is int"),
    ({"command": ["true"], "files": {3: "a"}}, "the name 3 is int"),
    ({"command": ["true"], "files": {"../a": "x"}}, "leads out of scratch"),
    ({"command": ["true"], "files": {"/a": "x"}}, "leads out of scratch"),
    ({"command": ["true"], "files": {"a": "x", "a/b": "x"}}, "can't be a file and a folder"),
    ({"command": ["true"], "files": {"a": Path("/dev/null")}}, "not a regular file"),
    ({"command": ["true"], "files": {"a": Path("/no/such")}}, "No such file"),
    ({"command": ["true"], "env": {"A": 1}}, "env must be a mapping from names to texts"),
    ({"command": ["true"], "env": {"A=": "1"}}, "names no variable"),
    ({"command": ["true"], "limits": {"memory": "x"}}, "limits.memory"),
    ({"command": ["true"], "limits": {"memory": None}}, "'memory' is NoneType"),
    ({"command": ["true"], "limits": {"wall_time": 5}}, "has no unit"),
    ({"command": ["true"], "limits": {"memroy": 5}}, "memroy"),
    ({"command": ["true"], "limits": {"limits.memory": "64MiB"}}, "there is no limit 'limits.memory'"),
    ({"command": ["true"], "limits": {"x.memory": "64MiB"}}, "there is no limit 'x.memory'"),
    ({"command": ["true"], "limits": {"processes": True}}, "'processes' is bool"),
    ({"command": ["true"], "network": "some"}, "network: can't be 'some'"),
    ({"command": ["true"], "collect": "*.txt"}, "collect must be a sequence"),
    ({"command": ["true"], "collect": ["*"] * 101}, "at most 100 patterns of 4096 characters"),
    ({"command": ["true"], "collect": ["x" * 4097]}, "at most 100 patterns of 4096 characters"),
    ({"command": ["true"], "files": {"a/b": "x", "a": "x"}}, "'a' can't be a file and a folder"),
    ({"command": ["true"], "files": {"a": "x", "./a": "x"}}, "'a' is there twice"),
    ({"command": ["true"], "files": {"a/" * 2048 + "a": "x"}}, "longer than a path can be"),
    ({"command": ["true"], "collect": ["../x"]}, "leads out of scratch"),
    ({"command": ["true"], "backend": "docker"}, "there is no backend 'docker'"),
    ({"command": ["true"], "workspace": "/no/such"}, "workspace: '/no/such': No such file"),
    ({"command": ["true"], "value": 1}, "value must be True or False"),
    ({"command": ["true"], "capture": -1}, "capture must be a size"),
    ({"command": ["true"], "capture": "much"}, "capture: "),
    ({"command": ["true"], "on_output": 3}, "on_output must be"),
    ({"command": ["true"], "audit": ""}, "names no file"),
    ({"command": ["true"], "language": 3}, "language must be text"),
    ({"code": "1"}, "a snippet doesn't say which language it is in"),
    ({"code": "1", "language": "pythn"}, "there is no language 'pythn'"),
    ({"code": "1", "language": "python@"}, "is no NAME@VERSION"),
    ({"code": "1", "language": "python", "policy": "node"}, "policy node is for"),
    ({"code": "1", "language": "node", "value": True}, "can't capture a value of"),
    ({"code": "1", "language": "python", "files": {"main.py": "x"}}, "'main.py' is the code's own name"),
    ({"code": "1", "language": "python", "venv": "/tmp"}, "venv '/tmp'"),
    ({}, "exactly one of code, file and command, and this one has none"),
    ({"code": "1", "command": ["true"]}, "exactly one of code, file and command"),
]


@pytest.mark.parametrize(("job", "said"), WRONG, ids=[said for _, said in WRONG])
def test_wrong_value_is_one_sentence_that_names_no_option(job: dict[str, Any], said: str) -> None:
    with pytest.raises(sandbox.UsageError, match=said) as caught:
        sandbox.run(**job)
    words = re.sub(r"`[^`]*`|(?<!\w)'[^']*'|\"[^\"]*\"", "", f"{caught.value} {caught.value.hint or ''}")
    assert not re.search(r"(?<![\w-])(-[lpfCeoc]|--[a-z-]+)(?![\w-])", words), words


@pytest.mark.parametrize("call", [sandbox.run, sandbox.Sandbox("python").run, sandbox.Sandbox])
def test_unknown_keyword_is_a_type_error_with_the_nearest(call: Any) -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'limit'. Did you mean 'limits'\?"):
        call("1", limit={})


def test_policy_of_a_sandbox_is_not_a_jobs_to_say() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'policy'"):
        sandbox.Sandbox("python").run("1", policy="command")  # type: ignore[call-arg]


def test_each_refusal_is_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("limits: {memroy: 1GiB}\n")
    (tmp_path / "strict.yaml").write_text("extends: command\nrequire: {limits.cpu_time: strict}\n")
    with pytest.raises(sandbox.PolicyError) as bad:
        sandbox.run(command=["true"], policy=tmp_path / "bad.yaml")
    assert (bad.value.line, bad.value.hint) == (1, "did you mean `memory`?")
    with pytest.raises(sandbox.RefusedError) as strict:
        sandbox.run(command=["true"], policy=tmp_path / "strict.yaml")
    assert {gap["clause"] for gap in strict.value.gaps} >= {"limits.cpu_time"}
    with pytest.raises(sandbox.RefusedError, match="more than the 8GiB"):
        sandbox.run(command=["true"], limits={"memory": "1TiB"})
    with pytest.raises(sandbox.PolicyError):
        sandbox.load_policy("no-such")


def test_refusal_carries_the_jobs_id_and_policy_and_can_be_pickled() -> None:
    with pytest.raises(sandbox.RefusedError) as caught:
        sandbox.run(command=["true"], id="mine", limits={"memory": "1TiB"})
    assert (caught.value.id, caught.value.policy and caught.value.policy["name"]) == ("mine", "command")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.hint, again.blame) == (str(caught.value), caught.value.hint, caught.value.blame)


def test_lost_line_of_an_audit_fails_and_loses_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AuditFile, "append", fail)
    with pytest.raises(sandbox.HostError, match="did not get the line of this job") as caught:
        sandbox.run(command=["echo", "x"], audit=tmp_path / "audit")
    assert caught.value.result and caught.value.result.stdout == "x\n"


def test_words_for_a_shell_and_quoted_ones_stay_as_they_are() -> None:
    error = sandbox.UsageError("-l '-l' can't be, with -p", hint="look at `ls -l x`, or --limit memory=1GiB")
    in_keys(error)
    assert str(error) == "language '-l' can't be, with policy"
    assert error.hint == "look at `ls -l x`, or limits memory=1GiB"
    host = sandbox.HostError("mkdir -p x, or --best-effort")
    in_keys(host)
    assert str(host) == "mkdir -p x, or best_effort"


def test_many_names_and_quotes_that_nothing_closes_are_no_trouble() -> None:
    """Each took hours where one was held against all, or looked for its end from every place."""
    files = {f"folder/{number}": "" for number in range(100_000)}
    with pytest.raises(sandbox.UsageError, match="'folder' can't be a file and a folder"):
        sandbox.run(command=["true"], files={**files, "folder": ""})
    for quote in "'\"`":
        error = sandbox.UsageError(f"-l x{quote} {quote}" + f"\\{quote}" * 200_000)
        in_keys(error)
        assert error.message.startswith("language x")
