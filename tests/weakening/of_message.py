"""What goes to the launcher, in its message and in the arguments of `enter`, as far as the plan says it."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from tests.weakening.model import Plan, Weakening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HUGE = 100
_NAMES = {
    getattr(resource, name): name for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"
}


def weakenings(plan: Plan) -> Iterator[Weakening]:
    yield from _environment(plan)
    yield from _rlimits(plan)
    yield _setting("argv0: another", argv0="other")
    yield _setting("directory: /", directory="/")
    yield _setting("directory: /tmp", directory="/tmp")
    yield from _enter(plan)


def _environment(plan: Plan) -> Iterator[Weakening]:
    said: list[str] = plan["environment"]
    for index, pair in enumerate(said):
        name = pair.split("=")[0]
        rest = [*said[:index], *said[index + 1 :]]
        yield _setting(f"environment {name}: dropped", environment=rest)
        yield _setting(f"environment {name}: another", environment=[*rest, f"{name}=/other"])
    yield _setting("environment LEAKED=1: added", environment=[*said, "LEAKED=1"])
    yield _setting("environment LD_PRELOAD: added", environment=[*said, "LD_PRELOAD=/tmp/x.so"])
    yield _setting("environment: the other way round", environment=said[::-1])
    yield _setting("the jailer's environment LEAKED=1: added", environ=[*plan["environ"], "LEAKED=1"])


def _rlimits(plan: Plan) -> Iterator[Weakening]:
    said: list[tuple[int, int]] = plan["rlimits"]
    for index, (number, value) in enumerate(said):
        name = _NAMES[number]
        rest = [*said[:index], *said[index + 1 :]]
        yield _setting(f"{name}: dropped", rlimits=rest)
        yield _setting(f"{name}: raised", rlimits=[*rest, (number, max(1, value) * _HUGE)])
        yield _setting(f"{name}: raised afterwards", rlimits=[*said, (number, max(1, value) * _HUGE)])
    yield _setting("rlimits: the other way round", rlimits=said[::-1])


def _enter(plan: Plan) -> Iterator[Weakening]:
    account, scratch = plan["account"], plan["scratch"]
    yield _within("the account: not changed", "account", root=not account["root"])
    if account["root"]:
        yield _within("the account: root's", "account", uid=0, gid=0)
        yield _within("the account: another", "account", uid=4321, gid=4321)
    if scratch["tmpfs"]:
        yield _within("scratch: no tmpfs", "scratch", tmpfs=False)
        yield _within(f"scratch: size x {_HUGE}", "scratch", size_bytes=scratch["size_bytes"] * _HUGE)
        yield _within(f"scratch: files x {_HUGE}", "scratch", files=scratch["files"] * _HUGE)
    if scratch["made_by"] == "run":
        yield _within("scratch: in another way", "scratch", shown=not scratch["shown"])
    yield _setting("the watcher: the other way", watched=not plan["watched"])
    yield _setting("a bind before the jailer: added", binds=[*plan["binds"], ("/etc", "/run/sandbox/binds/x")])
    if plan["groups"] is not None:
        yield _setting("the control group: dropped", groups=None)
        for controller in plan["groups"]["parents"]:
            parents = {name: path for name, path in plan["groups"]["parents"].items() if name != controller}
            yield _within(f"the control group: without {controller}", "groups", parents=parents)


def _setting(name: str, **values: object) -> Weakening:
    return Weakening(name, lambda plan: plan.update(values))


def _within(name: str, key: str, **values: object) -> Weakening:
    def weaken(plan: Plan) -> None:
        plan[key] = {**plan[key], **values}

    return Weakening(name, weaken)


def of_data(plan: Plan, first: int) -> Iterator[Weakening]:
    """The made files, each on an fd of its own from `first` on: empty, and with the content of another."""

    def to(index: int, content: bytes) -> Callable[[Plan], None]:
        return lambda weakened: weakened["data"].__setitem__(index, content)

    for index, content in enumerate(plan["data"][first:], first):
        name = content.split(b"\n")[0].replace(b"\0", b"").decode()
        yield Weakening(f"the made file of {name}: empty", to(index, b""))
        yield Weakening(f"the made file of {name}: with a line more", to(index, content + b"other:x:0:\n"))
