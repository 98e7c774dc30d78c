"""Looks around in a jail and prints what it sees, as JSON: `python3 -IS -c PROBE QUESTION...`, run by the job itself.

QUESTION is JSON too: `stops`, paths that are not walked into; `room`, paths whose file system is measured; `reads`,
paths to be opened; `reaches`, sockets to connect to. Imports little: it runs for every policy, backend and account.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import socket
import stat
import sys

KINDS = {stat.S_IFDIR: "folder", stat.S_IFREG: "file", stat.S_IFCHR: "device", stat.S_IFIFO: "pipe"}
NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time")


def text(path):
    with open(path, encoding="latin-1", newline="") as file:
        return file.read()


def walk(stops):
    """Every path from / on, with what stands there; `closed` where it can't be opened."""
    seen, pending = {}, ["/"]
    while pending:
        path = pending.pop()
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            seen[path] = f"link {os.readlink(path)}"
            continue
        seen[path] = KINDS[stat.S_IFMT(mode)]
        try:
            if stat.S_ISDIR(mode):
                pending += [os.path.join(path, name) for name in os.listdir(path) if path not in stops]
            elif stat.S_ISREG(mode):
                os.close(os.open(path, os.O_RDONLY))
        except PermissionError:
            seen[path] = "closed"
    return seen


def is_writable(path):
    """A file is made in a folder and removed again; a file is opened."""
    if not os.path.isdir(path):
        return os.path.isfile(path) and not os.path.islink(path) and opens(path, os.O_WRONLY)
    made = os.path.join(path, ".tried")
    if os.path.islink(path) or not opens(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL):
        return False
    os.unlink(made)
    return True


def opens(path, flags):
    try:
        os.close(os.open(path, flags))
    except OSError:
        return False
    return True


def can_read(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return bool(os.listdir(fd) if stat.S_ISDIR(os.fstat(fd).st_mode) else os.read(fd, 1))
        finally:
            os.close(fd)
    except OSError:
        return False


def reach(family, address):
    """ok, or the name of the error."""
    with socket.socket(getattr(socket, family)) as client:
        client.settimeout(5)
        return errno.errorcode.get(client.connect_ex(tuple(address) if family == "AF_INET" else address), "ok")


def room(path):
    found = os.statvfs(path)
    return {"bytes": found.f_blocks * found.f_frsize, "files": found.f_ffree}


def looks(path):
    found = os.stat(path)
    return {"is": [found.st_dev, found.st_ino], "mode": oct(found.st_mode), "owner": [found.st_uid, found.st_gid]}


def look(question):
    fds = os.listdir("/proc/self/fd")  # one of them is this listing's own
    visible = walk(question["stops"])
    named = [*question["stops"], *question["room"]]
    return {
        "mountinfo": text("/proc/self/mountinfo"),
        "visible": visible,
        "writable": [path for path in {*visible, *named} if is_writable(path)],
        "room": {path: room(path) for path in question["room"]},
        "looks": {path: looks(path) for path in named},
        "names": {path: text(path) for path in ("/etc/passwd", "/etc/group", "/etc/hosts")},
        "reads": [path for path in question["reads"] if can_read(path)],
        "reaches": [reach(*socket_address) for socket_address in question["reaches"]],
        "environ": text("/proc/self/environ"),
        "argv": text("/proc/self/cmdline"),
        "limits": {
            name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")
        },
        "status": dict(line.split(":\t", 1) for line in text("/proc/self/status").splitlines()),
        "namespaces": {name: os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES},
        "interfaces": sorted(line.split(":")[0].strip() for line in text("/proc/net/dev").splitlines()[2:]),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "self": [os.getpid(), os.getppid(), os.getpgrp(), os.getsid(0)],
        "terminal": text("/proc/self/stat").rpartition(")")[2].split()[4],
        "fds": sorted(int(fd) for fd in fds),
        "cwd": os.getcwd(),
        "hostname": socket.gethostname(),
        "nice": os.nice(0),
    }


if __name__ == "__main__":
    json.dump(look(json.loads(sys.argv[1])), sys.stdout)
