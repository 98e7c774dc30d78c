"""`privileges`: no capability, no way to get one, no namespace of the host's; nobody but the job's own processes."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.verify import kernel
from sandbox_cli.verify.attempts import JAIL, Try, granted, impossible, refused, shows, so
from sandbox_cli.verify.calls import AT_FDCWD, Of, Out, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.verify.attempts import Judged
    from sandbox_cli.verify.calls import Answer, Call
    from sandbox_cli.verify.case import Case

_CLAUSE = "privileges"
_NAMESPACES = {
    "user": "host's accounts",
    "pid": "host's processes",
    "mnt": "host's mounts",
    "ipc": "host's IPC",
    "uts": "host's name",
}
_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
_WANTED = {**dict.fromkeys(_CAPABILITIES, "0" * 16), "NoNewPrivs": "1", "Seccomp": "2"}
_NEW_USER = 0x1000_0000
_KILL, _SEIZE = 9, 0x4206
_MEMORY = struct.pack("=QQ", 0x1000, 8)  # an iovec
_CREATE, _ALL_MAY = 0o1000, 0o600


def tries(case: Case) -> Iterator[Try]:
    yield _status()
    yield _ids(case)
    yield from _namespaces(case)
    for name, calls in {
        "become root": call("setuid", 0),
        "become root for a while": call("setresuid", -1, 0, -1),
        "join root's group": call("setgid", 0),
        "join groups": call("setgroups", 0, 0),
        "make a user namespace": call("unshare", _NEW_USER),
        "leave the root directory": call("chroot", "/"),
        "make a device": call("mknodat", AT_FDCWD, ".sandbox-verify", 0o20600, 0x103),
        "mount a file system": call("mount", "none", "/", "tmpfs", 0, 0),
        "make / writable": call("mount", "none", "/", 0, 0x1020, 0),  # MS_REMOUNT | MS_BIND
        "unmount what covers /": call("umount2", "/", 2),
        "change the host's name": call("sethostname", "sandbox-verify", 14),
        "raise its priority": call("setpriority", 0, 0, -20),
    }.items():
        yield refused(_CLAUSE, name, calls)
    yield from _processes(case)
    yield from _memory(case)


def _status() -> Try:
    def read(answer: Answer) -> Judged:
        found = status(answer.buffers[0])
        wrong = [f"{name} {found.get(name)}" for name, value in _WANTED.items() if found.get(name) != value]
        return ", ".join(wrong) or "none", so(not wrong)

    calls = kernel.reading("/proc/self/status")
    return shows(_CLAUSE, "use a capability, or get one by a program", calls, "none, ever", read)


def _ids(case: Case) -> Try:
    uids, gid = case.uids, case.gid
    told = f"uid {uids[0]}" if len(uids) == 1 else "a uid of its own"

    def read(answer: Answer) -> Judged:
        found = status(answer.buffers[0])
        uid, gids = int(found["Uid"].split()[0]), {*map(int, found["Gid"].split())}
        same = {*map(int, found["Uid"].split())} == {uid} and uid in uids and gids == {uid if gid is None else gid}
        return f"uid {uid}, gid {min(gids)}", so(same)

    return shows(_CLAUSE, "who the job is", kernel.reading("/proc/self/status"), told, read)


def status(buffer: bytes) -> dict[str, str]:
    """/proc/PID/status (proc(5))."""
    lines = (line.partition(":\t") for line in buffer.decode(errors="replace").splitlines())
    return {name: value for name, _, value in lines}


def _namespaces(case: Case) -> Iterator[Try]:
    wanted = dict(_NAMESPACES)
    if not case.differs("cgroup-namespace"):
        wanted["cgroup"] = "host's control groups"
    wanted["net"] = "host's network"
    for name, words in wanted.items():
        ours, shared = str(Path(f"/proc/self/ns/{name}").readlink()), name == "net" and case.policy.network == "host"

        def read(answer: Answer, ours: str = ours, shared: bool = shared) -> Judged:
            same = os.fsdecode(answer.buffers[0]) == ours
            return "the same" if same else "its own", so(same) if shared else so(not same)

        asked = call("readlinkat", AT_FDCWD, f"/proc/self/ns/{name}", Out(64), 64)
        clause = "network" if name == "net" else _CLAUSE
        yield shows(clause, f"share the {words}", (asked,), "the same" if shared else "its own", read)


def _processes(case: Case) -> Iterator[Try]:
    def read(answer: Answer) -> Judged:
        pids = {int(name) for name in kernel.entries(answer.buffers[0], answer.results[1]) if name.isdigit()}
        # 1, the launcher where it isn't that, the probe and its child
        own = len(pids) <= (4 if case.differs("pids") else 3) and 1 in pids
        return "the job's own" if own else f"{len(pids)} processes", so(own)

    yield shows(JAIL, "list processes", kernel.listing("/proc"), "the job's own", read)
    launcher = call("getppid")
    for name, other in (("process 1", 1), ("the launcher", Of(0))):
        yield _of_the_probe(refused(JAIL, f"trace {name}", launcher, call("ptrace", _SEIZE, other, 0, 0)))
        # Both sides name memory that nobody has: who may look is asked before that is seen.
        reading = call("process_vm_readv", other, _MEMORY, 1, _MEMORY, 1, 0)
        yield _of_the_probe(
            refused(JAIL, f"read the memory of {name}", launcher, reading, errors={"EPERM", "ESRCH", "SIGSYS"})
        )
        yield _of_the_probe(_going_on(f"kill {name}", launcher, call("kill", other, _KILL)))
    yield _going_on("go on after that", launcher)


def _of_the_probe(each: Try) -> Try:
    """Its parent is the launcher; that of a child that makes the attempt would be the probe. A filter may end it."""
    return each._replace(by_itself=True, last=True)


def _going_on(name: str, *calls: Call) -> Try:
    """Whatever the kernel answers: what isn't tried any more is the proof that it ended the jail."""

    def judge(answer: Answer, _outside: Answer) -> Judged:
        return ("the job goes on", "held") if answer.tried else ("it ended the job", "escaped")

    return Try(JAIL, name, calls, "no", judge, needs=False, last=True)


def _memory(case: Case) -> Iterator[Try]:
    key, name = case.targets.segment, "find shared memory of the host (SysV)"
    if key is None:
        yield impossible(JAIL, name, "no", "none can be made on this host")
    else:
        yield refused(JAIL, name, call("shmget", key, 0, 0))
    yield granted(
        JAIL,
        "make shared memory of its own (SysV)",
        call("shmget", 0, 4096, _CREATE | _ALL_MAY),
        call("shmctl", Of(0), 0, 0),
    )
