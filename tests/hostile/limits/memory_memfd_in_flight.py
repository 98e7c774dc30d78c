# attempt: Sends files without a name into a socket that nobody reads, and closes them: they live on in flight.
# clause: limits.memory
# limits: memory=64MiB wall_time=20s
# takes: 160 MiB
# touches: 160MiB
# control: memory=512MiB
# expect: memory-limit limits.memory any
# expect sampler: ok - 0 or memory-limit limits.memory SIGKILL -- no process holds them while they are in flight
import os
import socket
import sys
import time

ours, theirs = socket.socketpair()
for number in range(4):
    fd = os.memfd_create(f"m{number}")
    for _ in range(40):
        os.write(fd, bytes(1 << 20))
    socket.send_fds(ours, [b"x"], [fd])
    os.close(fd)
time.sleep(0.8 * float(sys.argv[1]))
