# attempt: Makes a table of nftables by netlink, in a network namespace of its own and in the jail's.
# known-from: CVE-2022-1015, CVE-2023-32233, CVE-2024-1086 (nf_tables, by the CAP_NET_ADMIN of a user namespace)
# held-by: filter, capabilities
# must: held
# control: bare
import ctypes
import errno
import socket
import struct

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
NETLINK_NETFILTER, NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE = 12, 1, 4, 0x400
BATCH_BEGIN, BATCH_END, NEWTABLE, NFPROTO_INET = 16, 17, 10 << 8, 1
libc = ctypes.CDLL(None, use_errno=True)


def message(kind, flags, family, resource, body=b""):
    body = struct.pack("=BBH", family, 0, socket.htons(resource)) + body
    return struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body


apart = libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
first = errno.errorcode.get(ctypes.get_errno())
name = struct.pack("=HH", 12, 1) + b"escape\0\0"
batch = message(BATCH_BEGIN, 0, 0, 10) + message(NEWTABLE, NLM_F_ACK | NLM_F_CREATE, NFPROTO_INET, 0, name)
try:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.settimeout(2)
        netlink.send(batch + message(BATCH_END, 0, 0, 10))
        answer = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
    second = errno.errorcode[-answer] if answer else "a table is made"
except OSError as error:
    second = errno.errorcode[error.errno]
print(f"{'escaped' if second.startswith('a ') else 'held'}: unshare {apart} {first}, {second}")
