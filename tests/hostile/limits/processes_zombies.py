# attempt: Makes children that end at once, and waits for none of them: 11 is EAGAIN.
# clause: limits.processes
# limits: processes=16 wall_time=20s
# takes: 2000 processes
# control: processes=4096
# expect: nonzero-exit - 11
# expect group: nonzero-exit - 11 hits=processes -- a group counts what it refused
import os
import sys

for _ in range(2000):
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError as error:
        sys.exit(error.errno)
