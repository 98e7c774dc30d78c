"""A policy to start from: what one usually changes, the rest as lines to be taken into use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy import units

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Limit, Policy

_MARGIN = {"wall_time": 6, "memory": 4}  # the most that --limit may ask for, as a multiple of what a job gets
_ANYHOW = {"wall_time": "1min", "memory": "2GiB"}

_HEAD = """\
# A line that begins with # and no blank is a clause: take the # away to use it. docs/clauses.md tells of all of them.
# `sandbox policy check FILE` says whether a file can be used, `sandbox run -p FILE` uses it; FILE holds a / then.
version: 1
extends: {base}
description: {description}

# How much a job may use. `default` is what it gets, `max` the most that --limit may ask for; one value is both.
limits:
"""
_REST = """
# What else of the host can be seen. null takes away what `{base}` shows.
#filesystem: {{/srv/data: ro}}
#filesystem: {{/data: {{from: /srv/data, mode: rw, optional: true}}}}
#filesystem: {{/tmp: {{mode: tmpfs, noexec: true}}}}

# All of the host's network, its own services included; without it there is none.
#network: host

# Calls that are refused besides; `kill` ends a program that makes a refused one, where `errno` lets it go on.
#syscalls: {{+deny: [fork, vfork], action: kill}}

# What the directory of -C may be: none, ro or rw.
#workspace: ro

# Variables of the program, which has none of the caller's.
#environment: {{TZ: Europe/Vienna}}

# Which of the files that a job leaves are returned.
#artifacts: {{collect: ["out/**"], max_files: 100, max_bytes: 16MiB}}

# How well a clause must be held: without a control group, for one, `memory` is only sampled.
#require: {{limits.memory: strict}}
"""
_RUNTIME = """
# Where else the runtime is looked for.
#language: {runtime: {paths: ["/opt/*/bin"]}}
"""
_COMPILE = """
# What holds for the compiler in place of the limits above.
#language: {compile: {limits: {wall_time: 2min, memory: 2GiB}}}
"""


def starter(base: Policy) -> str:
    """The text of a policy that extends `base`."""
    language = base.language
    whose = f"our {language.name} code" if language else "our programs"
    parts = [_HEAD.format(base=base.name, description=f"What {whose} may do.")]
    parts += [f"  {name}: {_lowered(name, base.limits[name])}\n" for name in _MARGIN]
    parts += [f"  #{name}: {_as_it_is(name, each)}\n" for name, each in base.limits.items() if name not in _MARGIN]
    parts += [_REST.format(base=base.name)]
    parts += [_RUNTIME] if language and language.runtime else []
    parts += [_COMPILE] if language and language.compile else []
    return "".join(parts)


def _lowered(name: str, limit: Limit) -> str:
    """A maximum of its own where there is room for one."""
    if limit.default is None:
        return _ANYHOW[name]
    most = limit.default * _MARGIN[name]
    if limit.max is not None and limit.max <= most:
        return units.format_limit(name, limit.default)
    return f"{{max: {units.format_limit(name, most)}}}"


def _as_it_is(name: str, limit: Limit) -> str:
    default, most = (
        "none" if value is None else units.format_limit(name, value) for value in (limit.default, limit.max)
    )
    return default if default == most else f"{{default: {default}, max: {most}}}"
