"""Makes system calls and prints how each was answered, as JSON: `python3 -IS -c CALLS QUESTION`, run by the job itself.

QUESTION is JSON too: `calls`, a list of [label, number, arguments...]; `apart`, whether each call is made in a process
of its own, as where it may be killed for it; `ordinary`, whether what programs do all day is tried first. A number
that is null stands for code of 32 bits, which says getpid.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import select
import signal
import socket
import sys
import threading
from pathlib import Path

INT_80 = b"\xb8\x14\x00\x00\x00\xcd\x80\x48\x98\xc3"  # mov eax, 20; int 0x80; cdqe; ret
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def answer(number, arguments):
    """ok, or the name of the error."""
    if number is None:
        return of_32_bits()
    me = os.getpid()
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) for each in arguments))
    if os.getpid() != me:
        os._exit(0)  # a clone that was let through
    return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]


def of_32_bits():
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(INT_80)
    function = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    result = function()
    return "ok" if result >= 0 else errno.errorcode[-result]


def apart(number, arguments):
    """The same in a child: also the signal that it died of."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, answer(number, arguments).encode())
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 100).decode()
    os.close(reader)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return signal.Signals(-code).name if code < 0 else said


def ordinary():
    """What programs do all day."""
    Path("a").write_text("a")
    os.chmod("a", 0o600)
    os.link("a", "b")
    os.rename("b", "c")
    os.symlink("c", "d")
    os.mkfifo("e")
    os.utime("c", (1, 1))
    with open("a", "rb") as source, open("f", "wb") as target:
        os.sendfile(target.fileno(), source.fileno(), 0, 1)
    for name in "acdef":
        os.unlink(name)
    os.close(os.memfd_create("m"))
    os.close(os.eventfd(1))
    os.close(os.pidfd_open(os.getpid()))
    os.sched_yield()
    os.getrandom(1)
    signal.setitimer(signal.ITIMER_REAL, 60)
    signal.alarm(0)
    one, other = socket.socketpair()
    with one, other, select.epoll() as poll:
        poll.register(one)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    thread = threading.Thread(target=os.getpid)
    thread.start()
    thread.join()
    for make in os.posix_spawn, os.posix_spawnp:
        assert os.waitpid(make("/bin/true", ["true"], {}), 0)[1] == 0
    child = os.fork()
    if child == 0:
        os.setsid()
        os._exit(0)
    os.waitpid(child, 0)
    os.kill(os.getpid(), 0)


if __name__ == "__main__":
    question = json.loads(sys.argv[-1])
    call = apart if question["apart"] else answer
    if question.get("ordinary", True):
        ordinary()
    json.dump({label: call(number, arguments) for label, number, *arguments in question["calls"]}, sys.stdout)
