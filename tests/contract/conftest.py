"""One driver a backend-free account and worker: cases are run through it, and it must hold no fd more afterwards."""

from __future__ import annotations

import ast
import select
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.accounts import Account

PYTHON = ["/usr/bin/python3", "-IS", "-c"]  # a program for most cases: every account and policy has it


class Driver:
    """Runs jobs as one account, in one long-lived process: `driver.run({"command": [...]})`."""

    def __init__(self, account: Account, script: Path, inside: Sequence[str] = ()) -> None:
        words = [*inside, account.python, str(script)]
        self.process = account.popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.uid = account.uid
        self._fds: int | None = None

    def ask(self, question: dict[str, Any], timeout_s: float = 60) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(repr(question).encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], timeout_s)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.process.kill()
            pytest.fail(f"no answer within {timeout_s} s to {str(question)[:500]}")
        answer, fds = ast.literal_eval(line.decode())
        if self._fds is not None and "work" in question:
            assert fds == self._fds, "the run left an fd open"
        self._fds = fds
        return answer

    def plan(self, job: dict[str, Any]) -> dict[str, Any]:
        """The plan of a job. A refusal comes back as {"refused": KIND, "message": ...}."""
        compiled: dict[str, Any] = self.ask({"job": job})
        return compiled

    def run(
        self,
        job: dict[str, Any] | None = None,
        work: dict[str, Any] | None = None,
        *,
        plan: dict[str, Any] | None = None,
        cancel: tuple[int, float] | None = None,
    ) -> dict[str, Any]:
        """The outcome of a job, or of a plan as it is given."""
        what = {"plan": plan} if plan is not None else {"job": job}
        outcome: dict[str, Any] = self.ask({**what, "work": work or {}, "cancel": cancel})
        return outcome

    def close(self) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.stdout.close()  # type: ignore[union-attr]
        self.process.wait(10)


class Drivers:
    def __init__(self, directory: Path, request: pytest.FixtureRequest) -> None:
        self._request = request
        self.script = directory / "driver.py"
        self.script.write_bytes(Path(__file__).with_name("driver.py").read_bytes())
        self._started: dict[str, Driver] = {}

    def of(self, account: str) -> Driver:
        driver = self._started.get(account)
        if driver is None or driver.process.poll() is not None:
            driver = Driver(self._request.getfixturevalue(f"as_{account}"), self.script)
            self._started[account] = driver
        return driver

    def close(self) -> None:
        for driver in self._started.values():
            driver.close()


@pytest.fixture(scope="session")
def drivers(session_directory: Path, launcher: Path, request: pytest.FixtureRequest) -> Iterator[Drivers]:
    drivers = Drivers(session_directory, request)
    yield drivers
    drivers.close()


@pytest.fixture
def driver(account: str, drivers: Drivers) -> Driver:
    """Runs jobs as `account`."""
    return drivers.of(account)
