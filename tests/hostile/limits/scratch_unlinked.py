# attempt: Fills scratch with files that have no name any more, and holds them open: 28 is ENOSPC.
# clause: limits.scratch_size
# limits: scratch_size=8MiB wall_time=20s
# takes: 32 MiB
# control: scratch_size=64MiB
# expect mount: nonzero-exit - 28 -- a file system that is full says so, and the job goes on
# expect sampler: ok - 0 or scratch-limit limits.scratch_size SIGKILL -- a file without a name is not found by its name
import os
import sys
import time

for number in range(32):
    fd = os.open(f"f{number}", os.O_WRONLY | os.O_CREAT)
    os.unlink(f"f{number}")
    left = 1 << 20
    while left:
        try:
            left -= os.write(fd, bytes(left))
        except OSError as error:
            os._exit(error.errno)
time.sleep(0.8 * float(sys.argv[1]))
