"""The job's own directory, account and group: made before the jail, gone after it, swept when a crash left them.

Three ways (plan/model.py, Scratch): the jailer makes a tmpfs in the jail, and nothing of it is ever on the
host; as root `enter` mounts a tmpfs over one fixed empty directory, in a mount namespace of its own, so
that any number of jobs share that directory at once; for firejail, which shows a directory only at its own
path, a directory in /tmp is made for each job (names.py).
"""

from __future__ import annotations

import fcntl
import math
import os
import stat
import struct
import time

from sandbox_cli.backends import BACKENDS
from sandbox_cli.errors import HostError
from sandbox_cli.run import names
from sandbox_cli.run.fds import Origin, close, own
from sandbox_cli.run.limits import groups
from sandbox_cli.run.prepared import IN_JAIL
from sandbox_cli.run.system import lines_of
from sandbox_cli.run.tree import FOLDER, open_entry, unlock
from sandbox_cli.slots import UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.plan.model import Account, Plan

STATE = "/run/sandbox"  # root's: what all its jobs share
MOUNT_POINT = STATE + "/scratch"
TEMPORARY = "/tmp"  # noqa: S108 - names are made by mkdir, never reused; firejail can show a directory of /tmp, not one of /var/tmp


class Site:
    """Where one job lives: its scratch as the job and as the jailer see it, its account and its control group."""

    def __init__(self, plan: Plan) -> None:
        scratch = plan["scratch"]
        self._origin = Origin()
        self.host: str | None = None
        self._alive: int | None = None  # the lock on a directory of our own: no sweep takes it while we live
        self._lock: int | None = None
        self.group = groups.make(plan)
        try:
            self.uid, self.gid, self._lock = _identity(plan["account"])
            for source, target in plan["binds"]:
                if os.path.isdir(source):
                    _state_directory(target)
                else:
                    _state_file(target)
            if scratch["made_by"] == "run":
                if scratch["shown"]:
                    self.host, self._alive = names.make(TEMPORARY, 0o700)
                else:
                    self.host = _state_directory(MOUNT_POINT)
        except (HostError, OSError) as error:
            close(self._lock)
            if self.group is not None:
                self.group.close()
            if isinstance(error, HostError):
                raise
            raise no_room(error) from error
        self._leftovers = BACKENDS[plan["backend"]].LEFTOVERS if self._lock is not None else ()
        self.path = self.host if self.host and scratch["shown"] else IN_JAIL
        self._by_root = plan["account"]["root"]
        self._mounted = bool(scratch["tmpfs"] and self.host)

    def owns(self, directory: int) -> bool:
        """Whether an fd that came out of the jail can be that of scratch.

        As root with `-C` the job's account is somebody who has processes on the host too, and can take the jailer over:
        root must not write, read and chmod in whatever directory he passes for it.
        """
        if not self._by_root:
            return True  # nobody else's
        looks = os.fstat(directory)
        if not stat.S_ISDIR(looks.st_mode) or looks.st_uid != self.uid:
            return False
        return not self._mounted or f"{os.major(looks.st_dev)}:{os.minor(looks.st_dev)}" not in _mounted_devices()

    def close(self) -> None:
        """Removes what was made; the account is free for the next job. In a fork it is not this process's to remove."""
        if not self._origin.is_here:
            return
        if self.group is not None:
            self.group.close()
        if self._alive is not None and self.host:
            remove_tree(self.host, ours=True)
            close(self._alive)
        for pattern in self._leftovers:
            _remove_empty(pattern.replace(UID, str(self.uid)))
        close(self._lock)


def _mounted_devices() -> set[str]:
    """The file systems of the host: what `enter` mounts is in its own mount namespace alone."""
    return {line.split(" ", 3)[2] for line in lines_of("/proc/self/mountinfo")}


def no_room(error: OSError) -> HostError:
    """What keeps us from making a directory or a file of ours."""
    return HostError(
        f"can't make a scratch directory: {error.strerror}: {error.filename}",
        hint=f"free some room in {TEMPORARY} and {STATE}, or make them writable",
    )


def sweep(accounts: tuple[int, int], patience_s: float = math.inf) -> list[str]:
    """Removes the scratch directories that nobody has a lock on, and returns their paths.

    As root also what jailers left of `accounts`, those of its jobs. With `patience_s` it leaves to the next sweep what
    takes longer: nobody's job waits for the millions of files of another.
    """
    until = time.monotonic() + patience_s
    removed: list[str] = []
    for name in _names(TEMPORARY):
        if names.is_of_this_account(name):
            path = f"{TEMPORARY}/{name}"
            if remove_tree(path, until=until):
                removed.append(path)
    try:
        return removed + (_sweep_leftovers(*accounts) if os.geteuid() == 0 else [])
    except OSError as error:
        raise no_room(error) from error


