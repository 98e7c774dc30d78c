# attempt: Opens the files that other processes have mapped, the launcher and the jailer's, by /proc/PID/map_files.
# known-from: technique: files without a name, for which the kernel asks CAP_CHECKPOINT_RESTORE on the host
# held-by: pid namespace, launcher, capabilities
# must: held
# control: bare root
import os

why = "there is nobody else"
for pid in sorted((name for name in os.listdir("/proc") if name.isdigit()), key=int):
    try:
        for name in os.listdir(f"/proc/{pid}/map_files"):
            with open(f"/proc/{pid}/map_files/{name}", "rb") as file:
                print(f"escaped: a file of process {pid}: {file.read(4)!r}")
                raise SystemExit
    except OSError as error:
        why = f"/proc/{pid}/map_files: {error.strerror}"
print(f"held: {why}")
