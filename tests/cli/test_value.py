"""--value and $SANDBOX_VALUE from the command line: what comes back, where, and that all else is as without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import one_result

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox
    from tests.cli.conftest import Command

WRITE = 'printf "%s" "$1" >"$SANDBOX_VALUE"'
POOL = """
import multiprocessing
class Point:
    def __init__(self, x): self.x = x
def more(point): return Point(point.x + 1)
if __name__ == "__main__":
    for how in "fork", "spawn":
        with multiprocessing.get_context(how).Pool(1) as pool: print([point.x for point in pool.map(more, [Point(1)])])
"""
SEEN = (
    "import sys, __main__; print(__main__.__dict__ is globals(), sys.argv, __name__, __file__);"
    "print(sys.path[0], __spec__, __doc__, __loader__.__class__, sorted(globals()))"
)


@pytest.mark.parametrize(
    "code", ["print('out')\n{'a': [1, (2.5, None)]}", "import os\nos.chdir('/')\n{'a': [1, [2.5, None]]}"]
)
def test_the_last_expression_is_the_value_on_every_backend(sandbox: Sandbox, backend: str, code: str) -> None:
    result = one_result(sandbox("run", "-b", backend, "--json", "--value", "-l", "python", "-c", code).stdout)
    assert (result["status"], result["value"], result["value_error"]) == ("ok", {"a": [1, [2.5, None]]}, None)
    assert result["artifacts"] == []


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1; 2; 3", 3),
        ("'only a text'", "only a text"),
        ("def f():\n    return 7\n\nf(\n)  # over lines\n", 7),
        ("import json as i\ni", None),
        ("x = 1", None),
        ("print(1)", None),
        ("", None),
        ("import os\nif os.fork() == 0:\n    pass\nelse:\n    os.wait()\nos.getpid() == 2", True),
        ("import os, builtins\nos.environ.clear()\nbuiltins.open = None\n4", 4),
        ("import sys, os\nopen(os.environ['SANDBOX_VALUE'], 'w').write('5')\nprint()", 5),
    ],
)
def test_what_is_no_expression_or_gives_none_is_no_value(sandbox: Sandbox, code: str, value: object) -> None:
    result = one_result(sandbox("run", "--json", "--value", "-l", "python", "-c", code).stdout)
    assert (result["status"], result["value"]) == ("ok", value)


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("[1, {2}]", "Object of type set is not JSON serializable"),
        ("float('nan')", "Out of range float values are not JSON compliant"),
        ("x = []\nx.append(x)\nx", "Circular reference detected"),
        ("class L(list):\n    def __iter__(self): raise SystemExit(9)\nL([1])", "9"),
    ],
)
def test_a_value_that_is_no_json_leaves_the_job_as_it_was_and_says_its_type(
    sandbox: Sandbox, code: str, why: str
) -> None:
    result = one_result(sandbox("run", "--json", "--value", "-l", "python", "-c", code).stdout)
    assert (result["status"], result["stderr"]) == ("ok", "")
    assert (result["value"], result["value_error"]) == (None, f"the program says: {why}")


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return 1 / 0\n\n(1 +\n f())\n",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e\n",
        "x = = 1",
        "import sys; sys.exit('bye')",
        "raise SystemExit(7)",
        "raise KeyboardInterrupt",
        "import sys\nsys.excepthook = lambda k, v, t: print('hook', v, t.tb_frame.f_code.co_name, t.tb_lineno)\n1/0",
        SEEN,
        POOL,
        "import pickle\nclass A: pass\nprint(pickle.loads(pickle.dumps(A())).__class__)",
        "import inspect\ndef f(): pass\nprint(inspect.getsource(f))",
        "from __future__ import annotations\n'''no doc'''\ndef f(x: y): pass\nprint(f.__annotations__, __doc__)",
        "import atexit, threading as t\natexit.register(print, 'end')\nt.Timer(.1, lambda: 1 / 0).start()\n1",
    ],
    ids=range(13),
)
def test_a_script_runs_as_it_would_without(sandbox: Sandbox, code: str) -> None:
    words = ("-l", "python", "-c", code, "a", "--value")
    plain, captured = (one_result(sandbox("run", "--json", *more, *words).stdout) for more in ((), ("--value",)))
    same = ("status", "exit_code", "signal", "stdout", "stderr")
    assert {key: captured[key] for key in same} == {key: plain[key] for key in same}


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_a_file_that_hides_a_module_of_the_library_hides_it_from_the_script_alone(
    sandbox: Sandbox, shared_tmp: Path
) -> None:
    (shared_tmp / "json.py").write_text("def dumps(*_, **__): return '\"not this one\"'")
    words = ("-f", str(shared_tmp / "json.py"), "-l", "python", "-c")
    result = one_result(sandbox("run", "--json", "--value", *words, "1 + 1").stdout)
    assert result["value"] == 2


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("text", ['{"a": 1}', "[1"])
def test_any_program_can_write_its_value(sandbox: Sandbox, shared_tmp: Path, text: str) -> None:
    done = sandbox("exec", "--result", str(shared_tmp / "r.json"), "--", "sh", "-c", WRITE, "sh", text)
    result = one_result((shared_tmp / "r.json").read_text())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert result["value"] == ({"a": 1} if text.endswith("}") else None)
    assert (result["value_error"] is None) == text.endswith("}")


def test_without_a_result_the_value_is_told_on_stderr_and_stdout_is_the_programs(command: Command) -> None:
    done = command("run", "--value", "-l", "python", "-c", "print('out')\n{'a': '\\x1b'}")
    assert (done.code, done.out, done.err) == (0, "out\n", 'sandbox: value: {"a": "\\u001b"}\n')
    assert command("run", "--value", "-l", "python", "-c", "x = 1").err == "sandbox: value: null\n"
    assert command("run", "--value", "-l", "python", "-c", "{1}").err.startswith(
        "sandbox: no value: the program says: "
    )
    failed = command("run", "--value", "-l", "python", "-c", "raise SystemExit(3)")
    assert (failed.code, failed.err) == (3, "")


def test_value_is_refused_where_no_value_can_be_captured_with_what_can_be_done(command: Command) -> None:
    for words in (["run", "--value", "-l", "sh", "-c", "true"], ["exec", "--value", "--", "true"]):
        done = command(*words)
        assert done.code == 125
        assert "$SANDBOX_VALUE" in done.err
    assert "--value" not in command("exec", "--help").out


def test_the_place_of_the_value_is_nobody_elses_to_set(command: Command, tmp_path: Path) -> None:
    assert "SANDBOX_VALUE is set by the sandbox itself" in command("exec", "-e", "SANDBOX_VALUE=x", "--", "true").err
    (tmp_path / "x.yaml").write_text("extends: command\nenvironment: {SANDBOX_VALUE: x}\n")
    done = command("exec", "--json", "-p", str(tmp_path / "x.yaml"), "--", "true")
    assert json.loads(done.out)["error"]["message"].endswith("SANDBOX_VALUE is set by the sandbox itself")
    (tmp_path / "f").write_text("1")
    done = command("exec", "-f", f"{tmp_path / 'f'}:.sandbox-value", "--", "true")
    assert (done.code, "has the name of the job's value" in done.err) == (125, True)
