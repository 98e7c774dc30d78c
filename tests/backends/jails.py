"""Starts a rendered jail as the supervisor would, with an inspecting Python in the place of the launcher."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox_cli.slots import BOOT_ID, CONTROL_FD, DATA_FD, GID, HOST_SCRATCH, LAUNCHER_FD, SCRATCH, UID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.backends.base import Invocation
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
IN_JAIL = "/sandbox"
SIZED = 'mount -t tmpfs -o "$1" scratch "$2" && shift 2 && exec "$@"'
PROGRAM = ("/usr/bin/python3", "-IS", f"/proc/self/fd/{LAUNCHER_FD}")

# What a host may forbid, tried in a user namespace of the test's own.
NO_NAMESPACES = ("unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh")
COVERED_PROC = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs covered /proc/irq && exec "$@"', "sh")

LOOK = r"""
import json, os, socket
def read(path):
    try:
        with open(path, errors="surrogateescape") as file: return file.read()
    except OSError as error: return error.strerror
def names(path):
    try: return sorted(os.listdir(path))
    except OSError as error: return error.strerror
def plain(path): return path.replace("\\040", " ").replace("\\134", "\\")
def mode(fields): return "ro" if "ro" in fields[5].split(",") or "ro" in fields[-1].split(",") else "rw"
def tried(path):
    try:
        with open(path + "/.tried", "x"): pass
        os.unlink(path + "/.tried")
    except OSError as error: return error.strerror
    return "writable"
