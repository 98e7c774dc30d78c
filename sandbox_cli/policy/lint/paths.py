"""Paths of a host, and what is behind them that no job should get: data, and which of it a path names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(NamedTuple):
    """The rule that a path falls under, and in words what is there."""

    rule: str
    what: str


_SECRET_TREES = {
    "/etc/shadow": "the hashes of passwords",
    "/etc/gshadow": "the hashes of passwords",
    "/etc/ssh": "the host's own SSH keys",
    "/etc/ssl/private": "private keys",
    "/etc/pki/tls/private": "private keys",
    "/etc/letsencrypt": "private keys",
    "/etc/sudoers": "who may become root",
    "/etc/sudoers.d": "who may become root",
    "/etc/krb5.keytab": "the host's Kerberos key",
    "/etc/kubernetes": "keys of the cluster",
    "/run/secrets": "secrets of a container",
    "/var/lib/kubelet": "secrets of every pod",
    "/var/lib/docker": "the files of every container",
    "/var/lib/containerd": "the files of every container",
    "/var/lib/containers": "the files of every container",
}
_HOLDS_SECRETS = {"/etc/ssl": "private keys (certificates are in /etc/ssl/certs)", "/etc/pki/tls": "private keys"}

# Of a home, wherever it is.
_SECRET_NAMES = {
    ".ssh": "SSH keys",
    ".gnupg": "GnuPG keys and the agent's socket",
    ".aws": "keys of the cloud",
    ".azure": "keys of the cloud",
    ".kube": "keys of the cluster",
    ".docker": "logins of registries",
    ".netrc": "passwords",
    ".pgpass": "passwords",
    ".git-credentials": "passwords",
    ".npmrc": "tokens of a registry",
    ".pypirc": "tokens of a registry",
    ".vault-token": "a token",
    ".password-store": "passwords",
    ".mozilla": "passwords and sessions of a browser",
    ".bash_history": "what was typed, passwords too",
    "keyrings": "passwords",
    "gcloud": "keys of the cloud",
    "id_rsa": "an SSH key",
    "id_ecdsa": "an SSH key",
    "id_ed25519": "an SSH key",
}

_SOCKET_TREES = {
    "/run/user": "the sockets of every session: D-Bus, Wayland, agents",
    "/run/dbus": "the system's D-Bus",
    "/run/docker": "docker's sockets",
    "/run/containerd": "containerd's sockets",
    "/run/podman": "podman's sockets",
    "/run/crio": "CRI-O's sockets",
    "/run/libvirt": "libvirt's sockets",
    "/run/systemd/private": "systemd's own socket",
    "/run/systemd/journal": "the journal's sockets",
    "/tmp/.X11-unix": "the X servers' sockets",  # noqa: S108
    "/tmp/.ICE-unix": "the session managers' sockets",  # noqa: S108
}
_SOCKET_FOLDERS = {
    "/run": "the sockets of the host's services: docker, D-Bus, sessions",
    "/run/systemd": "systemd's sockets",
    "/tmp": "the sockets of X11, of agents and of whoever else works here",  # noqa: S108
    "/var/tmp": "what other programs keep there",  # noqa: S108
}
_SOCKET_NAME = re.compile(r".*\.(sock|socket)|S\.gpg-agent.*|S\.dirmngr|system_bus_socket|wayland-[0-9]+")
_AGENT = re.compile(r"/tmp/ssh-[^/]+(/.*)?")  # noqa: S108

_SYSTEM_FOLDERS = {
    "/etc": "the settings and accounts of the host",
    "/var": "logs, mail, and the data of services",
    "/var/lib": "the data of services",
    "/var/log": "logs",
    "/var/spool": "mail and jobs of others",
    "/boot": "kernels and their settings",
}
_NO_HOMES = frozenset(
    {"", "bin", "boot", "dev", "etc", "lib", "lib64", "nonexistent", "proc", "run", "sbin", "sys", "usr"}
)


def kind(path: str) -> Kind | None:
    """What a path of a host names; the gravest comes first."""
    path = re.sub(r"^/var(/run|/home)(?=/|$)", r"\1", path)  # the one is a link, to the other leads one
    for rule, look in _KINDS:
        if (what := look(path)) is not None:
            return Kind(rule, what)
    return None


def holds_home(path: str, home: str) -> bool:
    """Whether the home of an account is there; a daemon's may be a system's folder, and is nobody's."""
    parts = PurePosixPath(home).parts
    return len(parts) > 1 and parts[1] not in _NO_HOMES and PurePosixPath(home).is_relative_to(path)


def _root(path: str) -> str | None:
    return "the whole host" if path == "/" else None


def _home(path: str) -> str | None:
    parts = PurePosixPath(path).parts[1:]
    if parts in {("home",), ("root",)}:
        return "the home of root" if parts == ("root",) else "every home"
    return f"the home of {parts[1]}" if parts[:1] == ("home",) and len(parts) == 2 else None


def _kernel(path: str) -> str | None:
    return next((f"the host's {tree}" for tree in ("/proc", "/sys") if is_in(path, tree)), None)


def _device(path: str) -> str | None:
    if path == "/dev":
        return "every device"
    return "a device" if is_in(path, "/dev") else None


def _secret(path: str) -> str | None:
    if path in _HOLDS_SECRETS:
        return _HOLDS_SECRETS[path]
    names = [_SECRET_NAMES[name] for name in PurePosixPath(path).parts if name in _SECRET_NAMES]
    return _of_tree(path, _SECRET_TREES) or next(iter(names), None)


def _socket(path: str) -> str | None:
    name = PurePosixPath(path).name
    named = "a socket, by its name" if _SOCKET_NAME.fullmatch(name) else None
    agent = "the socket of an SSH agent" if _AGENT.fullmatch(path) else None
    return _SOCKET_FOLDERS.get(path) or _of_tree(path, _SOCKET_TREES) or agent or named


def _system(path: str) -> str | None:
    return _SYSTEM_FOLDERS.get(path)


_KINDS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("whole-root-visible", _root),
    ("home-visible", _home),
    ("kernel-files-visible", _kernel),
    ("device-visible", _device),
    ("secrets-visible", _secret),
    ("socket-visible", _socket),
    ("system-folder-visible", _system),
)


def _of_tree(path: str, trees: dict[str, str]) -> str | None:
    return next((what for tree, what in trees.items() if is_in(path, tree)), None)


def is_in(path: str, tree: str) -> bool:
    return PurePosixPath(path).is_relative_to(tree)
