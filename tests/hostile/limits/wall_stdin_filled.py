# attempt: Fills the pipe that its stdin comes from, by opening it for writing where it may, and never reads it.
# clause: limits.wall_time
# limits: wall_time=600ms
# stdin: 64MiB
# takes: 1.5 s
# control: wall_time=20s
# expect: wall-time-limit limits.wall_time SIGKILL
import os
import sys
import time

end = time.monotonic() + 1.5 * float(sys.argv[1])
try:
    stdin = os.open("/proc/self/fd/0", os.O_WRONLY | os.O_NONBLOCK)
except PermissionError:  # as root it is another account's
    time.sleep(end - time.monotonic())
    sys.exit()
while time.monotonic() < end:
    try:
        os.write(stdin, b"x" * 65536)
    except BlockingIOError:
        time.sleep(0.001)
