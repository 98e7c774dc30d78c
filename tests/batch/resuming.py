"""What the tests of --resume share: a batch whose results are known before, and lines of results."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.batch.results import ResultsFile
from sandbox_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.accounts import Sandbox

PATIENCE_S = 20.0


class Batch:
    """A batch of quick jobs in a folder of its own, and what must come of it."""

    def __init__(self, sandbox: Sandbox, folder: Path, *, jobs: int, pause_s: float = 0.0) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.mark = f"mark-{uuid.uuid4()}"
        self.input, self.results = folder / "jobs.jsonl", folder / "results.jsonl"
        self.expected: dict[str, tuple[str, str]] = {}
        lines: list[str] = []
        for number in range(jobs):
            code = f"sleep {pause_s}; echo $(({number} * 7)); exit {number % 3}"
            job: dict[str, object] = {"command": ["sh", "-c", code, self.mark]}
            if number % 4:
                job["id"] = f"task/{number}"
            lines.append(json.dumps(job))
            status = "nonzero-exit" if number % 3 else "ok"
            self.expected[str(job.get("id", number + 1))] = (status, f"{number * 7}\n")
        lines += ["no job", json.dumps({"id": "task/1", "command": ["true"]})]
        self.expected |= {f"line {len(lines) - 1}": ("refused", ""), f"line {len(lines)}": ("refused", "")}
        self.input.write_text("\n".join(lines) + "\n")

    def arguments(self, *more: str) -> list[str]:
        return ["batch", "-q", "-j", "4", *more, "--resume", str(self.results), str(self.input)]

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """In a group of processes of its own, as a shell does it."""
        return self.sandbox.popen(*self.arguments(*more), stdout=-1, stderr=-1, process_group=0)

    def finish(self, *more: str) -> subprocess.CompletedProcess[bytes]:
        done = self.sandbox(*self.arguments(*more), timeout=120)
        assert done.returncode == 1, done.stderr.decode()  # some jobs are to fail
        return done

    def written(self) -> int:
        try:
            return self.results.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def found(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.results.read_text().splitlines()]

    def check(self) -> None:
        """Each job has exactly one result, and it is the right one."""
        found = self.found()
        assert {name: times for name, times in Counter(each["id"] for each in found).items() if times > 1} == {}
        assert {each["id"]: (each["status"], each["stdout"]) for each in found} == self.expected


def wait_until(is_so: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until, what
        time.sleep(0.002)


def end_of(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    stderr = process.communicate(timeout=PATIENCE_S)[1].decode()
    return process.returncode, stderr


def line(id: str, **more: object) -> bytes:  # noqa: A002
    """A result as batch writes it, as far as a reader of ids can tell."""
    said = {"schema": "sandbox-result/1", "id": id, "status": "ok", "stdout": "", **more}
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def ids(content: bytes) -> list[str]:
    """Of a file all of whose lines must be whole."""
    assert content.endswith(b"\n") or not content
    return [json.loads(each)["id"] for each in content.splitlines() if each.strip()]


def resume(path: Path, jobs: Iterable[str], *, stop_after: int | None = None) -> list[str]:
    """What a batch does with the file, one job after another; which of them it ran."""
    file = ResultsFile(str(path))
    left = [each for each in jobs if each not in file.finished][:stop_after]
    for each in left:
        file.append(line(each))
    file.close()
    return left


def refusal(path: Path | str) -> str:
    with pytest.raises(UsageError) as raised:
        ResultsFile(str(path))
    return f"{raised.value}\n{raised.value.hint}"
