# attempt: Writes to a directory that is shown read-only although its owner may write: new files, links, what is there,
#     through O_PATH and /proc/self/fd, by mode, time and attribute.
# known-from: technique: bind mounts are made writable first, and read-only by a second call
# held-by: mounts
# must: held
# needs: drop
# grant: filesystem: {$ESCAPE_DROP: ro}
# control: policy filesystem: {$ESCAPE_DROP: rw}
import os

drop = os.environ["ESCAPE_DROP"]
path = os.open(drop, os.O_PATH)
done, why = [], ""
for name, act in {
    "create": lambda: os.mknod(f"{drop}/file"),
    "symlink": lambda: os.symlink("/", f"{drop}/link"),
    "fifo": lambda: os.mkfifo(f"{drop}/fifo"),
    "openat": lambda: os.open("at", os.O_CREAT | os.O_WRONLY, dir_fd=path),
    "/proc/self/fd": lambda: os.open(f"/proc/self/fd/{path}/fd", os.O_CREAT | os.O_WRONLY),
    "tmpfile": lambda: os.open(drop, os.O_TMPFILE | os.O_RDWR),
    "chmod": lambda: os.chmod(f"/proc/self/fd/{path}", 0o1777),
    "utime": lambda: os.utime(drop),
    "setxattr": lambda: os.setxattr(drop, "user.escape", b"x"),
}.items():
    try:
        act()
        done.append(name)
    except OSError as error:
        why = error.strerror
print(f"escaped: {' '.join(done)}" if done else f"held: {why}")
