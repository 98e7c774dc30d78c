"""The probe, made to do its work: as a job in a jail, and by itself as the same account."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import HostError
from sandbox_cli.run import execute
from sandbox_cli.slots import SCRATCH
from sandbox_cli.verify.calls import UNTOLD, answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.plan.model import Limit, Plan
    from sandbox_cli.result import Outcome
    from sandbox_cli.run.model import Work
    from sandbox_cli.verify.calls import Answer

HERE = Path(__file__).parent
NAME = ".sandbox-probe"  # below scratch
_INPUT = 200 << 10  # less than it has room for
_OUTSIDE_S = 60
# What the supervisor holds bounds what the probe may say, and is no part of the jail. It is tried by jobs of its own.
_ROOM = {"wall_time": 60.0, "output": float(16 << 20), "cpu_time": 60.0}


def path() -> Path:
    """The built program; HostError where it is not built, or is older than its source (an editable install)."""
    program, source = HERE / "probe", HERE / "probe.c"
    if not program.exists():
        raise HostError("the probe is not built", hint="run `make launcher`")
    if source.exists() and source.stat().st_mtime_ns > program.stat().st_mtime_ns:
        raise HostError("the probe is older than probe.c", hint="run `make launcher`")
    return program


def in_jail(plan: Plan, lines: Sequence[bytes], *, room: bool = True) -> tuple[Outcome, list[Answer]]:
    """Makes the attempts in the jail of `plan`, whatever its own program is. HostError where there is no jail.

    `room` gives them all the time and output that they take. The outcome is the first that isn't ok, else the last.
    """
    own: Plan = {
        **plan,
        "command": [f"{SCRATCH}/{NAME}"],
        "argv0": NAME,
        "compile": None,
        "file": None,
        "limits": {name: _with_room(name, limit) if room else limit for name, limit in plan["limits"].items()},
    }
    answers: list[Answer] = []
    while True:
        some = _as_many_as_fit(lines[len(answers) :])
        outcome = execute(own, work(b"".join(some), [(NAME.encode(), str(path()), 0o755)]))
        error = outcome["error"]
        if error is not None:
            raise HostError(error["message"], hint=error["hint"], gaps=error["gaps"])
        answers += _read(outcome["stdout"], len(some))
        if outcome["status"] != "ok" or len(answers) == len(lines):
            return outcome, answers + [UNTOLD] * (len(lines) - len(answers))


def outside(lines: Sequence[bytes], uid: int | None = None, gid: int | None = None) -> list[Answer]:
    """Makes the attempts without a jail, as that account or whoever asks: what is no matter for root is not for it."""
    descriptor = os.open(path(), os.O_RDONLY | os.O_CLOEXEC)  # root may have it below a closed folder
    try:
        with subprocess.Popen(
            [f"/proc/self/fd/{descriptor}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={}, cwd="/", pass_fds=[descriptor], start_new_session=True,
            user=uid, group=gid, extra_groups=None if uid is None else [],
        ) as process:  # fmt: skip
            try:
                said, _ = process.communicate(b"".join(lines), _OUTSIDE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                said = b""
    finally:
        os.close(descriptor)
    return _read(said, len(lines))


def work(stdin: bytes, inputs: Sequence[tuple[bytes, bytes | str, int]]) -> Work:
    return {
        "id": "verify",
        "arguments": [],
        "file": None,
        "inputs": list(inputs),
        "environment": [],
        "stdin": stdin,
        "stdout": None,
        "stderr": None,
        "capture": 16 << 20,
        "collect": "none",
        "output_dir": None,
        "cancel": None,
    }


def _as_many_as_fit(lines: Sequence[bytes]) -> list[bytes]:
    """The probe reads them all before it begins."""
    some: list[bytes] = []
    size = 0
    for each in lines:
        size += len(each)
        if some and size > _INPUT:
            break
        some.append(each)
    return some


def _with_room(name: str, limit: Limit) -> Limit:
    return {**limit, "value": max(limit["value"], _ROOM[name])} if name in _ROOM else limit


def _read(said: bytes, count: int) -> list[Answer]:
    """What a probe that ended too early didn't say, nobody knows. Of half a line nothing is believed."""
    answers = [answer(line) for line in said.split(b"\n")[:-1]][:count]
    return answers + [UNTOLD] * (count - len(answers))