def _sweep_leftovers(first: int, last: int) -> list[str]:
    """What a jailer left of an account of root's jobs that none has now."""
    removed: list[str] = []
    for backend in BACKENDS.values():
        for pattern in backend.LEFTOVERS:
            folder, _, name = pattern.rpartition("/")
            before, _, after = name.partition(UID)
            for each in _names(folder):
                uid = each[len(before) : len(each) - len(after)]
                if (
                    each != f"{before}{uid}{after}"
                    or not (uid.isascii() and uid.isdigit())
                    or not first <= int(uid) <= last
                ):
                    continue
                lock = _lock(int(uid))
                if lock is not None and _remove_empty(f"{folder}/{each}"):
                    removed.append(f"{folder}/{each}")
                close(lock)
    return removed


def _names(folder: str) -> list[str]:
    """What is in a folder; of one that isn't there, or may only be passed through, nothing can be known."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove_empty(path: str) -> bool:
    try:
        os.rmdir(path)
    except OSError:
        return False  # it was never made, or somebody put something there
    return True


def remove_tree(path: str, *, ours: bool = False, until: float = math.inf) -> bool:
    """Removes a directory whatever a job did in it: closed folders, links, trees deeper than any stack.

    Each folder is emptied into the top one before it is entered, so that no path grows and no fd is held for
    a level. Nothing is followed: a symbolic link is a name like any other. A directory whose lock is held is
    somebody's who lives, and stays, unless it is `ours`: what a job did to the lock doesn't count then.

    Says whether it is gone. What is left - at `until` there was still something, or somebody writes in it - is for the
    next sweep: no other job, and no outcome, is lost for it.
    """
    try:
        found = os.stat(path, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False  # somebody else's, whatever its name says
        top = own(open_entry, None, path, FOLDER, 0o700)
    except OSError:
        return False  # gone already
    try:
        if not ours:
            fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(top, 0o700)
        folders = _empty(top, top, until)
        while folders:
            name = folders.pop()
            inner = os.open(name, FOLDER, dir_fd=top)
            try:
                folders += _empty(inner, top, until)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)
        os.rmdir(path)
    except OSError:
        return False
    finally:
        close(top)
    return True


def _empty(folder: int, top: int, until: float) -> list[str]:
    """Unlinks the files of `folder` and moves its folders into `top`; returns the names that they have there."""
    moved: list[str] = []
    for name in os.listdir(folder):
        if time.monotonic() > until:
            raise TimeoutError
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            unlock(folder, name, 0o700)  # a folder that can't be written can't be given another parent
            moved.append(f".{os.urandom(12).hex()}")  # a name that the job can't have taken
            os.rename(name, moved[-1], src_dir_fd=folder, dst_dir_fd=top)
        else:
            os.unlink(name, dir_fd=folder)
    return moved


def _state_directory(path: str) -> str:
    """A directory below /run/sandbox, which must be root's alone: jailers are started from there."""
    for each in (STATE, path):
        try:
            os.mkdir(each, 0o755)
            os.chmod(each, 0o755)  # noqa: S103 - whatever the umask: the job's account passes through
        except FileExistsError:
            pass
        found = os.stat(each, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            raise HostError(f"{each} is not a directory of root's alone", hint=f"remove it: rm -r {each}")
    return path


def _state_file(path: str) -> None:
    """An empty file of root's for another to be bound on."""
    _state_directory(STATE)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644))


def _identity(account: Account) -> tuple[int, int, int | None]:
    """uid and gid of the job, and the lock that keeps them its own."""
    if account["uid"] is not None and account["gid"] is not None:
        return account["uid"], account["gid"], None
    return free_account(*account["uid_range"])


def free_account(first: int, last: int) -> tuple[int, int, int]:
    """An account that no running job has, and the fd that keeps it from the next one."""
    count = last - first + 1
    begin = int.from_bytes(os.urandom(4), "little") % count
    for step in range(count):
        uid = first + (begin + step) % count
        lock = _lock(uid)
        if lock is not None:
            return uid, uid, lock
    raise HostError("every account of uid_range has a job running", hint="widen uid_range in /etc/sandbox/config.yaml")


def _lock(uid: int) -> int | None:
    """Makes an account ours while the fd is open; None: it is a running job's. Byte N of one file is for uid N.

    The kernel drops the lock when its holder ends, however it ends. A lock of the open file description, since
    one of the process would not keep two of its threads apart.
    """
    _state_directory(STATE)
    fd = own(os.open, STATE + "/accounts", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, uid, 1, 0))
    except BlockingIOError:
        close(fd)
        return None
    return fd
