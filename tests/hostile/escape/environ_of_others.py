# attempt: Reads the environment of other processes, where passwords are: the launcher, the jailer, those of the host.
# known-from: technique: /proc/PID/environ
# held-by: pid namespace, launcher
# must: held
# needs: victim
# control: bare
import os

why = "there is nobody else"
for pid in [os.environ["ESCAPE_PID"], *(name for name in os.listdir("/proc") if name.isdigit())]:
    if int(pid) == os.getpid():
        continue
    try:
        with open(f"/proc/{pid}/environ") as file:
            for pair in file.read().split("\0"):
                if pair.startswith("VICTIM="):
                    print(f"escaped: {pid}: {pair}")
                    raise SystemExit
            why = f"{pid} has nothing"
    except OSError as error:
        why = f"{pid}: {error.strerror}"
print(f"held: {why}")
