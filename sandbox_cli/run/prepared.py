"""What is the same at every run of one plan, worked out once: a plan may be run a hundred thousand times.

It is kept by the plan's identity: a plan that has run once is not changed any more.
"""

from __future__ import annotations

import os

from sandbox_cli import launcher
from sandbox_cli.run import channel
from sandbox_cli.run.limits.rlimit import within_ours
from sandbox_cli.slots import BOOT_ID, GID, HOST_SCRATCH, SCRATCH, UID, boot_id, of_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping
    from typing import Any, TypeVar

    from sandbox_cli.plan.model import Plan, Step
    from sandbox_cli.run.model import Work
    from sandbox_cli.run.scratch import Site

    Made = TypeVar("Made")
    Slots = Mapping[bytes, bytes]

IN_JAIL = "/sandbox"  # scratch, where it doesn't keep its own path
_MOST_PLANS = 64  # that are remembered
_MOST_TEXTS = 16  # of a plan: below firejail each job has a path of its own, and none is seen twice

_prepared: dict[int, Prepared] = {}


class Prepared:
    """A plan, with its words as bytes, and what was found out about it while it ran."""

    def __init__(self, plan: Plan) -> None:
        fixed = _fixed(plan)
        self.plan = plan
        self.launcher = launcher.path()
        self.argv = Words(plan["argv"], fixed)
        self.data = Words(plan["data"], fixed)
        self.environ = Words(plan["environ"], fixed)
        self.environment = Words(plan["environment"], fixed)
        self.known = Known()
        self.swept: float | None = None  # when what others left was looked for (time.monotonic)
        self._program = Words(_program(plan), fixed)
        self._compiler = Words(_program(plan["compile"]), fixed) if plan["compile"] is not None else None

    def message(self, step: Step, arguments: list[bytes], work: Work, site: Site, slots: Slots) -> bytes:
        """What has the launcher run a step."""
        directory, path, *own = self._words(step).filled(slots)
        environment = [*self.environment.filled(slots), *work["environment"]]
        return channel.message(
            scratch=os.fsencode(site.path),
            directory=directory,
            path=path,
            arguments=own + arguments,
            environment={pair.split(b"=", 1)[0]: pair for pair in environment}.values(),
            rlimits=within_ours(step["rlimits"]),
            bpf=self.plan["filter"],
            # The compiler has a terminal too: nothing but that turns Ctrl-C into a signal, and ends lines for ours.
            flags=(0 if step is self.plan else channel.ANOTHER_FOLLOWS)
            | (channel.TERMINAL if work.get("terminal") else 0),
        )

    def _words(self, step: Step) -> Words:
        """The working directory of a step, its program, and the arguments of that, its own name first."""
        return self._program if step is self.plan or self._compiler is None else self._compiler


class Words:
    """Strings with slots: what a plan knows of them is filled and encoded already."""

    __slots__ = ("_open", "_words")

    def __init__(self, texts: Iterable[str | bytes], fixed: Slots) -> None:
        self._words = [fill(os.fsencode(text), fixed) for text in texts]
        self._open = [index for index, word in enumerate(self._words) if b"\0" in word]

    def filled(self, slots: Slots) -> list[bytes]:
        """All of them, in a list of the caller's own."""
        words = self._words.copy()
        for index in self._open:
            words[index] = fill(words[index], slots)
        return words


class Known:
    """What pure functions made of texts of /proc: where the next job's says the same, nothing is worked out again."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What was made for `key`; the caller leaves it as it is."""
        found: Made | None = self._found.get(key)
        if found is None:
            if len(self._found) >= _MOST_TEXTS:
                self._found.clear()
            found = self._found[key] = make()
        return found


def prepare(plan: Plan) -> Prepared:
    """The plan as it was prepared at its first run. Threads may ask at once: at worst both prepare it."""
    found = _prepared.get(id(plan))  # no other plan has its number: this one is held
    if found is None:
        if len(_prepared) >= _MOST_PLANS:
            _prepared.clear()
        found = _prepared[id(plan)] = Prepared(plan)
    return found


def fill(word: bytes, slots: Slots) -> bytes:
    """A word with its slots filled."""
    if b"\0" in word:
        for slot, value in slots.items():
            word = word.replace(slot, value)
    return word


def slots(site: Site, file: bytes | None) -> dict[bytes, bytes]:
    """What one job fills them with."""
    values = {
        SCRATCH: site.path,
        HOST_SCRATCH: site.host or site.path,
        UID: str(site.uid),
        GID: str(site.gid),
        BOOT_ID: boot_id(os.urandom(16)),
        **of_file(os.fsdecode(file or b"")),
    }
    return {slot.encode(): os.fsencode(value) for slot, value in values.items()}


def _fixed(plan: Plan) -> dict[bytes, bytes]:
    """Of these what no job changes."""
    account = plan["account"]
    values: dict[str, object] = {} if plan["scratch"]["shown"] else {SCRATCH: IN_JAIL}
    if account["uid"] is not None and account["gid"] is not None:
        values |= {UID: account["uid"], GID: account["gid"]}
    return {slot.encode(): str(value).encode() for slot, value in values.items()}


def _program(step: Step) -> list[str]:
    path, *arguments = step["command"]
    return [step["directory"], path, step["argv0"], *arguments]
