# attempt: Connects to a socket of the host in the abstract namespace, which no mount hides, by each kind of socket.
# known-from: CVE-2020-15257 (containerd-shim); X11, D-Bus and agents listen there as well
# held-by: network namespace
# must: held
# control: policy network: host
# needs: abstract
import errno
import os
import socket

name = f"\0{os.environ['ESCAPE_ABSTRACT']}"
answers = []
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
    with socket.socket(socket.AF_UNIX, kind) as unix:
        unix.settimeout(5)
        try:
            unix.connect(name)
            print(f"escaped: {unix.recv(100).decode()}")
            break
        except OSError as error:
            answers.append(errno.errorcode[error.errno])
else:
    print(f"held: {answers}")
