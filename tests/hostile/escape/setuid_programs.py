# attempt: Starts every set-uid and set-gid program, stopped by an output that nobody reads, and looks who it is then.
# known-from: technique: su, mount, pkexec and the like as a way up; CVE-2021-4034 (pkexec) and CVE-2021-3156 (sudo)
# held-by: no_new_privs, user namespace, mounts
# must: held
# control: bare
import os
import stat
import subprocess

FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/lib/openssh", "/usr/lib/dbus-1.0", "/usr/libexec", "/bin")
programs = []
for folder in FOLDERS:
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = f"{folder}/{name}"
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID) and os.access(path, os.X_OK):
            programs.append(path)
reader, writer = os.pipe()
os.set_blocking(writer, False)
try:
    while os.write(writer, bytes(4096)):
        pass
except BlockingIOError:
    os.set_blocking(writer, True)
raised = []
for path in programs:
    with subprocess.Popen([path, "--help"], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer) as program:
        said = {"State:": ["R"]}
        while said["State:"][0] not in {"S", "Z"}:  # until it was executed, and waits for somebody to read
            with open(f"/proc/{program.pid}/status") as file:
                said = {line.split()[0]: line.split()[1:] for line in file}
        program.kill()
    if {*said["Uid:"], *said["Gid:"]} - {str(os.getuid()), str(os.getgid())}:
        raised.append(f"{path} {said['Uid:'][1]}:{said['Gid:'][1]}")
print(f"escaped: {raised[:4]}" if raised else f"held: {len(programs)} such programs ran as the job itself")
