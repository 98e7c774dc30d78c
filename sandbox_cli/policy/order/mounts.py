"""The order of what is seen of files: at each path that is a mount point on either side, what stands there.

It is over what is written. Which of the host's own files are links is not looked at, but for one thing: /bin, /sbin and
/lib are links into /usr on most machines, which then stand in every jail that shows /usr.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, NamedTuple

from sandbox_cli.policy.mounts import OURS, covering, normal
from sandbox_cli.policy.order.relations import relation, together
from sandbox_cli.policy.words import NOTHING, of_mount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.policy.model import Mount
    from sandbox_cli.policy.order.relations import Relation

    Mounts = Mapping[str, Mount]

MOST_LINKS = 40  # the kernel's own bound
LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")  # into /usr, on most machines


class Seen(NamedTuple):
    """What stands at a path. `which` tells two of a kind apart: a path of the host, or the link's target.

    A `made` tmpfs stands there; `inside` one a program can make what it likes. `usr`: what the host's link shows.
    """

    kind: Literal["nothing", "usr", "host", "made", "inside", "link"]
    which: str = ""
    writable: bool = False
    executable: bool = True
    optional: bool = True  # the job runs where it is not there


class Place(NamedTuple):
    """A path at which two views differ."""

    path: str
    relation: Relation
    before: str
    after: str


def differences(before: Mounts, after: Mounts) -> Iterator[Place]:
    for path in sorted({*before, *after}):
        found = together(_relation(*pair) for pair in _readings(path, before, after))
        words = told(path, before), told(path, after)
        if words[0] == words[1]:
            words = told(path, before, optional=True), told(path, after, optional=True)
        if found != "equal" or words[0] != words[1]:
            yield Place(path, found, *words)
    if ("/" in before) != ("/" in after):
        for path in LINKS:
            if path not in before and path not in after:
                found = _relation(seen(path, before), seen(path, after))
                if found == "incomparable":
                    yield Place(path, found, told(path, before), told(path, after))


def seen(path: str, mounts: Mounts, links: int = MOST_LINKS) -> Seen:
    """What a program finds at `path` of the jail."""
    above = covering(path, mounts)
    if above is None or _is_left_out(path, above):
        return Seen("usr", path) if _is_linked(path, mounts) else Seen("nothing")
    mount, rest = mounts[above], posixpath.relpath(path, above)
    if mount.mode == "symlink":
        target = posixpath.join(posixpath.dirname(above), mount.source or "")
        if rest == "." or not links:
            return Seen("link", mount.source or "") if rest == "." else Seen("link", f"{above} -> {mount.source}")
        return seen(normal(f"{target}/{rest}"), mounts, links - 1)
    if mount.mode == "tmpfs":
        return Seen("made" if rest == "." else "inside", above, writable=True, executable=not mount.noexec)
    source = posixpath.normpath(posixpath.join(mount.source or above, rest))
    optional = mount.optional or rest != "."  # what lies further down may be missing
    return Seen("host", source, mount.mode == "rw", not mount.noexec, optional)


def _is_left_out(path: str, above: str) -> bool:
    """Whether a whole root that is shown is shown without it."""
    return above == "/" and path.split("/")[1] in OURS


def told(path: str, mounts: Mounts, *, optional: bool = False) -> str:
    """The same in words; whether it is optional, too."""
    above = covering(path, mounts)
    if above is None or _is_left_out(path, above):
        return "a link into /usr, where the host has it" if _is_linked(path, mounts) else NOTHING
    mount = mounts[above]
    words = of_mount(above, mount) + (" optional" if optional and mount.optional else "")
    return words if above == path else f"{words} (in {above})"


def _relation(before: Seen, after: Seen) -> Relation:
    if before == after:
        return "equal"
    if "nothing" in {before.kind, after.kind}:
        return relation(more=before.kind == "nothing", less=after.kind == "nothing")
    if before.kind == "usr" or after.kind == "usr":
        return relation(more=not _is_the_linked(after, before), less=not _is_the_linked(before, after))
    if before[:2] != after[:2]:
        return "incomparable"
    more, less = (
        any(a > b for a, b in zip(*pair, strict=True)) for pair in (_flags(after, before), _flags(before, after))
    )
    return relation(more=more, less=less)


def _flags(one: Seen, other: Seen) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    return one[2:], other[2:]


def _is_the_linked(linked: Seen, shown: Seen) -> bool:
    """Whether `shown` gives at least what the host's own link does: that link, or the same path of the host."""
    if linked.kind != "usr":
        return False
    if shown.kind == "link":
        return posixpath.join("/", shown.which) == f"/usr{linked.which}"
    return shown.kind == "host" and shown.which == linked.which and shown.executable


def _is_linked(path: str, mounts: Mounts) -> bool:
    """Whether the host's link may show something there."""
    shown = any(each == "/usr" or each.startswith("/usr/") for each in mounts)
    return shown and any(path == link or path.startswith(f"{link}/") for link in LINKS)


def _readings(path: str, before: Mounts, after: Mounts) -> Iterator[tuple[Seen, Seen]]:
    """As where the host's /bin is a folder of its own, and as where it is a link: /bin/x is /usr/bin/x then."""
    yield seen(path, before), seen(path, after)
    through = _through_links(before), _through_links(after)
    if through != (before, after):
        there = _through(path)
        yield seen(there, through[0]), seen(there, through[1])


def _through_links(mounts: Mounts) -> Mounts:
    return mounts if "/" in mounts else {_through(path): mount for path, mount in mounts.items()}


def _through(path: str) -> str:
    return f"/usr{path}" if path.startswith(tuple(f"{link}/" for link in LINKS)) else path
