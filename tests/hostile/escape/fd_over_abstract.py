# attempt: Has a program outside send it an open file over an abstract socket.
# known-from: CVE-2020-15257 (containerd-shim)
# held-by: network namespace
# must: held
# needs: secret abstract
# control: weak host-net
import os
import socket

with socket.socket(socket.AF_UNIX) as peer:
    try:
        peer.connect("\0" + os.environ["ESCAPE_ABSTRACT"])
        fds = socket.recv_fds(peer, 100, 1)[1]
        print(f"escaped: {os.pread(fds[0], 100, 0).decode()}")
    except OSError as error:
        print(f"held: {error.strerror}")
