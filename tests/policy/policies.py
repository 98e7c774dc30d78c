"""Policies made by hypothesis, of few words, so that two of them often have something to do with each other."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as some

from sandbox_cli.policy.model import (
    Artifacts,
    Compile,
    Language,
    Limit,
    Mount,
    Policy,
    RuntimeSpec,
    SyscallRule,
    Syscalls,
)

PATHS = ("/", "/a", "/a/b", "/a/b/c", "/d", "/usr", "/usr/bin", "/usr/bin/x", "/bin", "/bin/x", "/sys")
CALLS = ("getuid", "socket", "ioctl", "clone", "prctl", "personality", "ptrace", "mount", "io_uring_setup", "uname")
ARGUMENTS = (0, 1, 2, 3, 0x10, 0x28, 0x5412, 0x5423, 0xFFFF_FFFF, 0x1_0000_0001)
SETS = ("@default-deny", "@mount", "@network-io", "@process")


def _limit(pair: tuple[int | None, int | None]) -> Limit:
    """A default is no more than its max, and bounded where that is."""
    default, most = pair
    return Limit(default=most if default is None and most is not None else default, max=_most(default, most))


def _most(default: int | None, most: int | None) -> int | None:
    return None if most is None else max(most, default or 0)


_NUMBER = some.sampled_from([None, 1, 2, 3])
LIMITS = some.tuples(_NUMBER, _NUMBER).map(_limit)
_SOURCES = some.sampled_from([*PATHS, "/usr/lib", "/other"])
BINDS = some.builds(
    Mount,
    mode=some.sampled_from(["ro", "rw"]),
    source=_SOURCES,
    optional=some.booleans(),
    noexec=some.booleans(),
)
_TMPFS = some.builds(Mount, mode=some.just("tmpfs"), noexec=some.booleans())
_LINKS = some.builds(Mount, mode=some.just("symlink"), source=some.sampled_from(["/a", "b", "usr/bin", "../d"]))


def _mount(path: str, kind: str, other: Mount, tmpfs: Mount, link: Mount) -> Mount:
    if kind == "own":
        return other.model_copy(update={"source": path})
    return {"other": other, "tmpfs": tmpfs, "link": link}[kind if path != "/" else "other"]


def _mounts(paths: list[str]) -> Any:
    kinds = some.sampled_from(["own", "own", "other", "tmpfs", "link"])
    return some.fixed_dictionaries(
        {path: some.builds(_mount, some.just(path), kinds, BINDS, _TMPFS, _LINKS) for path in paths}
    )


MOUNTS = some.lists(some.sampled_from(PATHS), unique=True, max_size=4).flatmap(_mounts)


def _rule(syscall: str, test: tuple[int, int, int] | None, action: Any) -> SyscallRule:
    if test is None:
        return SyscallRule(syscall=syscall, action=action)
    arg, mask, value = test
    return SyscallRule(syscall=syscall, arg=arg, mask=mask, value=value & mask, action=action)


RULES = some.builds(
    _rule,
    some.sampled_from(CALLS),
    some.none()
    | some.tuples(
        some.integers(0, 1),
        some.sampled_from([0xF, 0xFF, 0x30, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF]),
        some.sampled_from(ARGUMENTS),
    ),
    some.sampled_from(["errno", "kill", "log", "allow"]),
)


def _syscalls(listed: list[str], allowing: bool, rules: list[SyscallRule], action: Any) -> Syscalls:
    if allowing:
        names = tuple(each for each in listed if each != "@default-deny")
        return Syscalls(allow=names, rules=tuple(rules), action=action)
    return Syscalls(deny=tuple(listed), rules=tuple(rules), action=action)


SYSCALLS = some.builds(
    _syscalls,
    some.lists(some.sampled_from([*CALLS, *SETS, "@default-deny"]), unique=True, max_size=4),
    some.booleans(),
    some.lists(RULES, max_size=3),
    some.sampled_from(["errno", "kill", "log"]),
)
NETWORKS = some.sampled_from(["none", "host"]) | some.lists(
    some.sampled_from(["a:1", "b:2", "c:3"]), unique=True, max_size=3
).map(lambda hosts: {"allow": tuple(hosts)})
LEVELS = some.sampled_from(["strict", "sampled", "process", "none"])
REQUIRED = ("limits", "limits.memory", "limits.cpus", "network", "filesystem", "filesystem./a", "filesystem./a/b")
GLOBS = ("**", "**/*", "*", "a", "./a", "a/**", "a/*", "a/b", "**/b", "b*")
LANGUAGES = some.none() | some.builds(
    Language,
    name=some.sampled_from(["x", "y"]),
    file=some.just("f"),
    run=some.sampled_from([("r",), ("s",)]),
    runtime=some.sampled_from([None, RuntimeSpec(command="r"), RuntimeSpec(command="r", package="p")]),
    compile=some.none()
    | some.builds(
        Compile, run=some.just(("c",)), limits=some.dictionaries(some.sampled_from(["memory", "cpus"]), LIMITS)
    ),
)
FIELDS: dict[str, Any] = {
    "description": some.sampled_from(["", "words"]),
    "language": LANGUAGES,
    "limits": some.fixed_dictionaries({"memory": LIMITS, "cpus": LIMITS}),
    "filesystem": MOUNTS,
    "network": NETWORKS,
    "syscalls": SYSCALLS,
    "workspace": some.sampled_from(["none", "ro", "rw"]),
    "directory": some.sampled_from([None, None, "/w", "/v"]),
    "environment": some.dictionaries(some.sampled_from(["A", "B", "PATH"]), some.sampled_from(["1", "2"])),
    "artifacts": some.builds(
        Artifacts,
        collect=some.lists(some.sampled_from(GLOBS), unique=True, max_size=3).map(tuple),
        max_files=some.integers(0, 2),
        max_bytes=some.integers(0, 2),
    ),
    "require": some.dictionaries(some.sampled_from(REQUIRED), LEVELS, max_size=4),
}
PLAIN = Policy(
    name="plain",
    limits={"memory": Limit(default=1, max=2), "cpus": Limit(default=None, max=None)},
    filesystem={"/usr": Mount(mode="ro", source="/usr")},
    syscalls=Syscalls(deny=("@default-deny",)),
    digest="",
    files=(),
    sources={},
)


@some.composite
def changed(draw: Any, policy: Policy = PLAIN, most: int = 3) -> Policy:
    """`policy` with other words in some clauses."""
    fields = draw(some.lists(some.sampled_from(sorted(FIELDS)), unique=True, max_size=most))
    return policy.model_copy(update={field: draw(FIELDS[field]) for field in fields})
