"""The order of policies is true: what it calls looser lets a program do what the tighter one doesn't, in a real jail.

Each pair says the same but for one clause. The order's word on it is held against what a program could do under
either. All that one program can try is tried in one jail, under all of these clauses at once.
"""

from __future__ import annotations

import json
import shutil
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.policy.grammar import POLICY
from sandbox_cli.policy.shape import Either, Record, Short, Table
from sandbox_cli.policy.units import LIMITS
from tests.conftest import CI
from tests.contract.order_pairs import (
    ALL,
    ALONE,
    COMPILED,
    FOUND,
    LOOKS,
    NOT_BUILT,
    PERMIT_NOTHING,
    PROGRAM,
    PYTHON,
    RUNTIMES,
    SLOW,
    SPANS,
    STEP,
    TOGETHER,
    TOY,
    Alone,
    Pair,
    Tree,
    nested,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox_cli.policy.order import Relation
    from sandbox_cli.policy.shape import Spec
    from tests.contract.conftest import Driver


def types(spec: Spec, path: str = "") -> Iterator[str]:
    """The clauses that can be written, those of a limit or mount by their keys."""
    match spec:
        case Record(keys):
            for key, below in keys.items():
                yield from types(below, f"{path}.{key}".lstrip("."))
        case Table(_, item) if path == "limits":
            for name in LIMITS:
                yield from types(item, f"{path}.{name}")
        case Table(_, item):
            yield from types(item, path)
        case Short(_, long):
            yield from types(long, path)
        case Either(_, record):
            yield path
            yield from types(record, path)
        case _:
            yield path


def test_no_clause_of_the_grammar_is_left_out() -> None:
    pairs: list[Pair | Alone] = [*TOGETHER, *ALONE, *COMPILED]
    tried = {each.type for each in pairs} | {f"language.runtime.{key}" for key in RUNTIMES}
    tried |= {f"limits.{name}.max" for name in LIMITS} | {"language.compile.limits.max", "limits.cpus.default"}
    whole = {"filesystem", "language.compile"}  # whether there is one at all
    assert tried - whole == {*types(POLICY)} - PERMIT_NOTHING - NOT_BUILT


@pytest.fixture
def tree(shared_tmp: Path) -> Tree:
    return Tree(shared_tmp)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Something of the host that listens on its loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
        threading.Thread(target=_accept, args=[server], daemon=True).start()
        yield number
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


OPPOSITE: dict[Relation, Relation] = {
    "equal": "equal", "tighter": "looser", "looser": "tighter", "incomparable": "incomparable",
}  # fmt: skip


@pytest.mark.parametrize("pair", [*TOGETHER, *ALONE, *COMPILED], ids=lambda each: each.type)
def test_the_order_says_so(pair: Pair | Alone, tree: Tree) -> None:
    found = tree.filled(pair.found)
    assert tree.relations(pair.before, pair.after) == found
    assert tree.relations(pair.after, pair.before) == {clause: OPPOSITE[each] for clause, each in found.items()}


# As root, bwrap alone: what a policy says is no account's.
each_jail = pytest.mark.parametrize(
    ("account", "backend"),
    [*(("user", backend) for backend in ALL), ("root", "bwrap")],
    indirect=True,
)


each_user = pytest.mark.parametrize(("account", "backend"), [("user", backend) for backend in ALL], indirect=True)


@each_jail
def test_what_one_program_can_do(tree: Tree, port: int, backend: str, driver: Driver) -> None:
    pairs = [each for each in TOGETHER if backend in each.backends]
    attempts = {code: let for each in pairs for code, let in each.attempts.items()}
    codes = {code: tree.filled(code).replace("PORT", str(port)) for code in attempts}
    done: list[dict[str, bool]] = []
    for name in ("before", "after"):
        policy = tree.policy(name, *(getattr(each, name) for each in pairs))
        outcome = driver.run({"command": [*PYTHON, PROGRAM, json.dumps(codes)], "policy": policy, "backend": backend})
        assert outcome.get("status") == "ok", outcome
        done.append(json.loads(outcome["stdout"]))
    assert {code: (done[0][code], done[1][code]) for code in attempts} == attempts


@each_user
def test_what_a_job_can_do(tree: Tree, backend: str, driver: Driver) -> None:
    ran: dict[str, dict[str, Any]] = {}

    def outcome(said: dict[str, Any], pair: Alone) -> dict[str, Any]:
        job = {"command": [*PYTHON, pair.code], "backend": backend, **tree.filled(pair.job)}
        key = json.dumps([said, job])
        if key not in ran:
            ran[key] = driver.run({**job, "policy": tree.policy("policy", said)})
        return ran[key]

    for pair in ALONE:
        if backend in pair.backends:
            before, after = outcome(pair.before, pair), outcome(pair.after, pair)
            assert before.get("status", "refused") in pair.status.split(), (pair, before)
            assert not _through(before, pair.shows), (pair, before)
            assert after.get("status") == "ok", (pair, after)
            assert _through(after, pair.shows), (pair, after)


def _through(outcome: dict[str, Any], shows: str) -> bool:
    if shows == "stdout":
        return b"through" in outcome.get("stdout", b"")
    return shows.encode() in [each["path"] for each in outcome.get("artifacts", ())]


def run_toy(tree: Tree, driver: Driver, backend: str, said: dict[str, Any], code: str, language: str) -> dict[str, Any]:
    """A program of the toy language, whose compiler is a file beside it.

    Its policy stands in a place of the account's: of any other only runtimes that are root's are started.
    """
    place = tree.path / "config" / "sandbox" / "policies"
    place.mkdir(parents=True, exist_ok=True)
    inputs = [(b"main.toy", code.encode(), 0o644), (b"compiler", SLOW.encode(), 0o644)]
    policy = shutil.copy(tree.policy("toy", said), str(place))
    job = {"code": b"toy", "language": language, "policy": policy, "backend": backend}
    work = {"file": b"main.toy", "inputs": inputs}
    variables = {"XDG_CONFIG_HOME": str(tree.path / "config")}
    outcome: dict[str, Any] = driver.ask({"job": job, "work": work, "cancel": None, "planned_with": variables})
    return outcome


@each_user
@pytest.mark.parametrize("pair", COMPILED, ids=lambda each: each.type)
def test_what_a_compile_step_can_do(pair: Alone, tree: Tree, backend: str, driver: Driver) -> None:
    before, after = (run_toy(tree, driver, backend, each, pair.code, "toy") for each in (pair.before, pair.after))
    assert before["status"] == pair.status
    assert (after["status"], after["stdout"]) == ("ok", b"through\n")


@pytest.mark.parametrize(("account", "backend"), [("user", "bwrap")], indirect=True)
@pytest.mark.parametrize("key", RUNTIMES)
def test_another_runtime_shows_another_folder(key: str, tree: Tree, backend: str, driver: Driver) -> None:
    sides = [{"language": {**TOY, "runtime": {**FOUND, **said}}} for said in RUNTIMES[key]]
    assert tree.relations(*sides) == {"language.runtime": "incomparable"}
    looks = str(tree.filled(LOOKS))
    shown = [run_toy(tree, driver, backend, said, looks, "toy@>=0.1") for said in sides]
    assert [each.get("stdout", each) for each in shown] == [b"one\n", b"other\n"]


@pytest.mark.parametrize(("account", "backend"), [("user", "bwrap")], indirect=True)
def test_an_option_takes_a_limit_as_far_as_its_maximum(tree: Tree, backend: str, driver: Driver) -> None:
    """Which maximum there is, is seen before there is a jail."""
    step = {"language": {**TOY, "compile": STEP}}
    of_step = [
        nested(["language", "compile", "limits", "memory"], {"default": "1GiB", "max": each})
        for each in SPANS["memory"]
    ]
    for name, most in SPANS.items():
        sides = [nested(["limits", name], {"default": most[0], "max": each}) for each in most]
        assert tree.relations(*sides) == {f"limits.{name}.max": "looser"}
        asks = {"limits": {name: most[1]}, "backend": backend}
        told = [driver.plan({"command": ["true"], "policy": tree.policy("max", each), **asks}) for each in sides]
        assert ["refused" in each for each in told] == [True, False], name
    of_job: dict[str, Any] = {"limits": {"compile.memory": SPANS["memory"][1]}, "backend": backend, "code": b""}
    told = [driver.plan({"policy": tree.policy("max", step, side), **of_job}) for side in of_step]
    assert ["refused" in each for each in told] == [True, False]


@pytest.mark.parametrize(("account", "backend"), [("root", "bwrap")], indirect=True)
def test_more_cores_do_more_in_the_same_time(tree: Tree, backend: str, driver: Driver) -> None:
    """Nothing but a control group holds it."""
    sides = [nested(["limits", "cpus"], each) for each in ("0.05", {"default": None, "max": None})]
    assert tree.relations(*sides) == {"limits.cpus": "looser", "limits.cpus.max": "looser"}
    spins = (
        "import time\nstart = time.monotonic()\nwhile time.process_time() < 0.1: pass\nprint(time.monotonic() - start)"
    )
    took_s = []
    for side in sides:
        outcome = driver.run({"command": [*PYTHON, spins], "policy": tree.policy("cpus", side), "backend": backend})
        held = next(each for each in outcome["receipt"]["clauses"] if each["clause"] == "limits.cpus")
        if side is sides[0] and held["level"] == "none":
            (pytest.fail if CI else pytest.skip)("no control group holds cores here")
        took_s.append(float(outcome["stdout"]))
    assert took_s[0] > 1  # a twentieth of a core takes two seconds for it, and a machine that others use no less
    assert took_s[1] < took_s[0]
