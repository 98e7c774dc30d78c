# attempt: Makes a network interface of its own by /dev/net/tun, also in a network namespace of its own.
# known-from: technique: /dev/net/tun is open to everybody, and a user namespace gives the capability
# held-by: mounts, filter, capabilities
# must: held
# control: bare
import ctypes
import errno
import fcntl
import os
import struct

CLONE_NEWUSER, CLONE_NEWNET, TUNSETIFF, IFF_TUN_NO_PI = 0x10000000, 0x40000000, 0x400454CA, 0x1001
libc = ctypes.CDLL(None, use_errno=True)

apart = libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
first = errno.errorcode.get(ctypes.get_errno())
try:
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"escape%d", IFF_TUN_NO_PI))
    print("escaped: a tunnel is made")
except OSError as error:
    print(f"held: unshare {apart} {first}, {errno.errorcode[error.errno]}")
