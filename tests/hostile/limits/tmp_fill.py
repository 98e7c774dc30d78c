# attempt: Fills /tmp: 28 is ENOSPC.
# clause: limits.tmp_size
# limits: tmp_size=4MiB wall_time=20s
# takes: 16 MiB
# control: tmp_size=64MiB
# expect mount: nonzero-exit - 28 -- a file system that is full says so, and the job goes on
# expect nobody: ok - 0 -- firejail sizes no tmpfs (`tmp-size` of docs/backends.md)
import os
import sys

fd = os.open("/tmp/fill", os.O_WRONLY | os.O_CREAT)
left = 16 << 20
while left:
    try:
        left -= os.write(fd, bytes(min(left, 65536)))
    except OSError as error:
        sys.exit(error.errno)
