"""The filters that a running process really has, read back from the kernel; which takes root of the host."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SEIZE, _INTERRUPT, _DETACH, _GET_FILTER = 0x4206, 0x4207, 17, 0x420C
_WALL = 0x4000_0000  # children of clone and of others
_INSTRUCTION = 8
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_ulong, ctypes.c_void_p]


def filters(pid: int) -> list[bytes]:
    """Those of a process, the oldest first: the kernel asks all of them, and the strictest answer holds."""
    with _stopped(pid):
        found: list[bytes] = []
        while (length := _ptrace(_GET_FILTER, pid, len(found), None)) is not None:
            program = ctypes.create_string_buffer(length * _INSTRUCTION)
            assert _ptrace(_GET_FILTER, pid, len(found), ctypes.addressof(program)) == length
            found.append(program.raw)
        return found


@contextlib.contextmanager
def _stopped(pid: int) -> Iterator[None]:
    assert _ptrace(_SEIZE, pid, 0, None) == 0
    try:
        assert _ptrace(_INTERRUPT, pid, 0, None) == 0
        os.waitpid(pid, _WALL)
        yield
    finally:
        _ptrace(_DETACH, pid, 0, None)


def _ptrace(request: int, pid: int, address: int, data: int | None) -> int | None:
    """None: there is no filter of that number."""
    result = int(_libc.ptrace(request, pid, address, data))
    if result < 0 and ctypes.get_errno() != 2:  # ENOENT
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {pid}")
    return None if result < 0 else result


def running(command: Sequence[str], within_s: float = 20) -> int:
    """The process whose arguments are exactly these: nobody has them but what is executed in the jail."""
    wanted = b"".join(os.fsencode(word) + b"\0" for word in command)
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if (entry / "cmdline").read_bytes() == wanted:
                    return int(entry.name)
        time.sleep(0.01)
    raise AssertionError(f"no process {command} within {within_s} s")


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
