"""Bytes as what strangers say of a job: the jailer's log, the launcher's records, the job's value, names in /proc."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from sandbox_cli import value as values
from sandbox_cli.backends import BACKENDS
from sandbox_cli.errors import HostError
from sandbox_cli.result import as_json, refusal
from sandbox_cli.run import fds, mounts, system, verdict
from sandbox_cli.run.globs import matcher
from sandbox_cli.run.jail import Jail
from sandbox_cli.run.outcome import add_rusage
from sandbox_cli.text import well_formed

STATUSES = (None, 0, 1, 2, 42, 126, 127, 137, 139, 255, -1, -9, -11, -31)
MOST_WORDS = 1000


def report(data: bytes) -> None:
    """Whatever a jailer logs: the same shape, and words that fit into one line."""
    status, log = STATUSES[data[0] % len(STATUSES)] if data else None, data[1:]
    for backend in BACKENDS.values():
        read = backend.read(status, log)
        assert read.keys() == {"failed", "hint"}
        for words in (read["failed"], read["hint"]):
            assert words is None or (words and "\n" not in words)
        assert status != 0 or backend.NAME == "firejail" or read["failed"] is None


def records(data: bytes) -> None:
    """Whatever comes from the process that is the launcher, with fds or without: it is taken, no fd stays open, and it
    ends in a verdict and a usage."""
    before = os.listdir("/proc/self/fd")
    ours, theirs = socket.socketpair()
    with ours, theirs, open(os.devnull) as null:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        for piece in filter(None, data.split(b"\xff")):
            socket.send_fds(theirs, [piece], [null.fileno()] * min(piece.count(b"\xfe"), 3))
        theirs.close()
        jail = _jail(ours, strangers=data.startswith(b"!"))
        while jail._talks:
            jail._read_records()
    fds.close(jail.scratch, jail.terminal)
    assert os.listdir("/proc/self/fd") == before
    if jail.total is not None:
        used: dict[str, float] = {}
        add_rusage(used, {}, jail.total)
        assert all(number >= 0 for number in used.values())
    limits: Any = {}
    seen: Any = {
        "cancelled": None, "killed": None, "failure": jail.fault, "started": jail.started, "end": jail.end,
        "kernel_killed": None,
        "cpu_time_s": 0.0, "report": {"failed": None, "hint": None}, "syscalls": None,
    }  # fmt: skip
    found = verdict.judge(seen, limits, "program")
    assert found["status"] in {"ok", "nonzero-exit", "signalled", "cannot-start", "sandbox-error"}
    json.dumps(found)


def _jail(control: socket.socket, *, strangers: bool) -> Jail:
    """One whose launcher is this process, past its gate, and with nothing to send."""
    jail = Jail.__new__(Jail)
    plan = {"account": {"root": False}}
    vars(jail).update(
        _jailer=_Jailer(control),
        _talks=True,
        terminal=None,
        _step=None,
        _plan=plan,
        _work={"inputs": []},
        _site=_Site(),
    )
    jail.init, jail.fault, jail.scratch, jail.inputs = (1 if strangers else os.getpid()), None, None, {}
    jail._forget()
    jail.opened = 1.0
    return jail


class _Site:
    def owns(self, directory: int) -> bool:
        return directory >= 0  # an ordinary user's: nobody else has processes that could send one


class _Jailer:
    def __init__(self, control: socket.socket) -> None:
        self.control = control


def value(data: bytes) -> None:
    """Whatever a job leaves as its value and its output: the result is JSON by the letter, and small words say why."""
    found, why = values.parse(data)
    assert why is None or (found is None and "\n" not in why and len(why) < MOST_WORDS)
    outcome: Any = refusal(HostError("x"), data[:9].decode(errors="surrogateescape"))
    outcome |= {"value": data or None, "stdout": data, "stderr": data[::-1], "stdout_truncated": len(data) % 2 == 1}
    artifact = {"path": data, "size_bytes": 1, "sha256": "", "content": data, "saved_to": None}
    outcome |= {"artifacts": [artifact], "artifacts_omitted": [(data, "x")]}
    text = json.dumps(as_json(outcome), allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(text)["value"] == well_formed(found)


def names(data: bytes) -> None:
    """Whatever paths are mounted and whatever a program calls itself, the seal reads what the kernel wrote."""
    paths = [b"/" + name for name in data.split(b"\0")]
    modes = {os.fsdecode(path): ("ro", "rw")[len(path) % 2] for path in paths}
    lines = [
        b"%d -%d 0:%d /%b %b %s,nosuid - tmpfs %b rw" % (n, n + 1, n, _escaped(path), _escaped(path),
        modes[os.fsdecode(path)].encode(), _escaped(path))
        for n, path in enumerate(paths)
    ]  # fmt: skip
    mounts.read_text, before = (lambda path: os.fsdecode(b"\n".join(lines) + b"\n")), mounts.read_text
    try:
        assert _modes(mounts.mountinfo(mounts.rows(1, 5))) == modes
    finally:
        mounts.read_text = before
    name = data[:15].replace(b"\0", b"").replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    status = os.fsdecode(b"Name:\t%b\nUmask:\t0022\nUid:\t5\t5\t5\t5\n" % name)
    assert system.fields_of(status, ("Umask", "Uid", "Gid")) == {"Umask": "0022", "Uid": "5\t5\t5\t5"}


def _modes(found: dict[str, mounts.Seen]) -> dict[str, str]:
    assert all(seen.kind == "tmpfs" for seen in found.values())
    return {path: "ro" if "ro" in seen.flags else "rw" for path, seen in found.items()}


def _escaped(path: bytes) -> bytes:
    """As the kernel writes a path (fs/proc_namespace.c)."""
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\" else bytes([byte]) for byte in path)


def globs(data: bytes) -> None:
    """A policy's globs and a job's names: they match or not, and a glob without magic matches itself alone."""
    pattern, _, path = data.partition(b"\0")
    text = os.fsdecode(pattern)
    matches = matcher([text])(path)
    if not {*"*?["} & {*text} and not text.startswith("./"):
        assert matches == (text == os.fsdecode(path))
    assert matcher(["**", text])(path)


def report_seeds() -> list[bytes]:
    return [
        b"\x02bwrap: Can't find source path /x: No such file or directory\n",
        b"\x09[W][2026][1] mountPt():123 open_tree('/x') failed: No such file or directory\n[F][2026][1] x():1 y\n",
        b"\x02Error: an existing sandbox was detected. /x will run without any additional sandboxing\n",
        b"\x02launcher: can't execute /x: No such file or directory\n",
        b"\x09nsjail: unrecognized option '--experimental_mnt'\n",
        b"\x02Warning: cannot create a new user namespace\nfirejail: a.c:12: f: Assertion `s.st_uid == 0' failed.\n",
    ]


def record_seeds() -> list[bytes]:
    return [
        b"ready\n\xffdir\n\xffarmed\n\xffstarted\n\xffexit 0\n\xfftotal 1000 2000 1024\n",
        b"started\nsignal 9 0\ntotal 0 0 0\n", b"execfail 2\n", b"armfail filter 22\n", b"nodir 13\n", b"notty 12\n",
        b"exit\n",
        b"!exit 0\ntotal 1 1 1\n", b"exit 99999999999999999999\n", b"\xfedir\n\xffdir\n", b"dir \xfe\n",
        b"tty\n\xfe\xff\xfe\xfetty\n\xffdir\n\xfe\xff\xfetorn",
    ]  # fmt: skip


def value_seeds() -> list[bytes]:
    return [
        b'{"a": [1, 2.5e10, true, null, "\\u00e9\\ud800"]}', b"[" * 200, b"!no value\nof JSON", b"NaN",
        b'{"a":1,"a":2}', b"1e999", b"\xff",
    ]  # fmt: skip


def name_seeds() -> list[bytes]:
    return [b"a b\0it's\\040\0x\ny\0\xe2\x80\xa8", b"Uid:\t0", b"\\134040\0\\"]


def glob_seeds() -> list[bytes]:
    return [b"out/**/*.png\0out/a/b.png", b"[a-z]?*\0b1", b"./x\0x", b"**/**/a\0a", b"[!]a-]\0]"]
