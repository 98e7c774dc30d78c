"""Looks at what surrounds a job, and prints it as JSON: `python3 -IS -c AROUND QUESTION`, run by the job itself.

QUESTION is JSON too: `reads`, paths to be opened; `sockets`, abstract names to connect to; `pids` of the host.
"""

from __future__ import annotations

import ctypes
import errno
import glob
import json
import os
import platform
import socket
import stat
import subprocess
import sys

PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ = 3, 39, 23
SOCKETS = ("/run/dbus/*", "/run/user/*", "/run/*/*/bus", "/tmp/.X11-unix/*", "/tmp/.ICE-unix/*", "/var/run/dbus/*")
libc = ctypes.CDLL(None, use_errno=True)


def name_of(error):
    return errno.errorcode[error.errno]


def opens(path, flags=os.O_RDONLY):
    """ok, or the name of the error; a folder is listed."""
    try:
        if flags == os.O_RDONLY and os.path.isdir(path):
            os.listdir(path)
        else:
            os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as error:
        return name_of(error)
    return "ok"


def written(top):
    """Every file below, of no process, that takes what it had, or an empty line where it can't be read."""
    for folder, folders, files in os.walk(top):
        if folder == "/proc":
            folders[:] = [name for name in folders if not name.isdigit()]
        yield from (path for name in files if takes(path := os.path.join(folder, name)))


def takes(path):
    if opens(path, os.O_WRONLY) != "ok":
        return False
    try:
        with open(path, "rb") as file:
            had = file.read()
    except OSError:
        had = b"\n"
    try:
        with open(path, "wb", buffering=0) as file:
            file.write(had)
    except OSError:
        return False
    return True


def status(pid="self"):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def devices():
    """Name -> major:minor of the character devices, or what else stands there."""
    found = {}
    for name in os.listdir("/dev"):
        mode, number = os.lstat(f"/dev/{name}").st_mode, os.lstat(f"/dev/{name}").st_rdev
        device = f"{os.major(number)}:{os.minor(number)}"
        found[name] = device if stat.S_ISCHR(mode) else "link" if stat.S_ISLNK(mode) else "folder"
    return found


def set_uid():
    """The ids that a set-uid program gets: the first that is there is run."""
    program = next(path for path in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount") if os.path.exists(path))
    with subprocess.Popen([program, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        ids = status(process.pid)["Uid"].split()
    return {"bit": bool(os.stat(program).st_mode & stat.S_ISUID), "ids": sorted(set(ids))}


def keyring():
    """Of whoever started the session: KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING."""
    found = libc.syscall({"x86_64": 250, "aarch64": 219}[platform.machine()], 0, -3, 0)
    return "ok" if found > 0 else errno.errorcode[ctypes.get_errno()]


def reach(name):
    with socket.socket(socket.AF_UNIX) as client:
        return errno.errorcode.get(client.connect_ex("\0" + name), "ok")


def look(question):
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    others = [pid for pid in pids if pid != str(os.getpid())]
    of_others = [f"/proc/{pid}/{name}" for pid in others for name in ("mem", "environ", "fd", "cwd", "root", "maps")]
    return {
        "reads": {path: opens(path) for path in question["reads"]},
        "others": {path: opens(path) for path in of_others},
        "host pids": [pid for pid in question["pids"] if os.path.exists(f"/proc/{pid}/status")],
        "written": sorted(written("/proc")),
        "devices": devices(),
        "set-uid": set_uid(),
        "bounding": [bit for bit in range(64) if libc.prctl(PR_CAPBSET_READ, bit) == 1],
        "dumpable": libc.prctl(PR_GET_DUMPABLE),
        "no_new_privs": libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
        "abstract": [reach(name) for name in question["sockets"]],
        "sockets": [path for pattern in SOCKETS for path in glob.glob(pattern)],
        "ipc": {name: len(open(f"/proc/sysvipc/{name}").readlines()) - 1 for name in ("shm", "msg", "sem")},
        "shared memory": os.listdir("/dev/shm"),
        "names": [platform.node(), open("/proc/sys/kernel/hostname").read().strip()],
        "domain": open("/proc/sys/kernel/domainname").read().strip(),
        "terminal": opens("/dev/tty"),
        "session keyring": keyring(),
    }


if __name__ == "__main__":
    json.dump(look(json.loads(sys.argv[-1])), sys.stdout)
