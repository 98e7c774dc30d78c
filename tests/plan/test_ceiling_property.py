"""Whatever policy, options and ceilings: no job gets more than each ceiling allows, or it is refused.

That is asked of the order for every clause but the files. What of those can be reached is told from the host itself,
file by file, as the kernel would walk there: a mount of a link leads to where that leads.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as some

from sandbox_cli.errors import HostError, RefusedError
from sandbox_cli.plan import limits, settle
from sandbox_cli.plan.request import Request
from sandbox_cli.policy import order
from sandbox_cli.policy.ceiling import Ceiling, Ceilings
from sandbox_cli.policy.model import Artifacts, Compile, Language, Limit, Mount, SyscallRule, Syscalls
from tests.plan import made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.model import Policy

NUMBERS = ("limits.memory", "limits.wall_time", "limits.processes", "artifacts.max_files")
WHOLE = ("network", "syscalls", "workspace", "environment", "artifacts.collect")
REQUIRED = ("limits", "limits.memory", "limits.cpus", "filesystem")


class Case(NamedTuple):
    policy: dict[str, Any]
    job: dict[str, Any]
    ceilings: list[tuple[dict[str, Any], frozenset[str]]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders a and b, each with an inner a and b, and links: `out` to the other folder, `in` to its own `a`."""
    top = tmp_path_factory.mktemp("tree")
    for outer, other in (("a", "b"), ("b", "a")):
        for inner in ("a", "b"):
            (top / outer / inner).mkdir(parents=True)
            (top / outer / inner / "file").touch()
        (top / outer / "out").symlink_to(top / other)
        (top / outer / "in").symlink_to("a")
    return top


def limit_values(values: tuple[float, ...]) -> SearchStrategy[tuple[float | None, float | None]]:
    bounded = some.tuples(some.sampled_from(values), some.sampled_from(values)).map(lambda both: (min(both), max(both)))
    return bounded | some.just((None, None))


LIMITS = some.fixed_dictionaries(
    {},
    optional={
        "memory": limit_values((64 << 20, 1 << 30, 4 << 30)),
        "wall_time": limit_values((1.0, 5.0, 60.0)),
        "processes": limit_values((1, 5, 100)),
    },
)
# Names below the tree, as `/{}` of it; and places that have nothing to do with where a folder stands on the host.
SPOTS = some.sampled_from(["a", "b", "a/a", "a/b", "a/out", "b/out", "a/in", "b/a"])
MODES: SearchStrategy[Any] = some.sampled_from(["ro", "ro", "rw", "tmpfs", "symlink"])
PLACES = some.sampled_from(["here", "/data", "/opt/x"])
KEPT = some.tuples(PLACES, SPOTS, MODES, some.booleans()).map(lambda of: ((of[0], of[1]), (of[1], of[2], of[3], True)))
MOVED = some.tuples(some.tuples(PLACES, SPOTS), some.tuples(SPOTS, MODES, some.booleans(), some.booleans()))
MOUNTS = some.lists(KEPT | KEPT | MOVED, max_size=2).map(dict)
SYSCALLS = some.builds(
    Syscalls,
    deny=some.sampled_from([(), ("@default-deny",), ("@default-deny", "socket")]),
    rules=some.lists(
        some.builds(
            SyscallRule,
            syscall=some.just("socket"),
            arg=some.sampled_from([None, 0]),
            value=some.integers(1, 2),
            action=some.sampled_from(["errno", "allow"]),
        ),
        max_size=1,
    ).map(tuple),
    action=some.sampled_from(["errno", "kill", "log"]),
)  # fmt: skip
ALLOWED = some.sampled_from([("@system-service",), ("@basic-io", "socket")]).map(lambda names: Syscalls(allow=names))
CLAUSES: dict[str, SearchStrategy[Any]] = {
    "limits": LIMITS,
    "network": some.sampled_from(["none", "host"]),
    "syscalls": SYSCALLS | ALLOWED,
    "workspace": some.sampled_from(["none", "ro", "rw"]),
    "environment": some.dictionaries(some.sampled_from(["A", "B", "PATH"]), some.sampled_from(["x", "y"]), max_size=2),
    "artifacts": some.builds(
        Artifacts,
        collect=some.lists(some.sampled_from(["**", "*.txt", "*.png"]), max_size=2).map(tuple),
        max_files=some.sampled_from([1, 10, 1000]),
    ),
    "require": some.dictionaries(
        some.sampled_from(REQUIRED), some.sampled_from(["none", "process", "sampled", "strict"]), max_size=2
    ),
}
JOBS = some.fixed_dictionaries(
    {},
    optional={
        "limits": some.dictionaries(
            some.sampled_from(["memory", "compile.memory"]), some.sampled_from(["1MiB", "64MiB", "1GiB"]), max_size=2
        ),
        "network": some.sampled_from(["none", None]),
        "collect": some.lists(some.sampled_from(["*.txt", "*.png"]), max_size=1),
        "terminal": some.booleans(),
        "workspace": some.sampled_from(["", ":ro"]),
        "code": some.booleans(),
    },
)


