"""What a job is born with: its environment, directory, limits, descriptors, terminal and names, and nothing of ours."""

from __future__ import annotations

import math
import os
import re
import resource
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.policy import units
from sandbox_cli.verify import kernel
from sandbox_cli.verify.attempts import JAIL, Try, compared, measured, shows, so
from sandbox_cli.verify.calls import Out, call
from sandbox_cli.verify.case import SCRATCH
from sandbox_cli.verify.privileges import status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.verify.attempts import Judged
    from sandbox_cli.verify.calls import Answer
    from sandbox_cli.verify.case import Case

_HOST_SCRATCH = re.compile(r"/tmp/sandbox-[0-9a-f-]+")  # noqa: S108 - where a jailer can't show it at another path
_FIXED = {"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"}
_VARIABLE = "{{"  # a value with one of the policy's variables is not known here, but for scratch
_NO_CORE = 1  # byte: no file is as small, and at 0 a handler of the host's would still be started
_UNBOUNDED = (1 << 64) - 1  # RLIM_INFINITY
_UNAME_FIELD = 65
_TTY_FIELD = 4  # of /proc/PID/stat, behind the name
_HOSTS = ("127.0.0.1 localhost sandbox", "::1 localhost ip6-localhost ip6-loopback")
_BOOT_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n")
_NAMES = {"/etc/passwd": {"root", "sandbox", "nobody"}, "/etc/group": {"root", "sandbox", "nogroup"}}


def tries(case: Case) -> Iterator[Try]:
    yield _descriptors()  # before the probe itself opens any: where it may have no child, they stay open
    yield _environment(case)
    yield _directory(case)
    yield from _limits(case)
    yield _terminal()
    yield _host_name()
    yield _boot_id()
    yield _file_mode()
    for path, names in () if case.differs("passwd") else _NAMES.items():
        if path not in case.policy.filesystem and "/etc" not in case.policy.filesystem:
            yield _accounts(path, names)
    if not {"/etc", "/etc/hosts"} & case.policy.filesystem.keys():
        yield _hosts()


def _environment(case: Case) -> Try:
    said = case.policy.environment

    def read(answer: Answer) -> Judged:
        found = dict(word.split("=", 1) for word in os.fsdecode(answer.buffers[0]).split("\0") if "=" in word)
        scratch = found.get("HOME", "")
        wanted = {"HOME": scratch, "SANDBOX_VALUE": f"{scratch}/.sandbox-value", **_FIXED}
        for name, value in said.items():
            filled = value.replace("{{ scratch }}", scratch)
            wanted[name] = found.get(name, filled) if _VARIABLE in filled else filled
        if not _is_scratch(scratch, case):
            return f"HOME is {scratch}", "broken"
        return compared(map("=".join, found.items()), map("=".join, wanted.items()))

    told = ", ".join(sorted({*_FIXED, "HOME", "SANDBOX_VALUE", *said}))
    return shows("environment", "read the environment", kernel.reading("/proc/self/environ"), told, read)


def _is_scratch(path: str, case: Case) -> bool:
    if case.differs("scratch-path"):
        return _HOST_SCRATCH.fullmatch(path) is not None
    return path == SCRATCH


def _directory(case: Case) -> Try:
    wanted = case.policy.directory

    def read(answer: Answer) -> Judged:
        found = os.fsdecode(answer.buffers[0])
        return found, so(_is_scratch(found, case) if wanted is None else found == wanted)

    return shows(JAIL, "where the job starts", (call("getcwd", Out(4096), 4096),), wanted or "scratch", read)


def _limits(case: Case) -> Iterator[Try]:
    bounds = {name: limit.default for name, limit in case.policy.limits.items()}
    cpu_time = bounds["cpu_time"]
    for limit, kind, value in (
        ("file_size", resource.RLIMIT_FSIZE, bounds["file_size"]),
        ("open_files", resource.RLIMIT_NOFILE, bounds["open_files"]),
        ("cpu_time", resource.RLIMIT_CPU, None if cpu_time is None else math.ceil(cpu_time) + 1),
    ):
        if value is not None:
            yield _limit(f"limits.{limit}", f"what bounds {limit} of a process", kind, int(value), units.LIMITS[limit])
    yield _limit(JAIL, "how large a core dump may get", resource.RLIMIT_CORE, _NO_CORE, "size")


