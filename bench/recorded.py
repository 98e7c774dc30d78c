"""The same jobs without us: what the run starts is written down, and a loop in C starts it again, and again.

A form is how much of a job the loop does: the jailer with the program in the launcher's place; with the launcher; with
the scratch and the account that root's jobs get; with a control group of its own. Nothing is rendered a second time:
of one real job for each slot it is recorded what was started, said, made and written.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from sandbox_cli import launcher
from sandbox_cli.run import channel, execute
from sandbox_cli.run.limits import cgroup_v1, cgroup_v2, cgroupfs, group
from sandbox_cli.slots import DATA_FD

if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Sequence
    from typing import Self

    from sandbox_cli.plan.model import Plan

FORMS = {
    "jailer": "the jailer, which starts the program",
    "launcher": "with the launcher on both sides of it",
    "scratch": "with scratch and an account of its own",
    "group": "with a control group",
}
OF_ROOT = {"scratch": ("-s", "-o", "-u", "-G", "-b"), "group": ("-g",)}  # the options of `enter` that make a form
PROCS = "/cgroup.procs"
WORK: Any = {
    "id": "bench", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None, "stdout": None,
    "stderr": None, "capture": 1 << 20, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip


class Slot(NamedTuple):
    """What the run did of one job, in the order of loop.c."""

    argv: list[bytes]
    environ: list[bytes]
    data: list[bytes]
    message: list[bytes]
    directories: list[bytes]
    writes: list[bytes]
    joins: list[bytes]

    def packed(self) -> bytes:
        return b"".join(
            struct.pack("=I", len(strings)) + b"".join(struct.pack("=I", len(each)) + each + b"\0" for each in strings)
            for strings in self
        )


class Ran(NamedTuple):
    seconds: float
    own_s: float  # CPU time
    children_s: float


def record(compiled: Plan) -> Slot:
    """Runs one job, and writes down what that takes."""
    slot = Slot([], [], [], [], [], [], [])
    groups = tuple(compiled["groups"]["parents"].values()) if compiled["groups"] else ()
    spawn, send, make, write = os.posix_spawn, channel.send, os.mkdir, cgroupfs.write

    def spawned(
        program: str,
        argv: list[str | bytes],
        environ: dict[Any, Any],
        *,
        file_actions: list[tuple[int, int, int]],
        **attributes: Any,  # noqa: ANN401 (whatever posix_spawn takes: of the start, not of what is started)
    ) -> int:
        slot.argv.extend(map(os.fsencode, argv))
        slot.environ.extend(os.fsencode(name) + b"=" + os.fsencode(value) for name, value in environ.items())
        sources = {place: source for _, source, place in file_actions}
        slot.data.extend(os.pread(sources[DATA_FD + index], 1 << 20, 0) for index in range(len(compiled["data"])))
        return spawn(program, argv, environ, file_actions=file_actions, **attributes)

    def sent(control: socket, text: bytes, fds: Sequence[int]) -> None:
        slot.message.append(text)
        send(control, text, fds)

    def made(path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        make(path, mode, dir_fd=dir_fd)
        if path.startswith(groups):
            slot.directories.append(_own(path))

    def written(path: str, value: object) -> None:
        write(path, value)
        if path.endswith(PROCS):
            slot.joins.append(_own(path))
        elif not path.endswith("/cgroup.event_control"):  # whose value is fds of ours
            slot.writes.extend((_own(path), str(value).encode()))

    with ExitStack() as patches:
        for place, name, new in (
            (os, "posix_spawn", spawned),
            (channel, "send", sent),
            (os, "mkdir", made),
            *((module, "write", written) for module in (group, cgroup_v1, cgroup_v2)),
        ):
            patches.enter_context(mock.patch.object(place, name, new))
        outcome = execute(compiled, WORK)
    if outcome["status"] != "ok":
        raise SystemExit(f"a job ends with {outcome['status']}: {outcome['cause']}")
    slot.argv[:] = [_own(word) if word.startswith(tuple(map(os.fsencode, groups))) else word for word in slot.argv]
    return slot


def _own(path: str | bytes) -> bytes:
    """A group of the loop's: one with a run's name, and without its lock, would be swept."""
    return os.fsencode(path).replace(b"/sandbox-", b"/bench-sandbox-")


class Loop:
    """Runs the jobs of one plan in C, in each form that this account has, as many at once as there are slots."""

    def __init__(self, compiled: Plan, side_by_side: int) -> None:
        self._slots = [record(compiled) for _ in range(side_by_side)]
        self._program = [os.fsencode(word) for word in compiled["command"]]
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        Path(self._folder.name).chmod(0o755)  # the jobs' account starts what is in it
        self._binary = f"{self._folder.name}/loop"
        self._launcher = shutil.copy(launcher.path(), self._folder.name)  # a checkout may be closed to that account
        source = Path(__file__).with_name("loop.c")
        subprocess.run(["cc", "-O2", "-Wall", "-o", self._binary, source], check=True)
        account = compiled["account"]["root"]
        group = bool(self._slots[0].directories)
        self.forms = [form for form in FORMS if (account or form != "scratch") and (group or form != "group")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()
        for slot in self._slots:  # a loop that failed leaves them
            cgroupfs.remove([os.fsdecode(directory) for directory in slot.directories])

    def run(self, form: str, jobs: int) -> Ran:
        """All of them in that form. A job that fails is the end."""
        account: dict[str, Any] = {}
        if "scratch" in self.forms and form in ("jailer", "launcher"):
            # Whom `enter` would become the loop is from its start; the accounts of all jobs are then one.
            values = self._slots[0].argv
            uid = int(values[values.index(b"-u") + 1])
            account = {"user": uid, "group": uid, "extra_groups": []}
        command = [self._binary, str(jobs), str(len(self._slots)), self._launcher]
        loop = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **account)
        slots = [self._slots[0]] * len(self._slots) if account else self._slots
        said, _ = loop.communicate(b"".join(self._as(form, slot, loop.pid).packed() for slot in slots))
        if loop.returncode:
            raise SystemExit(f"the loop failed in the form {form!r}")
        return Ran(*map(float, said.split()))

    def _as(self, form: str, slot: Slot, pid: int) -> Slot:
        enter, jailer = _divided(slot.argv)
        if form == "jailer":
            return slot._replace(argv=[*jailer[:-3], *self._program], message=[], directories=[], writes=[], joins=[])
        wanted = list(FORMS)[: list(FORMS).index(form) + 1]
        left = {option for name, options in OF_ROOT.items() if name not in wanted for option in options}
        pairs = [(option, value) for option, value in enter if option.decode() not in left]
        words = [word for option, value in pairs for word in (option, b"%d" % pid if option == b"-p" else value)]
        slot = slot._replace(argv=[os.fsencode(self._launcher), b"enter", *words, b"--", *jailer])
        return slot if form == "group" else slot._replace(directories=[], writes=[], joins=[])


def _divided(argv: list[bytes]) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """The options of `enter`, and what stands behind them: the jailer's own."""
    end = argv.index(b"--")
    return list(zip(argv[2:end:2], argv[3:end:2], strict=True)), argv[end + 1 :]
