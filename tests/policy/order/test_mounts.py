"""Mounts are ordered by what is seen, at every path, and not by how it is written."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from sandbox_cli.policy.model import Mount
from sandbox_cli.policy.order.mounts import LINKS, differences
from sandbox_cli.policy.order.relations import together
from tests.policy.policies import MOUNTS, PATHS

if TYPE_CHECKING:
    from sandbox_cli.policy.order.relations import Relation

    Mounts = dict[str, Mount]

NEVER_OF_A_ROOT = {"/proc", "/dev", "/sys", "/sandbox"}


def ro(source: str, **more: Any) -> Mount:
    return Mount(mode="ro", source=source, **more)


def rw(source: str, **more: Any) -> Mount:
    return Mount(mode="rw", source=source, **more)


TMPFS = Mount(mode="tmpfs")
BIN = Mount(mode="symlink", source="usr/bin")
USR = {"/usr": ro("/usr")}

EXAMPLES: list[tuple[str, Mounts, Mounts, dict[str, Relation]]] = [
    ("something", {}, {"/a": ro("/a")}, {"/a": "looser"}),
    ("writable", {"/a": ro("/a")}, {"/a": rw("/a")}, {"/a": "looser"}),
    ("executable", {"/a": ro("/a", noexec=True)}, {"/a": ro("/a")}, {"/a": "looser"}),
    ("writable, not executable", {"/a": ro("/a")}, {"/a": rw("/a", noexec=True)}, {"/a": "incomparable"}),
    ("optional", {"/a": ro("/a")}, {"/a": ro("/a", optional=True)}, {"/a": "looser"}),
    ("another folder", {"/a": ro("/a")}, {"/a": ro("/b")}, {"/a": "incomparable"}),
    ("a tmpfs instead", {"/a": ro("/a")}, {"/a": TMPFS}, {"/a": "incomparable"}),
    ("a tmpfs", {}, {"/a": TMPFS}, {"/a": "looser"}),
    ("a tmpfs without programs", {"/a": TMPFS}, {"/a": Mount(mode="tmpfs", noexec=True)}, {"/a": "tighter"}),
    ("a link", {}, {"/a": BIN}, {"/a": "looser"}),
    ("another link", {"/a": BIN}, {"/a": Mount(mode="symlink", source="b")}, {"/a": "incomparable"}),
    ("a folder instead of one in it", {"/usr/lib": ro("/usr/lib")}, USR, {"/usr": "looser", "/usr/lib": "looser"}),
    ("the same in it", USR, {**USR, "/usr/lib": ro("/usr/lib", optional=True)}, {"/usr/lib": "equal"}),
    ("a part of it that must be there", USR, {**USR, "/usr/lib": ro("/usr/lib")}, {"/usr/lib": "tighter"}),
    ("a part of it hidden", USR, {**USR, "/usr/lib": TMPFS}, {"/usr/lib": "incomparable"}),
    ("a part of it writable", USR, {**USR, "/usr/lib": rw("/usr/lib", optional=True)}, {"/usr/lib": "looser"}),
    ("in a folder from elsewhere", {"/a": ro("/b")}, {"/a": ro("/b"), "/a/c": ro("/b/c", optional=True)},
     {"/a/c": "equal"}),
    ("in a tmpfs", {"/a": TMPFS}, {"/a": TMPFS, "/a/b": ro("/b")}, {"/a/b": "incomparable"}),
    ("a tmpfs in a tmpfs", {"/a": TMPFS}, {"/a": TMPFS, "/a/b": TMPFS}, {"/a/b": "incomparable"}),
    ("a whole root", USR, {"/": ro("/")}, {"/": "looser", "/usr": "looser"}),
    ("another root", USR, {"/": ro("/r")},
     {"/": "looser", "/usr": "incomparable", **dict.fromkeys(LINKS, "incomparable")}),
    ("what no root shows", {"/": ro("/")}, {"/": ro("/"), "/sys": ro("/sys")}, {"/sys": "looser"}),
    ("below a link", {"/b": ro("/b"), "/a": Mount(mode="symlink", source="b")}, {"/b": ro("/b"), "/a/c": ro("/b/c")},
     {"/a": "tighter", "/a/c": "tighter"}),
    ("instead of the host's link", USR, {**USR, "/bin": TMPFS}, {"/bin": "incomparable"}),
    ("as the host's link", USR, {**USR, "/bin": BIN}, {"/bin": "looser"}),
    ("what the host's link leads to", USR, {**USR, "/bin": ro("/bin")}, {"/bin": "looser"}),
    ("that, without programs", USR, {**USR, "/bin": ro("/bin", noexec=True)}, {"/bin": "incomparable"}),
    ("through the host's link", USR, {**USR, "/bin/x": ro("/x")}, {"/bin/x": "incomparable"}),
    ("no link of the host", {}, {"/bin": TMPFS}, {"/bin": "looser"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "found"), [each[1:] for each in EXAMPLES], ids=[each[0] for each in EXAMPLES]
)
def test_examples(before: Mounts, after: Mounts, found: dict[str, Relation]) -> None:
    assert {each.path: each.relation for each in differences(before, after)} == found


def test_words() -> None:
    after = {"/usr": ro("/usr", optional=True), "/bin/x": ro("/x"), "/a": TMPFS, "/l": BIN}
    assert [each[2:] for each in differences({**USR, "/usr/lib": rw("/x")}, after)] == [
        ("nothing", "tmpfs"),
        ("a link into /usr, where the host has it", "ro from /x"),
        ("nothing", "-> usr/bin"),
        ("ro", "ro optional"),
        ("rw from /x", "ro (in /usr)"),
    ]


def painted(mounts: Mounts) -> dict[str, tuple[Any, ...]]:
    """What is seen at every path of a small world, by mounting one over the other, as a jailer does: no path is ever
    asked what covers it. Without links, and where no /bin leads anywhere."""
    below = [f"{path}/{name}" for path in ("", *PATHS[1:]) for name in ("n", "bin", "a", "b")]
    world: dict[str, tuple[Any, ...]] = dict.fromkeys(["/", *PATHS, *below], ("nothing",))
    for point in sorted(mounts):
        mount = mounts[point]
        for path in world:
            if not f"{path}/".startswith(f"{point.rstrip('/')}/"):
                continue
            rest = path.removeprefix(point.rstrip("/")).rstrip("/")
            if point == "/" and any(f"{path}/".startswith(f"{each}/") for each in NEVER_OF_A_ROOT):
                continue
            if mount.mode == "tmpfs":
                world[path] = ("tmpfs", point, not rest, True, not mount.noexec, True)
            else:
                source = f"{(mount.source or '').rstrip('/')}{rest}" or "/"
                world[path] = ("host", source, True, mount.mode == "rw", not mount.noexec, mount.optional or bool(rest))
    return world


def sees_no_more(tight: Mounts, loose: Mounts) -> bool:
    """Whether at every path one sees what the other does, if anything, and may do no more with it."""
    pairs = zip(painted(tight).values(), painted(loose).values(), strict=True)
    return all(
        one == ("nothing",)
        or (
            other != ("nothing",)
            and one[:3] == other[:3]
            and all(a <= b for a, b in zip(one[3:], other[3:], strict=True))
        )
        for one, other in pairs
    )


def plain(mounts: Mounts) -> bool:
    return not any(mount.mode == "symlink" or path.startswith("/bin") for path, mount in mounts.items())


@settings(max_examples=80, deadline=None)
@given(MOUNTS.filter(plain), MOUNTS.filter(plain), some.booleans())
@example({"/": ro("/")}, {"/sys": ro("/sys")}, True)
def test_no_looser_is_to_see_no_more_anywhere(before: Mounts, after: Mounts, added: bool) -> None:
    after = {**before, **after} if added else after
    both = [{path: mount for path, mount in each.items() if path not in LINKS} for each in (before, after)]
    found = together(each.relation for each in differences(*both) if each.path not in LINKS)
    assert (found in {"equal", "tighter"}) is sees_no_more(both[1], both[0])
    assert (found in {"equal", "looser"}) is sees_no_more(both[0], both[1])


@settings(max_examples=80, deadline=None)
@given(MOUNTS, some.sampled_from(PATHS), some.integers(0, 3))
def test_a_step_towards_more_is_never_tighter(mounts: Mounts, path: str, step: int) -> None:
    """Of one mount: it was read-only, or without programs, or demanded."""
    mount = mounts.get(path)
    if mount is None or mount.mode not in {"ro", "rw"}:
        return
    steps: list[dict[str, Any]] = [{"mode": "ro"}, {"noexec": True}, {"optional": False}, {}]
    tight = {**mounts, path: mount.model_copy(update=steps[step])}
    found = {each.path: each.relation for each in differences(tight, mounts)}
    assert found in ({}, {path: "looser"})


def test_every_pair_of_kinds_is_told_one_way_or_the_other() -> None:
    kinds = [ro("/a"), rw("/a"), ro("/b"), TMPFS, BIN]
    for one, other in itertools.permutations(kinds, 2):
        found = [each.relation for each in differences({"/a": one}, {"/a": other})]
        same = one.mode in {"ro", "rw"} and other.mode in {"ro", "rw"} and one.source == other.source
        assert found == ([{"rw": "looser", "ro": "tighter"}[other.mode]] if same else ["incomparable"])
