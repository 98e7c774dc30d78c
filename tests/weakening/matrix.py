"""Every weakening of the plan of one job, on one backend and as one account: who caught it."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox_cli import policy
from tests.weakening.generator import weakenings
from tests.weakening.model import OF_THE_FILTER

if TYPE_CHECKING:
    from tests.accounts import Account
    from tests.weakening.model import Plan, Weakening

POLICY = "python"
JOB = {"command": ["/bin/true"], "policy": POLICY}
Caught = dict[str, tuple[str, str]]  # by the weakening's name: seal | run | verify | nobody, and what was said


class Driver:
    """driver.py in a process of its own, as one account."""

    def __init__(self, account: Account, directory: Path) -> None:
        script = directory / f"weakening-{account.name}.py"
        script.write_bytes(Path(__file__).with_name("driver.py").read_bytes())
        self._process = account.popen([account.python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(repr(question).encode() + b"\n")
        self._process.stdin.flush()
        return ast.literal_eval(self._process.stdout.readline().decode())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


def _question(each: Weakening, plan: Plan, *, whole: bool) -> dict[str, Any]:
    clauses = "all" if whole else "syscalls" if each.name.startswith(OF_THE_FILTER) else "others"
    return {"plan": each.of(plan), "clauses": clauses}


def run(backend: str, account: Account, directory: Path, *, whole: bool = False) -> Caught:
    """What became of each. `whole`: verify tries everything in each jail; else its filter where that was weakened, and
    all else where it was not, which tells the same apart and takes a third of the time; and each two unrelated
    neighbours change places alone, else only where somebody objects to what all of them do together."""
    driver = Driver(account, directory)
    try:
        plan = driver.ask({"job": {**JOB, "backend": backend}})
        found = list(weakenings(plan, policy.load(POLICY)))

        def caught(runs: str) -> Caught:
            return {each.name: driver.ask(_question(each, plan, whole=whole)) for each in found if each.runs == runs}

        together = {} if whole else caught("together")
        if whole or any(who != "nobody" for who, _ in together.values()):
            together = caught("alone")
        return together | caught("always")
    finally:
        driver.close()
