# attempt: Opens the host's POSIX shared memory by its name, under each path that /dev/shm may have.
# known-from: technique: /dev/shm of the host in the jail, as browsers and databases use it
# held-by: mounts
# must: held
# control: weak host-dev-visible
# needs: shm
import errno
import os

path = os.environ["ESCAPE_SHM"]
name, answers = os.path.basename(path), []
for place in (path, f"/proc/1/root{path}", f"/run/shm/{name}", f"/dev/../dev/shm/{name}", f"/proc/self/root{path}"):
    try:
        with open(place, "r+") as file:
            print(f"escaped: {file.read()}")
            break
    except OSError as error:
        answers.append(errno.errorcode[error.errno])
else:
    print(f"held: {answers}; /dev/shm holds {os.listdir('/dev/shm')}")