def _limit(clause: str, name: str, kind: int, value: int, of: units.Kind) -> Try:
    def read(answer: Answer) -> Judged:
        soft, hard = struct.unpack("=QQ", answer.buffers[0].ljust(16, b"\0"))
        told = _bound(soft, of) if soft == hard else f"{_bound(soft, of)}, raised to {_bound(hard, of)}"
        return told, measured(max(soft, hard), value)

    return shows(clause, name, (call("prlimit64", 0, kind, 0, Out(16)),), _bound(value, of), read)


def _bound(value: int, kind: units.Kind) -> str:
    return "none" if value == _UNBOUNDED else units.format_value(kind, value)


def _descriptors() -> Try:
    """Three, and that of the listing; and none of them leads to a file or a directory of the host's."""

    def read(answer: Answer) -> Judged:
        found = kernel.entries(answer.buffers[0], answer.results[1])
        return compared(found, {"0", "1", "2", "3"}, "0, 1, 2")

    return shows(JAIL, "use a descriptor of the caller's", kernel.listing("/proc/self/fd"), "0, 1, 2", read)


def _terminal() -> Try:
    def read(answer: Answer) -> Judged:
        fields = answer.buffers[0].decode(errors="replace").rpartition(")")[2].split()
        return "none" if fields[_TTY_FIELD] == "0" else f"device {fields[_TTY_FIELD]}", so(fields[_TTY_FIELD] == "0")

    return shows(JAIL, "have a terminal", kernel.reading("/proc/self/stat"), "none", read)


def _host_name() -> Try:
    def read(answer: Answer) -> Judged:
        field = answer.buffers[0][_UNAME_FIELD : 2 * _UNAME_FIELD]
        found = os.fsdecode(field.split(b"\0", 1)[0])
        return found, so(found == "sandbox")

    return shows(JAIL, "read the host's name", (call("uname", Out(6 * _UNAME_FIELD)),), "sandbox", read)


def _boot_id() -> Try:
    """It would tell which jobs share a host. A jailer may close it, or put one of the job's own there."""
    path, calls = "/proc/sys/kernel/random/boot_id", kernel.reading("/proc/sys/kernel/random/boot_id", 64)
    ours = Path(path).read_bytes()

    def judge(answer: Answer, _outside: Answer) -> Judged:
        if not answer.tried or answer.failed(len(calls)):
            return answer.word(len(calls)), "held" if answer.tried else "untried"
        if answer.buffers[0] == ours:
            return "the host's", "escaped"
        return ("one of its own", "held") if _BOOT_ID.fullmatch(answer.buffers[0]) else ("no boot id", "broken")

    return Try(JAIL, "read the host's boot id", calls, "no", judge, needs=False)


def _file_mode() -> Try:
    def read(answer: Answer) -> Judged:
        found = status(answer.buffers[0]).get("Umask", "")
        return found, so(found == "0022")

    return shows(JAIL, "what a new file's mode is without", kernel.reading("/proc/self/status"), "0022", read)


def _accounts(path: str, names: set[str]) -> Try:
    def read(answer: Answer) -> Judged:
        found = {line.split(":")[0] for line in answer.buffers[0].decode(errors="replace").splitlines()}
        return compared(found, names)

    return shows(JAIL, f"read {path}", kernel.reading(path), ", ".join(sorted(names)), read)


def _hosts() -> Try:
    def read(answer: Answer) -> Judged:
        lines = answer.buffers[0].decode(errors="replace").splitlines()
        return compared((" ".join(line.split()) for line in lines), _HOSTS, "itself alone")

    return shows(JAIL, "find hosts by name", kernel.reading("/etc/hosts"), "itself alone", read)
