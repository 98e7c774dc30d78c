# attempt: Reads what it is sent a byte at a time, past its time.
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
while time.monotonic() < end:
    os.read(0, 1)
