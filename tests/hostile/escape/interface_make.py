# attempt: Makes a pair of network interfaces, gives the loopback an address, and takes it down, also in a network
#     namespace of its own.
# known-from: technique: CAP_NET_ADMIN in a container redirects what others send
# held-by: filter, capabilities
# must: held
# control: bare
import ctypes
import errno
import fcntl
import os
import socket
import struct

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
RTM_NEWLINK, FLAGS, SIOCSIFFLAGS, SIOCSIFADDR = 16, 1 | 4 | 0x400 | 0x200, 0x8914, 0x8916
libc = ctypes.CDLL(None, use_errno=True)


def attribute(kind, content):
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def new_link(kind):
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(18, attribute(1, kind))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.settimeout(2)
        netlink.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, FLAGS, 1, 0) + body)
        return -struct.unpack_from("=i", netlink.recv(4096), 16)[0]


def set_loopback(request, content):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inet:
        try:
            fcntl.ioctl(inet, request, struct.pack("=16s24s", b"lo", content))
        except OSError as error:
            return error.errno
    return 0


apart = libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
answers = [new_link(kind) for kind in (b"veth", b"dummy", b"bridge")]
if apart == 0 or os.getuid() != 0:  # never the host's own
    answers.append(set_loopback(SIOCSIFADDR, struct.pack("=HH4s", socket.AF_INET, 0, bytes([127, 9, 9, 9]))))
    answers.append(set_loopback(SIOCSIFFLAGS, struct.pack("=H", 0)))
names = [errno.errorcode.get(each, "done") for each in answers]
print(f"{'escaped' if 'done' in names else 'held'}: veth, dummy, bridge, address, down: {names}")
