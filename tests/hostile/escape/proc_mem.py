# attempt: Writes into the memory of the launcher, of the jailer and of a process of the host, by /proc/PID/mem.
# known-from: CVE-2012-0056 (Mempodipper)
# held-by: pid namespace, launcher
# must: held
# needs: victim
# control: bare
import os

why = "nobody"
for pid in os.environ["ESCAPE_PID"], "1", str(os.getppid()):
    try:
        fd = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        with open(f"/proc/{pid}/maps") as maps:
            start = int(next(line for line in maps if " rw-p " in line).split("-")[0], 16)
        # What was there already: it must live on.
        print(f"escaped: {os.pwrite(fd, os.pread(fd, 8, start), start)} bytes into process {pid}")
        break
    except OSError as error:
        why = f"/proc/{pid}/mem: {error.strerror}"
else:
    print(f"held: {why}")