@some.composite
def cases(draw: Any) -> Case:
    """A ceiling often says what the policy says: else nearly every job would be refused."""
    policy = draw(some.fixed_dictionaries(CLAUSES))
    ceilings = []
    for _ in range(draw(some.integers(1, 2))):
        said = {key: policy[key] if draw(some.booleans()) else draw(clause) for key, clause in CLAUSES.items()}
        named = draw(some.frozensets(some.sampled_from([*NUMBERS, *WHOLE, "require"]), min_size=1))
        ceilings.append((said, named))
    return Case(policy, draw(JOBS), ceilings)


@some.composite
def file_cases(draw: Any) -> Case:
    """Of files alone: a ceiling often has the folders in which the policy's mounts lie."""
    wished = draw(MOUNTS)
    allowed = {**draw(some.sampled_from([wished, above(wished)])), **draw(some.just({}) | MOUNTS)}
    return Case({"filesystem": wished}, {}, [({"filesystem": allowed}, frozenset({"filesystem"}))])


def above(said: dict[tuple[str, str], tuple[str, str, bool, bool]]) -> dict[Any, Any]:
    """The folders in which the mounts lie, from the folders in which what they show lies."""
    return {
        (place, spot.split("/")[0]): (source.split("/")[0], mode, noexec, same)
        for (place, spot), (source, mode, noexec, same) in said.items()
        if spot.count("/") == source.count("/") == 1
    }


def mounts(said: dict[tuple[str, str], tuple[str, Any, bool, bool]], tree: Path) -> dict[str, Mount]:
    found: dict[str, Mount] = {}
    for (place, spot), (source, mode, noexec, same) in said.items():
        path = f"{tree}/{spot}" if place == "here" else f"{place}/{spot}"
        if mode == "symlink":
            found[path] = Mount(mode="symlink", source=f"{tree}/{source}")
        elif mode == "tmpfs":
            found[path] = Mount(mode="tmpfs", noexec=noexec)
        else:
            real = path if same and place == "here" else f"{tree}/{source}"
            found[path] = Mount(mode=mode, source=real, noexec=noexec, optional=True)
    return found


def policy_of(said: dict[str, Any], tree: Path, *, language: bool = False) -> Policy:
    step = Compile(run=("true",), limits={"memory": Limit(default=256 << 20, max=2 << 30)})
    compiled = Language(name="c", file="a.c", run=("true",), compile=step) if language else None
    return made.policy(**{**said, "filesystem": mounts(said.get("filesystem", {}), tree)}, language=compiled)


def ceilings_of(case: Case, tree: Path) -> Ceilings:
    found: list[Ceiling] = []
    for said, named in case.ceilings:
        bound = policy_of(said, tree)
        required = {f"require.{clause}" for clause in bound.require} if "require" in named else set()
        open_ended = {f"limits.{name}" for name, each in bound.limits.items() if each.default is None is each.max}
        file = f"/ceiling-{len(found)}.yaml"
        found.append(Ceiling(file, bound, (named - {"require"} - open_ended) | required, best_effort=True, audit=None))
    return Ceilings(tuple(found), "sha256:0")


def settled(case: Case, tree: Path) -> tuple[Settled | None, Ceilings]:
    job = dict(case.job)
    code = job.pop("code", False)
    policy = policy_of(case.policy, tree, language=code)
    program: Any = {"code": b""} if code else {"command": ["true"]}
    if not code:
        job["limits"] = {name: value for name, value in job.get("limits", {}).items() if "." not in name}
    if "workspace" in job:
        job["workspace"] = f"{tree}{job['workspace']}"
    ceilings = ceilings_of(case, tree)
    whole: Any = {**program, **job}
    try:
        return settle.settle(whole, Request(policy, None), made.host(root_links={}), ceilings), ceilings
    except (RefusedError, HostError) as error:
        event("refused by " + (error.blame["source"] if error.blame else "the host"))
        return None, ceilings


