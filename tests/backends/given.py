"""Policies and hosts for the tests of the backends: an effective policy as the plan would hand it over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host.model import Host, Jailer
from sandbox_cli.policy.model import Limit, Mount, Policy, Syscalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.accounts import Account

MIB = 1 << 20
LIMITS: dict[str, float | None] = {
    "wall_time": 10,
    "cpu_time": 10,
    "memory": 512 * MIB,
    "processes": 64,
    "open_files": 256,
    "file_size": 64 * MIB,
    "scratch_size": 8 * MIB,
    "scratch_files": 100,
    "tmp_size": 4 * MIB,
    "output": MIB,
    "cpus": None,
}
TMPFS = Mount(mode="tmpfs")


def ro(source: str) -> Mount:
    return Mount(mode="ro", source=source)


def rw(source: str) -> Mount:
    return Mount(mode="rw", source=source)


def link(target: str) -> Mount:
    return Mount(mode="symlink", source=target)


# What a program needs where /bin and its like are links into /usr, as they are on the hosts of the golden files.
LINKS = {"/bin": link("usr/bin"), "/lib": link("usr/lib"), "/lib64": link("usr/lib64"), "/sbin": link("usr/sbin")}
SYSTEM: dict[str, Mount] = {"/usr": ro("/usr"), **LINKS}

# Every kind of mount, and names that a careless quoting would break. "A" sorts before "b": parents come first.
HOSTILE: dict[str, Mount] = {
    **SYSTEM,
    "/data/a b": ro("/data/a b"),
    "/data/été 日本": rw("/data/été 日本"),
    "/data/it's": ro("/data/it's"),
    '/data/"quoted"\\': ro('/srv/"quoted"\\'),
    "/data/comma,colon:percent%": ro("/srv/comma,colon:percent%"),
    "/data/# no comment": ro("/data/# no comment"),
    "/data/{{ jinja }}": ro("/data/{{ jinja }}"),
    "/data/}\nrw: true".replace("\n", " "): ro("/data/x"),
    "/etc/ssl/certs": ro("/etc/ssl/certs"),
    "/opt/tool": ro("/opt/tool"),
    "/opt/tool/cache": TMPFS,
    "/opt/tool/file.txt": rw("/opt/tool/file.txt"),
    "/tmp": TMPFS,
    "/var/lib/tool": ro("/var/lib/tool"),
}

# Names that every jailer takes, and those that firejail's profile can't hold.
PLAIN = ["a b", "it's", "été 日本", "$HOME", "-x", "a:b=c", "~", "(x)|y`", "x]@+"]
UNNAMEABLE = [
    '"q"',
    "a\\b",
    "c,d",
    "p%q",
    "# x",
    "{{ 7 * 7 }}",
    "};",
    "two  blanks",
    "end ",
    "*",
    "?",
    "[a]",
    "!",
    "^",
    "<&>",
]


def policy(
    filesystem: Mapping[str, Mount] = SYSTEM, *, network: Any = "none", limits: Mapping[str, float | None] | None = None
) -> Policy:
    return Policy(
        name="given",
        limits={name: Limit(default=value, max=None) for name, value in {**LIMITS, **(limits or {})}.items()},
        filesystem=dict(filesystem),
        network=network,
        syscalls=Syscalls(deny=()),
        digest="sha256:0",
        files=(),
        sources={},
    )


def fixed_host(*, root: bool = False, **facts: Any) -> Host:
    """A host that is the same on every machine, for golden files."""
    entries = ("bin", "data", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "srv", "sys")
    programs = {name: f"/usr/bin/{name}" for name in BACKENDS}
    proc = {"acpi": "folder", "cpuinfo": "file", "fs": "folder", "keys": "file", "kallsyms": "file", "sys": "folder"}
    given: dict[str, Any] = {
        "proc": proc,
        "uid": 0 if root else 1000,
        "gid": 0 if root else 1000,
        "kernel": (6, 1),
        "machine": "x86_64",
        "jailers": {name: Jailer(name, program, "1.0", "PATH") for name, program in programs.items()},
        "root_entries": (".hidden", *entries, "tmp", "usr", "var", "with space, comma"),
        "root_links": {path[1:]: mount.source for path, mount in LINKS.items()},
        "firejail_user": ("jobs", 990, 990, "/home/jobs") if root else None,
    }
    return Host(**{**given, **facts})


def this_host(name: str, program: str, *, root: bool, account: Account) -> Host:
    """This machine with one jailer, as root or `account` sees it: firejail's job is `account`'s either way."""
    entries = os.listdir("/")
    return Host(
        uid=0 if root else account.uid,
        gid=0 if root else account.gid,
        kernel=(6, 1),
        machine=os.uname().machine,
        jailers={name: Jailer(name, program, "1.0", "PATH")},
        root_entries=tuple(entries),
        root_links={entry: os.readlink(f"/{entry}") for entry in entries if os.path.islink(f"/{entry}")},
        home="/root" if root else account.home,
        proc={"keys": "file", "fs": "folder"},
        firejail_user=(account.login, account.uid, account.gid, account.home) if root else None,
    )


def system_here(host: Host) -> dict[str, Mount]:
    """/usr, and what stands beside it on this machine: links into it, or directories of their own."""
    beside = [f"/{name}" for name in ("bin", "lib", "lib64", "sbin") if name in host.root_entries]
    links = {path: link(host.root_links[path[1:]]) for path in beside if path[1:] in host.root_links}
    return {"/usr": ro("/usr"), **{path: ro(path) for path in beside}, **links}
