# attempt: Has the kernel send SIGKILL to a process of the host, as the owner of a socket that input comes to.
# known-from: technique: F_SETOWN with F_SETSIG
# held-by: pid namespace
# must: held
# needs: victim
# control: bare
import fcntl
import os
import socket

ours, theirs = socket.socketpair()
try:
    fcntl.fcntl(ours, fcntl.F_SETOWN, int(os.environ["ESCAPE_PID"]))
    fcntl.fcntl(ours, fcntl.F_SETSIG, 9)
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC)
    theirs.send(b"x")
    print("escaped: the signal is sent")
except OSError as error:
    print(f"held: {error.strerror}")
