"""How well each clause must at least be held: what `require` says nearest to it, else the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.result import Level

RANK: dict[Level, int] = {"none": 0, "process": 1, "sampled": 2, "strict": 3}
OF_COMPILE = "language.compile.limits."

# The order is the receipt's.
REQUIRED: dict[str, Level] = {
    "filesystem": "strict",
    "network": "strict",
    "syscalls": "strict",
    "privileges": "strict",
    "workspace": "strict",
    "limits.wall_time": "strict",
    "limits.cpu_time": "sampled",
    "limits.memory": "sampled",
    "limits.processes": "sampled",
    "limits.open_files": "strict",
    "limits.file_size": "strict",
    "limits.scratch_size": "sampled",
    "limits.scratch_files": "sampled",
    "limits.tmp_size": "none",
    "limits.output": "strict",
    "limits.cpus": "none",
}


def required(clause: str, require: Mapping[str, Level]) -> Level:
    """The least acceptable level: what the policy's `require` says nearest to the clause, else the default."""
    key = nearest(clause, require)
    return REQUIRED[table_key(clause)] if key is None else require[key]


def nearest(clause: str, require: Mapping[str, Level]) -> str | None:
    """The key of `require` that holds for `clause`: the longest that is it, or a prefix of it."""
    path = parts(clause)
    named = [key for key in require if path[: len(parts(key))] == parts(key)]
    return max(named, key=lambda key: len(parts(key)), default=None)


def parts(clause: str) -> tuple[str, ...]:
    """A clause as the steps that lead to it. A path is stepped through by its slashes: its dots are its own."""
    head, slash, path = clause.partition("./")
    if slash:
        return (head, "/", *(name for name in path.split("/") if name))
    return tuple(clause.split("."))


def table_key(clause: str) -> str:
    """The row that a clause belongs to: its own, or that of what it is part of (`filesystem./x`)."""
    if clause.startswith(OF_COMPILE):
        return clause.replace(OF_COMPILE, "limits.")
    return clause if clause in REQUIRED else parts(clause)[0]
