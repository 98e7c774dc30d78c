# attempt: Makes each read-only mount of the jail writable, nested ones too, by a remount of the old interface.
# known-from: technique: the first thing to try in a container with CAP_SYS_ADMIN
# held-by: filter, capabilities
# must: held
# control: weak keep-caps
import ctypes
import errno
import os

MS_REMOUNT, MS_BIND, MS_NOSUID, MS_NODEV = 32, 4096, 2, 4
libc = ctypes.CDLL(None, use_errno=True)

with open("/proc/self/mountinfo") as file:
    points = [line.split()[4] for line in file]
closed = [path for path in points if os.path.exists(path) and os.statvfs(path).f_flag & os.ST_RDONLY]
opened, answers = [], set()
for path in closed:
    for flags in (MS_REMOUNT | MS_BIND, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, MS_REMOUNT):
        if libc.mount(b"none", path.encode(), None, flags, None):
            answers.add(errno.errorcode[ctypes.get_errno()])
    if not os.statvfs(path).f_flag & os.ST_RDONLY:
        opened.append(path)
print(f"escaped: writable now: {opened}" if opened else f"held: {sorted(answers)} for {len(closed)} mounts")