rows = [line.split(" ") for line in read("/proc/self/mountinfo").split("\n") if line]
status = dict(line.split(":\t", 1) for line in read("/proc/self/status").split("\n") if ":\t" in line)
seen = {
    "mounts": [[plain(row[4]), mode(row)] for row in rows], "status": status, "hostname": socket.gethostname(),
    "top": names("/"), "dev": names("/dev"), "etc": names("/etc"), "cwd": os.getcwd(), "environ": dict(os.environ),
    "uid_map": read("/proc/self/uid_map").split(), "groups": os.getgroups(), "nice": os.nice(0),
    "interfaces": sorted(line.split(":")[0].strip() for line in read("/proc/net/dev").split("\n")[2:] if line),
    "made": {name: read("/etc/" + name) for name in ("passwd", "group", "hosts")},
    "tried": {path: tried(path) for path in ("/", "/dev", "/usr", "/etc", "/tmp", "/dev/shm", ".", "/run", "/home")},
    "scratch_mode": os.stat(".").st_mode & 0o7777,
}
"""
TELL = "\nprint(json.dumps(seen))\n"


@dataclass(frozen=True)
class Jailer:
    """A backend, the program that it drives, and the account that the job is to have."""

    backend: Any
    program: str
    host: Host
    uid: int
    gid: int
    as_root: bool  # whether a supervisor that is root starts it

    @property
    def name(self) -> str:
        return str(self.backend.NAME)


@dataclass(frozen=True)
class Ended:
    """How a jail ended, and what was said on its streams."""

    status: int
    stdout: bytes
    log: bytes
    invocation: Invocation
    scratch: str

    @property
    def seen(self) -> dict[str, Any]:
        assert self.status == 0, self.log.decode(errors="replace")
        result: dict[str, Any] = json.loads(self.stdout)
        return result


def look(jailer: Jailer, policy: Policy, directory: str, more: str = "", *, before: str = "") -> dict[str, Any]:
    """What a program sees in the jail; `more` is Python that adds to `seen`."""
    return start(jailer, jailer.backend.render(policy, jailer.host), directory, LOOK + more + TELL, before=before).seen


def start(
    jailer: Jailer,
    invocation: Invocation,
    directory: str,
    script: str = "",
    *,
    before: str = "",
    around: Sequence[str] = (),
    program: Sequence[str] = PROGRAM,
) -> Ended:
    """Runs `script` in a jail. `directory` is one of the host's that the job owns: scratch, where the run makes that.

    `before` is a shell command of root's ahead of the jailer, `around` what starts everything.
    """
    words, data = command(jailer, invocation, directory, program, before, around)
    contents = [script.encode(), *data]
    files = [_memfd(content) for content in contents]
    places = {CONTROL_FD: os.open(os.devnull, os.O_RDONLY), LAUNCHER_FD: files[0]}
    places.update({DATA_FD + index: fd for index, fd in enumerate(files[1:])})
    waiting = {place: fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for place, fd in places.items()}

    def put() -> None:
        for place, fd in waiting.items():
            os.dup2(fd, place)

    try:
        done = subprocess.run(
            words, env={"PATH": PATH}, stdin=subprocess.DEVNULL, capture_output=True,
            preexec_fn=put, pass_fds=sorted({*waiting, *waiting.values()}), cwd="/", timeout=30, check=False,
        )  # fmt: skip
    finally:
        for fd in {*places.values(), *waiting.values()}:
            os.close(fd)
    return Ended(done.returncode, done.stdout, done.stderr, invocation, scratch_path(invocation, directory))


def command(
    jailer: Jailer,
    invocation: Invocation,
    directory: str,
    program: Sequence[str],
    before: str,
    around: Sequence[str],
) -> tuple[list[str], list[bytes]]:
    """The whole command and the data, their slots filled."""
    values = {
        SCRATCH: scratch_path(invocation, directory),
        HOST_SCRATCH: directory,
        UID: str(jailer.uid),
        BOOT_ID: "made up",
        GID: str(jailer.gid),
    }

    def filled(text: str) -> str:
        for slot, value in values.items():
            text = text.replace(slot, value)
        return text

    words = [*(filled(word) for word in invocation["argv"][:-3]), *program]
    words = ["env", "-i", *invocation["environ"], *words]
    scratch = invocation["scratch"]
    if jailer.as_root:
        identity = ["--reuid", str(jailer.uid), "--regid", str(jailer.gid), "--clear-groups"]
        words = ["setpriv", *identity, *words]
        if before:
            words = ["sh", "-c", f'{before}; exec "$@"', "sh", *words]
        if scratch["tmpfs"]:
            sizes = f"size={scratch['size_bytes']},nr_inodes={scratch['files'] + 1}"
            options = f"{sizes},mode=0700,uid={jailer.uid},gid={jailer.gid}"
            words = ["sh", "-c", SIZED, "sh", options, directory, *words]
        words = ["unshare", "--mount", "--propagation", "slave", *words]
    elif os.getuid() != jailer.uid and not around:
        words = ["setpriv", "--reuid", str(jailer.uid), "--regid", str(jailer.gid), "--clear-groups", *words]
    words = [*around, *words]
    return words, [os.fsencode(filled(os.fsdecode(piece))) for piece in invocation["data"]]


def scratch_path(invocation: Invocation, directory: str) -> str:
    return directory if invocation["scratch"]["shown"] else IN_JAIL


def faults(seen: dict[str, Any], invocation: Invocation, directory: str) -> list[str]:
    """What the seal would object to: the rule of the seal, said once more."""
    facts = invocation["seal"]
    found = dict(seen["mounts"])  # the last one of a path is on top
    planned = {each["path"].replace(SCRATCH, scratch_path(invocation, directory)): each for each in facts["mounts"]}
    modes = {path: each["flags"][0] for path, each in planned.items()}
    wrong = [f"{path}: {found.get(path)}, not {mode}" for path, mode in modes.items() if found.get(path) != mode]
    for path, mode in found.items() if facts["whole"] else ():
        above = max((each for each in planned if path.startswith(each.rstrip("/") + "/")), key=len, default=None)
        if path in planned:
            continue
        if above is None or "source" not in planned[above]:
            wrong.append(f"{path}: not planned")
        elif mode == "rw" and modes[above] == "ro":
            wrong.append(f"{path}: writable in what is read-only")
    return wrong


def _memfd(content: bytes) -> int:
    fd = os.memfd_create("given", os.MFD_CLOEXEC)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
