# attempt: Connects to the sockets of the host's services that stand in the file system: by their well-known paths, by
#     those that it is told, and by a walk through everything that is to be seen.
# known-from: technique: docker.sock in a container is root on the host; D-Bus, X11, ssh-agent, systemd
# held-by: mounts
# must: held
# control: policy filesystem: {$ESCAPE_SOCKET: ro}
# needs: path
import os
import socket
import stat

KNOWN = (
    "/var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock "
    "/run/crio/crio.sock /run/dbus/system_bus_socket /run/systemd/private /run/systemd/notify "
    "/run/systemd/journal/socket /run/udev/control /dev/log /run/systemd/journal/dev-log /run/snapd.socket "
    "/var/lib/lxd/unix.socket /run/nscd/socket /run/acpid.socket /run/cups/cups.sock /tmp/.X11-unix/X0 "
    "/tmp/.X11-unix/X1 /run/user/{uid}/bus /run/user/{uid}/systemd/private /run/user/{uid}/wayland-0 "
    "/run/user/{uid}/gnupg/S.gpg-agent /run/user/{uid}/keyring/ssh /tmp/dbus-session /run/mysqld/mysqld.sock "
    "/tmp/.s.PGSQL.5432 "
)
target = os.environ["ESCAPE_SOCKET"]


def walk():
    for top in ("/run", "/var/run", "/tmp", "/dev", "/sandbox", "/home", os.path.dirname(target)):
        for folder, _, names in os.walk(top):
            for path in (f"{folder}/{name}" for name in names):
                try:
                    if stat.S_ISSOCK(os.lstat(path).st_mode):
                        yield path
                except OSError:
                    pass


def paths():
    yield target
    for name, value in os.environ.items():
        if name.endswith(("_SOCK", "_ADDRESS")):
            yield value.partition("unix:path=")[2] or value
    for path in KNOWN.split():
        yield path.format(uid=os.getuid())
    yield from walk()


tried = set()
for path in paths():
    tried.add(path)
    for place in (path, f"/proc/1/root{path}"):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            with socket.socket(socket.AF_UNIX, kind) as unix:
                unix.settimeout(5)
                try:
                    unix.connect(place)
                    print(f"escaped: {place} {unix.recv(100).decode() if path == target else ''}")
                    raise SystemExit
                except OSError:
                    pass
print(f"held: none of {len(tried)} paths")
