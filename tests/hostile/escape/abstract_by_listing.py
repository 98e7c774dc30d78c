# attempt: Finds the host's abstract sockets in every /proc/PID/net/unix and by sock_diag, and connects to each.
# known-from: technique: what CVE-2020-15257 was exploited by, when the socket's name could not be guessed
# held-by: network namespace
# must: held
# control: policy network: host
# needs: abstract
import os
import socket
import struct

SOCK_DIAG_BY_FAMILY, UNIX_DIAG_NAME, NLM_F_DUMP = 20, 0, 0x301
names = set()
for process in ("self", "1", "thread-self", str(os.getppid())):
    try:
        with open(f"/proc/{process}/net/unix") as file:
            names |= {line.split()[7][1:] for line in file if len(line.split()) == 8 and "@" in line}
    except OSError:
        pass
try:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as netlink:
        body = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, 1, 0, 0)
        netlink.send(struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, 1, 0) + body)
        netlink.settimeout(1)
        data = netlink.recv(1 << 20)
        names |= {part.split(b"\0")[0].decode() for part in data.split(b"\0escape-")[1:]}
        diag = f"{len(data)} bytes"
except OSError as error:
    diag = str(error.strerror)
heard = set()
for name in names:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.settimeout(0.5)
        try:
            unix.connect(f"\0{name}")
            heard.add(unix.recv(100).decode(errors="replace"))
        except OSError:
            pass
print(f"escaped: {sorted(heard)}" if heard - {""} else f"held: {len(names)} names, sock_diag: {diag}")