@given(case=cases())
@settings(max_examples=150, deadline=None)
def test_no_job_gets_more_than_the_ceiling(tree: Path, case: Case) -> None:
    found, ceilings = settled(case, tree)
    if found is None:
        return
    event("granted")
    chosen = limits.wished(case.job.get("limits", {}), terminal=case.job.get("terminal", False))
    for ceiling in ceilings.each:
        bound = ceiling.bound.model_copy(update={"limits": _bounds(ceiling, chosen)})
        beyond = order.within(found.effective, bound, ceiling.named)
        assert not beyond, (ceiling.file, beyond)
        _check_compile_step(found.effective, bound, ceiling)


@given(case=file_cases())
@settings(max_examples=150, deadline=None)
def test_no_job_reaches_more_of_the_hosts_files_than_the_ceiling(tree: Path, case: Case) -> None:
    found, ceilings = settled(case, tree)
    shown = ceilings.each[0].bound.filesystem
    links = tuple(f"{path}/" for path, mount in shown.items() if mount.mode == "symlink")
    assume(not any(path.startswith(links) for path in shown))  # named there it is allowed there, and no jail shows it
    if found is not None:
        event("granted")
        assert reachable(found.effective.filesystem, tree) <= reachable(shown, tree)


def _bounds(ceiling: Ceiling, chosen: frozenset[str]) -> dict[str, Limit]:
    """What the caller chooses is bounded by the maximum alone."""
    return {
        name: Limit(default=limit.max, max=limit.max) if f"limits.{name}" in chosen else limit
        for name, limit in ceiling.bound.limits.items()
    }


def _check_compile_step(effective: Policy, bound: Policy, ceiling: Ceiling) -> None:
    if effective.language is None or effective.language.compile is None or "limits.memory" not in ceiling.named:
        return
    limit, most = effective.language.compile.limits["memory"], bound.limits["memory"].max
    assert most is None or (limit.default is not None and limit.default <= most)


def reachable(shown: dict[str, Mount], tree: Path) -> set[tuple[str, str]]:
    """Each folder and file of the tree that a job can get at, with what it may do there."""
    rights: set[tuple[str, str]] = set()
    for path in probes(tree, shown):
        found = walked(path, shown)
        if found is not None and found[0].exists():
            real, mount = found
            rights.add((str(real), "read"))
            rights |= {(str(real), "write")} if mount.mode == "rw" else set()
            rights |= set() if mount.noexec else {(str(real), "execute")}
    return rights


def walked(path: str, shown: dict[str, Mount]) -> tuple[Path, Mount] | None:
    """What the kernel finds at a path of the jail: the host's file, and the mount that it is part of."""
    at, left, links = Path("/"), list(reversed(Path(path).parts[1:])), 0
    while left:
        name = left.pop()
        at = at.parent if name == ".." else at / name
        target = _target(at, shown)
        if target is not None:
            links += 1
            if links > 40:
                return None
            at = Path("/") if target.is_absolute() else at.parent
            left += [part for part in reversed(target.parts) if part != "/"]
    return _stands(at, shown)


def _target(at: Path, shown: dict[str, Mount]) -> Path | None:
    mount = shown.get(str(at))
    if mount is not None:
        return Path(mount.source or "") if mount.mode == "symlink" else None
    found = _stands(at, shown)
    return found[0].readlink() if found is not None and found[0].is_symlink() else None


def _stands(at: Path, shown: dict[str, Mount]) -> tuple[Path, Mount] | None:
    for above in (at, *at.parents):
        mount = shown.get(str(above))
        if mount is not None:
            if mount.mode not in {"ro", "rw"}:
                return None
            return Path(os.path.realpath(mount.source or above), at.relative_to(above)), mount
    return None


def probes(tree: Path, shown: dict[str, Mount]) -> Iterator[str]:
    """Every path of the jail at which something of the tree could be found, and some at which nothing can."""
    for top in (str(tree), "/data", "/opt/x"):
        if any(path.startswith(f"{top}/") for path in shown):
            for first in ("a", "b"):
                yield f"{top}/{first}"
                for second in ("a", "b", "out", "in"):
                    yield f"{top}/{first}/{second}"
                    yield f"{top}/{first}/{second}/a"
                    yield f"{top}/{first}/{second}/file"
