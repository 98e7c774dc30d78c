# attempt: Puts accounts of its own in place of /etc/passwd, by a bind mount over it and by a tmpfs over /etc.
# known-from: technique: bind mounts over the files that set-uid programs believe
# held-by: filter, capabilities
# must: held
# control: weak keep-caps
import ctypes
import errno

MS_BIND = 4096
libc = ctypes.CDLL(None, use_errno=True)

with open("passwd", "w") as file:
    file.write("me::0:0::/:/bin/sh\n")
bound = 0 if libc.mount(b"passwd", b"/etc/passwd", None, MS_BIND, None) == 0 else ctypes.get_errno()
covered = 0 if libc.mount(b"none", b"/etc", b"tmpfs", 0, None) == 0 else ctypes.get_errno()
if bound and covered:
    print(f"held: bind {errno.errorcode[bound]}, tmpfs {errno.errorcode[covered]}")
else:
    print(f"escaped: bind {bound}, tmpfs {covered}")
