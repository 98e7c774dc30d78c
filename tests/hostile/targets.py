"""What the host has for programs to reach: open to everybody, so that nothing but the jail can keep one from it.

Each target has its variables, and a token where it can be read. A worker of the tests has its own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.accounts import Account

IPC_CREAT, IPC_RMID = 0o1000, 0
MADE = ("secret", "tcp", "abstract", "path", "sysv", "shm", "queue", "strays", "drop", "workspace")  # once
TOKENS = {"secret", "tcp", "abstract", "path", "sysv", "shm", "queue", "strays", "environ", "victim"}


class Targets:
    """Made once, and given back by `close`."""

    def __init__(self, directory: Path, victim: Account) -> None:
        self._stack = ExitStack()
        self._owner = victim
        self.folder = Path(tempfile.mkdtemp(prefix="targets-", dir=directory))
        self._stack.callback(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        self.tokens = {name: f"{name}-{uuid.uuid4().hex}" for name in TOKENS}
        self._values: dict[str, dict[str, str]] = {}
        for name in MADE:
            try:
                self._values[name] = dict(getattr(self, f"_make_{name}")())
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        self._stack.close()

    def of(self, needs: Iterable[str]) -> dict[str, str]:
        """The variables of these."""
        found: dict[str, str] = {}
        for name in sorted(needs):
            found |= self._values.get(name, {})
        return found

    @property
    def dropped(self) -> list[str]:
        """What somebody left in the directory of that name."""
        return sorted(os.listdir(self.folder / "drop"))

    def tidy(self) -> None:
        """Without what a control left."""
        for name in self.dropped:
            (self.folder / "drop" / name).unlink()
        for path in self.workspace.iterdir():
            path.unlink()

    @contextmanager
    def living_victim(self, needs: Iterable[str]) -> Iterator[subprocess.Popen[bytes] | None]:
        """A process of the ordinary account, where it is needed: only a control may end it.

        It has the token in its name and in its environment, leads a group of its own, and holds the host's root open.
        """
        if "victim" not in needs:
            yield None
            return
        token = self.tokens["victim"]
        root = os.open("/", os.O_RDONLY)
        options = {"executable": "/bin/sleep", "pass_fds": (root,), "start_new_session": True}
        try:
            with self._owner.popen([token, "600"], env={"VICTIM": token}, **options) as victim:
                self._values["victim"] = {"ESCAPE_PID": str(victim.pid)}
                try:
                    yield victim
                finally:
                    victim.kill()
        finally:
            os.close(root)

    @property
    def hidden(self) -> dict[str, str]:
        """What the supervisor has in its own environment, and nobody else should see."""
        return {"PASSWORD": self.tokens["environ"]}

    @property
    def workspace(self) -> Path:
        """A directory of the ordinary account, for `-C`."""
        return self.folder / "workspace"

    def _make_secret(self) -> Iterator[tuple[str, str]]:
        path = self.folder / "secret"
        path.write_text(self.tokens["secret"])
        path.chmod(0o644)
        yield "ESCAPE_SECRET", str(path)

    def _make_strays(self) -> Iterator[tuple[str, str]]:
        """The account's own files, readable for everybody, where accounts leave such."""
        paths = [Path(folder, f".escape-{uuid.uuid4().hex}") for folder in (self._owner.home, "/tmp", "/var/tmp")]
        for path in paths:
            path.write_text(self.tokens["strays"])
            self._stack.callback(path.unlink)
            path.chmod(0o644)
            os.chown(path, self._owner.uid, self._owner.gid)
        yield "ESCAPE_STRAYS", ":".join(map(str, paths))

    def _make_drop(self) -> Iterator[tuple[str, str]]:
        path = self.folder / "drop"
        path.mkdir()
        path.chmod(0o1777)
        yield "ESCAPE_DROP", str(path)

    def _make_tcp(self) -> Iterator[tuple[str, str]]:
        four = socket.create_server(("127.0.0.1", 0))
        port = four.getsockname()[1]
        self._serve(four, "tcp")
        with suppress(OSError):  # a host without IPv6, or somebody else has the number there
            self._serve(socket.create_server(("::1", port), family=socket.AF_INET6), "tcp")
        yield "ESCAPE_PORT", str(port)

    def _make_abstract(self) -> Iterator[tuple[str, str]]:
        name = f"escape-{uuid.uuid4().hex}"
        server = socket.socket(socket.AF_UNIX)
        server.bind(f"\0{name}")
        server.listen()
        self._serve(server, "abstract")
        yield "ESCAPE_ABSTRACT", name

    def _make_path(self) -> Iterator[tuple[str, str]]:
        path = self.folder / "socket"
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        path.chmod(0o777)
        server.listen()
        self._serve(server, "path")
        yield "ESCAPE_SOCKET", str(path)

    def _make_sysv(self) -> Iterator[tuple[str, str]]:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        key = uuid.uuid4().int & 0x7FFFFFFF
        number = libc.shmget(key, 4096, IPC_CREAT | 0o666)
        if number < 0:
            raise OSError(ctypes.get_errno(), "shmget")
        self._stack.callback(libc.shmctl, number, IPC_RMID, None)
        address = libc.shmat(number, None, 0)
        ctypes.memmove(address, self.tokens["sysv"].encode(), len(self.tokens["sysv"]))
        libc.shmdt(ctypes.c_void_p(address))
        yield "ESCAPE_KEY", str(key)

    def _make_shm(self) -> Iterator[tuple[str, str]]:
        path = Path(f"/dev/shm/escape-{uuid.uuid4().hex}")
        path.write_text(self.tokens["shm"])
        self._stack.callback(path.unlink)
        path.chmod(0o666)
        yield "ESCAPE_SHM", str(path)

    def _make_queue(self) -> Iterator[tuple[str, str]]:
        libc, name = ctypes.CDLL(None, use_errno=True), f"/escape-{uuid.uuid4().hex}".encode()
        mask = os.umask(0)
        queue = libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o666, None)
        os.umask(mask)
        if queue < 0:
            raise OSError(ctypes.get_errno(), "mq_open")
        self._stack.callback(libc.mq_unlink, name)
        self._stack.callback(os.close, queue)
        libc.mq_send(queue, self.tokens["queue"].encode(), len(self.tokens["queue"]), 0)
        yield "ESCAPE_QUEUE", name.decode()

    def _make_workspace(self) -> Iterator[tuple[str, str]]:
        self.workspace.mkdir()
        os.chown(self.workspace, self._owner.uid, self._owner.gid)
        yield "ESCAPE_WORKSPACE", str(self.workspace)

    def _serve(self, server: socket.socket, name: str) -> None:
        """Sends the token to whoever connects, by a unix socket an fd of the secret too, until it is shut down."""
        token = self.tokens[name].encode()
        secret = [os.open(self.folder / "secret", os.O_RDONLY)] if server.family == socket.AF_UNIX else []

        def answer() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with peer, suppress(OSError):
                        socket.send_fds(peer, [token], secret)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()

        def stop() -> None:
            server.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which `close` alone does not
            thread.join(5)
            server.close()
            for fd in secret:
                os.close(fd)

        self._stack.callback(stop)
