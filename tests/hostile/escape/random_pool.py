# attempt: Tells the kernel that its pool of random numbers is full, fills it with known bytes, and empties it.
# known-from: technique: /dev/random is the host's own device in every container
# held-by: capabilities
# must: held
# control: bare root
import errno
import fcntl
import os
import struct

ADD_TO_COUNT, ADD_ENTROPY, RESEED = 0x40045201, 0x40085203, 0x5207
answers, done = [], []
for path in ("/dev/random", "/dev/urandom"):
    for flags in (os.O_RDWR, os.O_RDONLY):
        try:
            fd = os.open(path, flags)
        except OSError as error:
            answers.append(errno.errorcode[error.errno])
            continue
        for request, content in (
            (ADD_TO_COUNT, struct.pack("i", 0)),
            (ADD_ENTROPY, struct.pack("ii", 0, 0)),
            (RESEED, b""),
        ):
            try:
                fcntl.ioctl(fd, request, content)
                done.append(hex(request))
            except OSError as error:
                answers.append(errno.errorcode[error.errno])
        os.close(fd)
print(f"escaped: {done}" if done else f"held: {sorted(set(answers))}")
