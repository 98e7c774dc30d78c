# attempt: Unmounts whatever is mounted in the jail, the innermost first, to see what lies below it.
# known-from: technique: masked paths of /proc and empty file systems hide only as long as they are mounted
# held-by: filter, capabilities
# must: held
# control: weak keep-caps
import ctypes
import errno

MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
libc = ctypes.CDLL(None, use_errno=True)

with open("/proc/self/mountinfo") as file:
    points = sorted({line.split()[4] for line in file}, key=len, reverse=True)
gone, answers = [], set()
for path in points:
    if path == "/":
        continue
    for flags in (0, MNT_DETACH, UMOUNT_NOFOLLOW):
        if libc.umount2(path.encode(), flags) == 0:
            gone.append(path)
        else:
            answers.add(errno.errorcode[ctypes.get_errno()])
print(f"escaped: unmounted {gone}" if gone else f"held: {sorted(answers)} for {len(points)} mounts")
