"""What firejail can show of the host, and with which commands of its profile.

It starts from the host's own file tree: a whole top-level directory stays or is hidden, and below one it
can show single paths ("whitelist"). Nothing can stand at another path than on the host.
"""

from __future__ import annotations

from sandbox_cli.backends.jail import is_writable, noexec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.model import SealedMount
    from sandbox_cli.policy.model import Mount, Policy

# Top-level directories that are firejail's own in every jail, or that the template empties.
_KEPT = {"proc", "dev", "tmp", "run", "etc"}
_CLOSED = {"proc", "sys", "dev", "boot", "root", "lost+found"}  # nothing of these can be shown
_IN_PARTS = {"home", "run", "tmp", "var"}  # firejail mixes its own files into these: only paths below can be shown
_PROGRAMS = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc"}  # read-only as a whole in every jail
_OWN = ("/var/tmp", "/var/log", "/var/lock", "/var/run", "/run/lock", "/run/firejail")  # noqa: S108

# Refused in a path, the begin of a comment, or a pattern that would match other names too.
_FORBIDDEN = set('!"#%&*,;<>?[\\^{}')


def refusal(path: str, policy: Policy, host: Host) -> str | None:
    """Why firejail can't show the mount at `path` as the policy says; None: it can."""
    mount = policy.filesystem[path]
    if mount.mode == "symlink" and path.count("/") == 1:
        return None if host.root_links.get(path[1:]) == mount.source else "firejail can't make symbolic links"
    if mount.mode == "symlink" and host.link(path) != mount.source:
        return "firejail can't make symbolic links, only show those of the host"
    if mount.mode == "tmpfs":
        if mount.noexec:
            return "firejail's noexec would hold for scratch too, which stands in /tmp"
        return None if path == "/tmp" else "firejail makes no tmpfs but /tmp"  # noqa: S108
    if mount.mode != "symlink" and mount.source not in {None, path}:
        return f"firejail can't show {mount.source} at another path"
    return _unnameable(path) or _misplaced(path, mount, policy, host)


def _unnameable(path: str) -> str | None:
    if ".." in path:
        return "firejail takes no path with two dots in a row"
    return None if is_plain(path) else "firejail can't take the characters of this path in its profile"


def _misplaced(path: str, mount: Mount, policy: Policy, host: Host) -> str | None:
    top = top_name(path)
    whole = path == f"/{top}"
    refusals = (
        (top in host.root_links, f"/{top} is a symbolic link here"),
        (top in _CLOSED, f"firejail can't show anything of /{top}"),
        (whole and top in _IN_PARTS, f"firejail can't show the whole of /{top}"),
        (whole and top in _PROGRAMS and is_writable(mount), f"firejail keeps /{top} read-only"),
        (any(path == own or path.startswith(own + "/") for own in _OWN), "firejail has its own there"),
        (
            not whole and top in _PROGRAMS - {"etc"} and covering(path, policy) is None,
            f"firejail shows the whole of /{top} or nothing of it",
        ),
        (
            not mount.noexec and any(path.startswith(f"{each}/") for each in noexec(policy.filesystem)),
            "firejail's noexec holds for all that is mounted below",
        ),
        (
            is_writable(mount) and _stays_read_only(path, policy, host),
            "firejail makes only the job's own writable there",
        ),
    )
    return next((reason for applies, reason in refusals if applies), None)


def _stays_read_only(path: str, policy: Policy, host: Host) -> bool:
    """In what is mounted already, as its home is too, a job's account gets nothing writable but what it owns."""
    _, uid, _, home = host.firejail_user or ("", host.uid, host.gid, host.home)
    above = covering(path, policy)
    closed = above is not None or path.startswith(f"{home}/")
    return closed and host.owner(path) not in {None, uid}


def shown(policy: Policy, host: Host) -> dict[str, Mount]:
    """The mounts that firejail itself has to be told of, in the policy's order. Top-level links stay by themselves."""
    return {
        path: mount
        for path, mount in policy.filesystem.items()
        if (mount.mode in {"ro", "rw"} or (mount.mode == "symlink" and path.count("/") > 1))
        and refusal(path, policy, host) is None
    }


def _is_at_home(path: str, host: Host) -> bool:
    _, _, _, home = host.firejail_user or ("", host.uid, host.gid, host.home)
    return path == home or path.startswith(f"{home}/")


def flags(mounts: dict[str, Mount], host: Host) -> list[str]:
    """Commands that open what firejail closes by itself: other homes; programs and writing below /var and /etc.

    Other homes only where one is named: a whitelist of it then hides the rest, which one of the own home doesn't.
    """
    found: list[str] = []
    if any(top_name(path) == "home" and not _is_at_home(path, host) for path in mounts):
        found.append("allusers")
    if any(top_name(path) == "var" for path in mounts):
        found.append("writable-var")
    if any(top_name(path) == "etc" and is_writable(mount) for path, mount in mounts.items()):
        found.append("writable-etc")
    return found


def commands(mounts: dict[str, Mount], policy: Policy, host: Host) -> list[tuple[str, str]]:
    """A whitelist for what stands alone below a top-level directory, and the mode of each mount."""
    etc_is_writable = "writable-etc" in flags(mounts, host)
    found: list[tuple[str, str]] = []
    for path, mount in mounts.items():
        if path.count("/") > 1 and covering(path, policy) is None:
            found.append(("whitelist", path))
        if mount.mode == "symlink":
            continue  # a link has no mode
        if is_writable(mount):
            above = covering(path, policy)
            if above is not None and is_writable(policy.filesystem[above]):
                found.append(("read-only", path))  # what is writable already would get no mount of its own
            found.append(("read-write", path))
        elif top_name(path) != "etc" or etc_is_writable:
            found.append(("read-only", path))
    found += [("noexec", path) for path, mount in mounts.items() if mount.noexec]
    return found


def modes(mounts: dict[str, Mount]) -> list[SealedMount]:
    """What mountinfo must show. A whole directory that stays writable is no mount of its own, and a link is none.

    Below /etc firejail shows a symbolic link as a link, not as a mount; what it shows there is read-only
    by the whole of /etc.
    """
    return [
        {"path": path, "flags": ["rw" if is_writable(mount) else "ro", *(["noexec"] if mount.noexec else [])]}
        for path, mount in mounts.items()
        if mount.mode != "symlink"
        and not (is_writable(mount) and path.count("/") == 1)
        and (top_name(path) != "etc" or is_writable(mount))
    ]


def hidden(mounts: dict[str, Mount], host: Host) -> list[str]:
    """The names in the host's root that the jail must not see."""
    kept = _KEPT | set(host.root_links) | {top_name(path) for path in mounts}
    return sorted(name for name in host.root_entries if name not in kept)


def pattern(name: str) -> str:
    """A name as a pattern for it that a profile can hold: `?` stands for what can't be written."""
    held = "".join("?" if char in _FORBIDDEN or char <= " " or char == "\x7f" else char for char in name)
    return held.replace("..", ".?")


def covering(path: str, policy: Policy) -> str | None:
    """The nearest mount of the host above `path`."""
    while path := path.rpartition("/")[0]:
        mount = policy.filesystem.get(path)
        if mount is not None and mount.mode in {"ro", "rw"}:
            return path
    return None


def is_plain(path: str) -> bool:
    """Whether a profile can name this path: a line loses blanks at its end, and all but one in its middle."""
    return not (_FORBIDDEN & set(path) or path.endswith(" ") or "  " in path or ".." in path)


def top_name(path: str) -> str:
    """usr of /usr/lib."""
    return path.split("/", 2)[1]
