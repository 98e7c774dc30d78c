"""A policy in its long form: what a program may do, with where each clause was said."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sandbox_cli.result import Blame, Level


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(Model):
    """Canonical units: seconds and cores (float), bytes and counts (int). None: not bounded."""

    default: int | float | None
    max: int | float | None


class Mount(Model):
    """What stands at a path of the jail: a host path (`source`), a bounded tmpfs, or a symbolic link."""

    mode: Literal["ro", "rw", "tmpfs", "symlink"]
    source: str | None = None  # ro and rw: the host path; symlink: its target
    optional: bool = False
    noexec: bool = False  # no file there can be run as a program, or mapped as one's code


class SyscallRule(Model):
    """Holds where the argument `arg`, under the mask, is `value`; without `arg` for every call of that name."""

    syscall: str
    arg: int | None = None
    mask: int = 0xFFFF_FFFF
    value: int = 0
    action: Literal["errno", "kill", "log", "allow"]


class Syscalls(Model):
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] | None = None  # exactly one of the two
    rules: tuple[SyscallRule, ...] = ()  # the first that matches decides; else the list does
    action: Literal["errno", "kill", "log"] = "errno"


class RuntimeSpec(Model):
    """`paths` are folders to look in besides PATH, as globs; `package` is what brings the command on Debian."""

    command: str
    version: str = "--version"
    paths: tuple[str, ...] = ()
    package: str | None = None


class Compile(Model):
    run: tuple[str, ...]
    limits: dict[str, Limit] = {}


class Selftest(Model):
    """A program, all that it is given, and its whole output; `files` stand beside it, by their paths below scratch."""

    source: str
    args: tuple[str, ...] = ()
    stdin: str = ""
    files: dict[str, str] = {}
    stdout: str


class Language(Model):
    name: str
    aliases: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    file: str
    runtime: RuntimeSpec | None = None
    compile: Compile | None = None
    run: tuple[str, ...]
    value: tuple[str, ...] = ()  # the same, giving back the value of the code's last expression
    selftest: Selftest | None = None


class Artifacts(Model):
    collect: tuple[str, ...] = ("**",)
    max_files: int = 1000
    max_bytes: int = 64 << 20


class Policy(Model):
    """The merged policy.

    `sources` maps each dotted clause to where it was said; `files` is the chain, nearest first.
    """

    name: str
    description: str = ""
    language: Language | None = None
    limits: dict[str, Limit]
    filesystem: dict[str, Mount]
    network: Literal["none", "host"] | dict[str, tuple[str, ...]] = "none"
    syscalls: Syscalls
    workspace: Literal["none", "ro", "rw"] = "none"
    directory: str | None = None  # what `-C` makes the working directory; no file says it
    environment: dict[str, str] = {}
    artifacts: Artifacts = Artifacts()
    require: dict[str, Level] = {}
    digest: str
    files: tuple[str, ...]
    sources: dict[str, Blame]
