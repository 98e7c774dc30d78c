"""Programs of Python's that do what hardly any does, to see in what jailers differ."""

from __future__ import annotations

FILL_UNLINKED = """
import os, time
for number in range(32):
    held = os.open(f"file{number}", os.O_RDWR | os.O_CREAT)
    os.unlink(f"file{number}")
    os.write(held, bytes(1 << 20))
time.sleep(0.5)
"""

WRITE_HIDDEN = """
import os, time
f = os.memfd_create("m")
for i in range(200): os.write(f, bytes(1 << 20))
time.sleep(20)
"""

SIGNAL_INIT = """
import ctypes, os, time
libc = ctypes.CDLL(None)
libc.syscall(424, libc.syscall(434, os.getppid(), 0), 9, 0, 0)  # pidfd_send_signal(pidfd_open(...))
time.sleep(.2)
raise SystemExit(5)
"""
