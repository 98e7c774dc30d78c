"""Bytes as policies, as configuration and as limits: each is understood, or refused with a PolicyError."""

from __future__ import annotations

import contextlib
import json
import os
import random
import tempfile
from pathlib import Path

from sandbox_cli import policy as policies
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import ceiling, config, guard, places, units
from sandbox_cli.policy.document import document

SHIPPED = [path.read_bytes() for path in places.built_in()]
WORDS = (
    "limits", "memory", "default: 1GiB", "max: none", "{", "}", "[", "]", ", ", ": ", "? ", "- ", "\n", "\n  ",
    "null", "true",
    "none", "512MiB", "1.5", "0", "99999999999999999999", "&a ", "*a", "!!str ", "'", '"', "|\n", ">-\n",
    "extends: _base", "extends: python",
    "filesystem", "/usr", "ro", "rw", "tmpfs", "from: /srv", "symlink: x", "optional: true", "{{ file }}",
    "{{ scratch }}",
    "{{ x }}", "{%", "#", "language", "run", "value", "compile", "+deny", "syscalls", "deny", "allow",
    '"@default-deny"', "@mount",
    "action: kill", "network", "host", "a:1", "\\x00", "\\uD800", "---\n", "...\n", "<<", "\t", "require", "strict",
    "selftest",
    "files", "rules", "noexec", "ä", "\u2028", "workspace", "environment", "artifacts", "collect", "../x", "**",
    "\xff", "%YAML 1.1\n",
)  # fmt: skip


def policy(data: bytes) -> None:
    """A file is a policy or a mistake with its place; what a policy says in its long form says the same again."""
    with tempfile.TemporaryDirectory(prefix="sandbox-fuzz-") as folder:
        _policy(data, Path(folder, "policy.yaml"))


def _policy(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    _as_a_ceiling(path)
    try:
        loaded = policies.load(str(path))
    except PolicyError as error:
        assert str(error)
        assert error.file is not None
        return
    said = document(loaded)
    path.write_text(json.dumps({key: value for key, value in said.items() if value is not None}))
    again = policies.load(str(path))
    assert document(again) == said
    assert again.digest == loaded.digest


def _as_a_ceiling(path: Path) -> None:
    """The same file bounds this machine, or is a mistake with its place."""
    try:
        found = ceiling.load({ceiling.VARIABLE: str(path)})
        assert found.each
        assert found.digest == ceiling.load({ceiling.VARIABLE: str(path)}).digest
    except PolicyError as error:
        assert error.file == str(path)


def configuration(data: bytes) -> None:
    """The configuration of a machine is read, or is a mistake with its place."""
    with tempfile.TemporaryDirectory(prefix="sandbox-fuzz-") as folder:
        Path(folder, "config.yaml").write_bytes(data)
        _configuration(Path(folder))


def _configuration(folder: Path) -> None:
    places.SYSTEM, before = folder, places.SYSTEM
    guard.ROOT, root = frozenset({0, os.geteuid()}), guard.ROOT  # the system's is ours here
    try:
        found = config.load()
        assert found.uid_range[0] <= found.uid_range[1]
    except PolicyError as error:
        assert error.file is not None
    finally:
        places.SYSTEM, guard.ROOT = before, root


def limit(data: bytes) -> None:
    """The text of `--limit` is a value, which can be written and read again, or a mistake."""
    name, _, text = data.decode(errors="surrogateescape").partition("=")
    for each in (name, *units.LIMITS):
        with contextlib.suppress(PolicyError):
            value = units.parse_limit(each, text)
            assert units.parse_limit(each, units.format_limit(each, value)) == value
            assert value >= 0


def mutated(data: bytes, chance: random.Random, most: int) -> bytes:
    """Lines and words moved, doubled, dropped and mixed with those of the shipped policies."""
    lines = (data or chance.choice(SHIPPED)).split(b"\n")
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(lines))
        kind = chance.randrange(7)
        if kind == 0:
            lines[at:at] = chance.choice(SHIPPED).split(b"\n")[chance.randrange(9) :][: chance.randrange(1, 9)]
        elif kind == 1:
            del lines[at]
        elif kind == 2:
            lines.insert(at, lines[at])
        elif kind == 3:
            lines[at] = b" " * chance.choice([1, 2, 4]) + lines[at]
        elif kind == 4:
            lines[at] = lines[at].removeprefix(b"  ")
        else:
            word, cut = chance.choice(WORDS).encode(), chance.randrange(len(lines[at]) + 1)
            rest = cut if kind == 5 else min(len(lines[at]), cut + chance.randrange(9))
            lines[at] = lines[at][:cut] + word + lines[at][rest:]
        if not lines:
            lines = [b""]
    return b"\n".join(lines)[:most]


def seeds() -> list[bytes]:
    return [data for data in SHIPPED if len(data) < 4000]


def config_seeds() -> list[bytes]:
    return [
        b"backends: [nsjail, bwrap]\nuid_range: 100000-165535\nfirejail_user: sandbox\ncache_dir: /x\naudit: null\n",
        b"uid_range: 1-0",
    ]


def limit_seeds() -> list[bytes]:
    return [b"memory=1.5GiB", b"wall_time=1h", b"cpus=0.01", b"processes=1e3", b"=", b"output=0B", b"cpu_time=250ms"]
