# attempt: Opens a socket, and a pair, of every family, kind and protocol beyond TCP, UDP, unix and routing.
# known-from: CVE-2026-31431 (AF_ALG), CVE-2017-6074 (DCCP), CVE-2010-3904 (RDS), CVE-2021-26708 (vsock)
# held-by: filter
# must: held
# control: weak no-filter
import ctypes
import errno
import os

STREAM, DGRAM, RAW, RDM, SEQPACKET, DCCP, PACKET = 1, 2, 3, 4, 5, 6, 10
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
ABOVE = 1 << 32  # garbage where the kernel doesn't look
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
SOCKET, SOCKETPAIR = {"x86_64": (41, 53), "aarch64": (198, 199)}[os.uname().machine]

wanted = [(family, kind, 0) for family in range(46) for kind in (STREAM, DGRAM, RAW, SEQPACKET, DCCP)]
wanted = [each for each in wanted if each[0] not in {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}]
for family in (AF_INET, AF_INET6):
    wanted += [
        (family, STREAM, 132),
        (family, SEQPACKET, 132),
        (family, DCCP, 33),
        (family, DGRAM, 136),
    ]  # SCTP, UDP-Lite
    wanted += [(family, STREAM, 256), (family, RAW, 1), (family, RAW, 255), (family, PACKET, 0x300), (family, RDM, 0)]
opened, answers, pair = [], set(), (ctypes.c_int * 2)()
for family, kind, protocol in wanted:
    for above in (0, ABOVE):
        arguments = [ctypes.c_long(each | above) for each in (family, kind, protocol)]
        for number, last in ((SOCKET, []), (SOCKETPAIR, [pair])):
            if libc.syscall(number, *arguments, *last) >= 0:
                opened.append((family, kind, protocol))
            else:
                answers.add(errno.errorcode[ctypes.get_errno()])
print(f"escaped: {sorted(set(opened))}" if opened else f"held: {sorted(answers)} for {len(wanted)} kinds")
