"""The configuration of a machine and of a user: /etc/sandbox/config.yaml, then $XDG_CONFIG_HOME/sandbox/config.yaml.

The system's file has the last word on what concerns accounts (`uid_range`, `firejail_user`), the user's
on the rest. Only of `audit` both count: each file that one of them names gets the line of a job, so that
neither can turn off what the other wants to know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from sandbox_cli.policy import mounts, places, reading, scalars
from sandbox_cli.policy.guard import Guard
from sandbox_cli.policy.layers import read
from sandbox_cli.policy.nodes import compose
from sandbox_cli.policy.shape import Items, Leaf, Record
from sandbox_cli.policy.written import matching, written

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.policy.layers import Entry
    from sandbox_cli.policy.nodes import Scalar
    from sandbox_cli.policy.scalars import Value
    from sandbox_cli.result import Blame

UID_RANGE = (1_900_000_000, 1_900_065_535)  # no distribution, directory or container runtime hands these out
SYSTEM_WINS = frozenset({"uid_range", "firejail_user"})
_NOBODY, _LAST_UID = 65534, (1 << 32) - 2
_RANGE = re.compile(r"([1-9][0-9]{0,9})-([1-9][0-9]{0,9})")
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")


@dataclass(frozen=True)
class Config:
    """What the files say, else what holds without them; `sources` has the file and line of what was said.

    `audit` has each file that is to have a line of every job, and who says so.
    """

    backends: tuple[str, ...] = ()  # in the order in which they are tried; none named: the default one
    uid_range: tuple[int, int] = UID_RANGE
    firejail_user: str | None = None
    cache_dir: str | None = None
    audit: tuple[tuple[str, Blame], ...] = ()
    sources: dict[str, Blame] = field(default_factory=dict[str, "Blame"])


def load() -> Config:
    """The configuration that holds. PolicyError for what a file can't say, and where others can write it."""
    system = _entries(places.SYSTEM / "config.yaml", Guard.ROOT)
    user = _entries(places.user_folder() / "config.yaml", Guard.OWN)
    merged = system | {key: entry for key, entry in user.items() if key not in system or key not in SYSTEM_WINS}

    def said(key: str) -> Value:
        return merged[key].value if key in merged else None

    return Config(
        backends=cast("tuple[str, ...]", said("backends") or ()),
        uid_range=_range(cast("str", said("uid_range"))) if said("uid_range") else UID_RANGE,
        firejail_user=cast("str | None", said("firejail_user")),
        cache_dir=cast("str | None", said("cache_dir")),
        audit=tuple(
            (cast("str", each["audit"].value), _blame("audit", each["audit"]))
            for each in (system, user)
            if "audit" in each and each["audit"].value is not None
        ),
        sources={key: _blame(key, entry) for key, entry in merged.items()},
    )


def _entries(path: Path, guarded: Guard) -> dict[str, Entry]:
    if not places.is_there(path, guarded):
        return {}
    root = compose(reading.read(path, guarded=guarded), str(path))
    if root is None:
        return {}  # all of it is commented out
    return {entry.path[0]: entry for entry in read(GRAMMAR, root) if entry.act == "set"}


def _blame(key: str, entry: Entry) -> Blame:
    return {"clause": key, "source": "file", "file": entry.spot.file, "line": entry.spot.line}


@written(matching("FIRST-LAST", f"{_RANGE.pattern}$"))
def _uid_range(scalar: Scalar, clause: str) -> str:
    text = scalars.filled(scalar, clause)
    hint = f"write it as in {UID_RANGE[0]}-{UID_RANGE[1]}"
    if not _RANGE.fullmatch(text):
        raise scalar.spot.error(f"{text!r} is not a range of user ids", clause=clause, hint=hint)
    first, last = _range(text)
    if first > last or last > _LAST_UID:
        raise scalar.spot.error(f"{text!r} holds no user id that could be used", clause=clause, hint=hint)
    if first <= _NOBODY <= last:
        raise scalar.spot.error(f"{text!r} holds {_NOBODY}, which daemons share as nobody", clause=clause, hint=hint)
    return text


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last)


@written(matching("an account's name", f"(?!root$){_ACCOUNT.pattern}$"))
def _account(scalar: Scalar, clause: str) -> str:
    name = scalars.filled(scalar, clause)
    if not _ACCOUNT.fullmatch(name) or name == "root":
        hint = "an ordinary account with a home of its own, made for this"
        raise scalar.spot.error(f"{name!r} can't be the account of jobs", clause=clause, hint=hint)
    return name


GRAMMAR = Record(
    {
        "backends": Items(scalars.filled, filled=True),
        "uid_range": Leaf(_uid_range),
        "firejail_user": Leaf(_account),
        "cache_dir": Leaf(mounts.source),
        "audit": Leaf(mounts.source),
    }
)
