"""A compile step and the program that it makes: two programs in one jail, each within its own limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Driver

PYTHON = ["/usr/bin/python3", "-IS"]
HOLDS = "held = b'x' * ({} << 20); print('held')"
SPINS = "import time\nwhile time.process_time() < {}: pass\nprint('spun')"


class Toy:
    """A language of which a "compiler" is any Python, and so is what runs afterwards."""

    def __init__(self, driver: Driver, backend: str, folder: Path) -> None:
        self._driver, self._backend, self._path = driver, backend, folder / "toy.yaml"

    def run(
        self, compiler: str, program: str = "print('ran')", bounds: dict[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        language = {
            "name": "toy", "extensions": [".toy"], "file": "main.toy",
            "compile": {"run": [*PYTHON, "compiler", "{{ sources }}"], "limits": bounds or {}},
            "run": more.pop("run", [*PYTHON, "program"]),
        }  # fmt: skip
        self._path.write_text(json.dumps({"extends": "_base", "language": language}))
        texts = {b"main.toy": b"source", b"compiler": compiler.encode(), b"program": program.encode()}
        inputs = [(name, text, 0o644) for name, text in texts.items()]
        work: dict[str, Any] = {"file": b"main.toy", "inputs": inputs} | more.pop("work", {})
        cancel = more.pop("cancel", None)
        job = {"code": b"source", "policy": str(self._path), "backend": self._backend, **more}
        return self._driver.run(job, work, cancel=cancel)

    def blames(self, outcome: dict[str, Any], clause: str) -> bool:
        blame = outcome["blame"]
        return (blame["clause"], blame["file"]) == (clause, str(self._path)) and outcome["cause"].startswith(clause)


@pytest.fixture
def toy(driver: Driver, backend: str, shared_tmp: Path) -> Toy:
    return Toy(driver, backend, shared_tmp)


def test_program_finds_what_the_compiler_made_and_each_speaks_for_itself(toy: Toy) -> None:
    outcome = toy.run(
        "import sys; print(open(sys.argv[1]).read()); sys.stderr.write('warned'); open('prog', 'w').write('made')",
        "import sys; print(open('prog').read(), sys.stdin.read(), sys.argv[1:])",
        work={"stdin": b"stdin", "arguments": [b"a b", b""]},
    )
    assert (outcome["status"], outcome["stdout"], outcome["stderr"]) == ("ok", b"made stdin ['a b', '']\n", b"")
    step = outcome["compile"]
    assert (step["status"], step["exit_code"], step["stdout"], step["stderr"]) == ("ok", 0, b"source\n", b"warned")
    assert step["usage"]["wall_time_s"] > 0


def test_compiler_reads_nothing_from_standard_input(toy: Toy) -> None:
    outcome = toy.run("import sys; print(repr(sys.stdin.read()))", "print(input())", work={"stdin": b"mine\n"})
    assert (outcome["compile"]["stdout"], outcome["stdout"]) == (b"''\n", b"mine\n")


def test_what_the_compiler_left_is_an_artifact_only_where_the_program_changed_it(toy: Toy) -> None:
    outcome = toy.run(
        "import os; os.mkdir('out')\nfor n in 'kept', 'changed', 'out/kept': open(n, 'w').write('made')",
        "open('changed', 'a').write('!'); open('new', 'w').write('own')",
    )
    assert sorted(each["path"] for each in outcome["artifacts"]) == [b"changed", b"new"]


@pytest.mark.parametrize(("code", "number"), [("3", 3), ("127", 127), ("'words'", 1)])
def test_compiler_that_fails_is_a_compile_error_and_nothing_is_run(toy: Toy, code: str, number: int) -> None:
    outcome = toy.run(f"import sys; open('left', 'w'); sys.exit({code})", "print('ran')")
    assert (outcome["status"], outcome["exit_code"], outcome["stdout"]) == ("compile-error", number, b"")
    assert (outcome["compile"]["status"], outcome["compile"]["exit_code"]) == ("nonzero-exit", number)
    assert (outcome["artifacts"], outcome["usage"], outcome["error"]) == ([], None, None)
    assert toy.blames(outcome, "language.compile")


def test_compiler_that_crashes_is_a_compile_error_with_its_signal(toy: Toy) -> None:
    outcome = toy.run("import os; os.kill(os.getpid(), 11)")
    assert (outcome["status"], outcome["exit_code"], outcome["signal"]) == ("compile-error", None, "SIGSEGV")
    assert outcome["cause"] == "language.compile: python3: killed by SIGSEGV"


@pytest.mark.parametrize(
    ("limit", "value", "compiler", "status"),
    [
        ("wall_time", "300ms", "import time; time.sleep(60)", "wall-time-limit"),
        ("cpu_time", "300ms", SPINS.format(60), "cpu-time-limit"),
        ("memory", "60MiB", HOLDS.format(200) + "\nimport time; time.sleep(9)", "memory-limit"),
        ("output", "1kB", "print('x' * 5000)", "output-limit"),
        ("file_size", "1kB", "import signal; signal.signal(25, signal.SIG_DFL); open('x', 'w').write('x' * 5000)",
         "file-size-limit"),
    ],
)  # fmt: skip
def test_limit_of_the_compile_step_keeps_its_status_and_blames_its_own_line(
    toy: Toy, limit: str, value: str, compiler: str, status: str
) -> None:
    outcome = toy.run(compiler, bounds={limit: value})
    assert (outcome["status"], outcome["compile"]["status"], outcome["stdout"]) == (status, status, b"")
    assert toy.blames(outcome, f"language.compile.limits.{limit}")


def test_each_of_the_two_has_its_own_allowance(toy: Toy) -> None:
    outcome = toy.run(
        f"{HOLDS.format(150)}\n{SPINS.format(0.7)}",
        f"{HOLDS.format(20)}\n{SPINS.format(0.5)}",
        {"memory": "300MiB", "cpu_time": "5s"},
        limits={"memory": "100MiB", "cpu_time": "1s"},
    )
    assert (outcome["status"], outcome["stdout"]) == ("ok", b"held\nspun\n"), outcome["cause"]
    first, second = outcome["compile"]["usage"], outcome["usage"]
    assert first["memory_peak_bytes"] > 150 << 20 > second["memory_peak_bytes"]
    assert first["cpu_time_s"] >= 0.7
    assert 0.5 <= second["cpu_time_s"] < 0.7


def test_limits_of_the_job_hold_the_program_whatever_the_compiler_was_allowed(toy: Toy) -> None:
    program = f"{HOLDS.format(200)}\nimport time; time.sleep(9)"
    outcome = toy.run("", program, {"memory": "600MiB"}, limits={"memory": "100MiB"})
    assert (outcome["status"], outcome["compile"]["status"]) == ("memory-limit", "ok")
    assert outcome["blame"]["clause"] == "limits.memory"


def test_option_moves_a_limit_of_the_compile_step(toy: Toy) -> None:
    outcome = toy.run("import time; time.sleep(60)", bounds={"wall_time": "60s"}, limits={"compile.wall_time": "200ms"})
    assert (outcome["status"], outcome["blame"]["source"]) == ("wall-time-limit", "option")


def test_what_the_compiler_left_running_is_gone_before_the_program_starts(toy: Toy) -> None:
    outcome = toy.run(
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(0.2)\n  open('late', 'w')\n  time.sleep(60)",
        "import os, time; time.sleep(0.5); print(os.path.exists('late'))",
    )
    assert (outcome["status"], outcome["stdout"]) == ("ok", b"False\n")
    assert outcome["usage"]["processes_peak"] == 1


def test_compiler_that_closes_scratch_keeps_the_program_from_nothing(toy: Toy) -> None:
    outcome = toy.run("import os; open('made', 'w'); os.chmod('.', 0)", "open('mine', 'w'); print('ran')")
    assert (outcome["status"], outcome["stdout"], outcome["error"]) == ("ok", b"ran\n", None)
    assert [found["path"] for found in outcome["artifacts"]] == [b"mine"]


def test_program_that_the_compiler_did_not_make_is_told_by_its_path(toy: Toy) -> None:
    outcome = toy.run("import os; print(os.getcwd()); os.mkfifo('prog')", run=["{{ scratch }}/prog"])
    place = outcome["compile"]["stdout"].decode().strip()
    assert (outcome["status"], outcome["cause"]) == ("cannot-start", f"{place}/prog: not executable")


def test_compiler_that_is_not_there_is_told_as_such(toy: Toy, backend: str) -> None:
    toy._path.write_text("extends: _base\nlanguage: {name: t, file: a, compile: {run: [nonesuch]}, run: [echo]}\n")
    outcome = toy._driver.run({"code": b"", "policy": str(toy._path), "backend": backend}, {"file": b"a"})
    assert (outcome["status"], outcome["exit_code"]) == ("cannot-start", 127)


@pytest.mark.parametrize("number", [2, 15])
def test_signal_while_it_compiles_cancels_the_job(toy: Toy, number: int) -> None:
    ended = toy.run("import time; time.sleep(60)", cancel=(number, 0.3))
    assert (ended["status"], ended["compile"]["status"], ended["usage"]) == ("cancelled", "cancelled", None)


def test_sources_are_the_inputs_of_the_language_and_the_code_last(toy: Toy) -> None:
    outcome = toy.run(
        "import sys; print(sys.argv[1:])",
        files=[("/x", "b.toy"), ("/x", "data.txt"), ("/x", "lib/a.toy"), ("/x", "-c.toy")],
    )
    assert outcome["compile"]["stdout"] == b"['b.toy', 'lib/a.toy', './-c.toy', 'main.toy']\n"


def test_receipt_says_what_holds_each_limit_of_the_step(toy: Toy) -> None:
    outcome = toy.run("", bounds={"memory": "600MiB", "wall_time": "30s"})
    rows = {row["clause"]: row for row in outcome["receipt"]["clauses"]}
    own, jobs = rows["language.compile.limits.memory"], rows["limits.memory"]
    assert (own["effective"], jobs["effective"]) == ("600MiB", "512MiB")
    assert (own["level"], own["enforced_by"]) == (jobs["level"], jobs["enforced_by"])
    assert "language.compile.limits.cpu_time" not in rows
