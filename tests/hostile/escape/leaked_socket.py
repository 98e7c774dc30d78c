# attempt: Writes records of the launcher to every socket or pipe that it can find, its own fds and those of others.
# known-from: technique: orders that an init takes over a socket which the job has inherited
# held-by: launcher, pid namespace
# must: held
# needs: leak
# control: bare
import os

RECORD = b"started\nexit 0\ntotal 0 0 0\n"
own = [f"/proc/self/fd/{fd}" for fd in range(3, 64)]
others = [f"/proc/{pid}/fd/{fd}" for pid in (1, os.getppid()) for fd in range(16)]
written: list[str] = []
for path in own + others:
    if path in others and written:
        break  # it is out already: outside of a jail the parent's pipes are those of whoever runs this
    try:
        fd = int(path.rpartition("/")[2]) if path in own else os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        written.append(f"{path}: {os.write(fd, RECORD)}")
    except OSError:
        continue
print(f"escaped: {written}" if written else "held: no fd takes it")
