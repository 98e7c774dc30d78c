"""From what somebody types to a clause of the grammar: `limits.memory`, `/srv`, `environment.A`, `syscalls.ptrace`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import grammar, units
from sandbox_cli.policy.dotted import TABLES
from sandbox_cli.policy.explain.sentences import LANGUAGE
from sandbox_cli.policy.mounts import normal
from sandbox_cli.policy.nodes import Scalar, Spot
from sandbox_cli.policy.shape import Either, Record, Short, Table
from sandbox_cli.policy.spelling import nearest
from sandbox_cli.policy.syscall_names import all_names, exists
from sandbox_cli.text import spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox_cli.policy.layers import Path
    from sandbox_cli.policy.shape import Spec

    Names = Callable[..., Sequence[str]]  # what a policy's files name right below a path

PRIVILEGES = "privileges"  # held for every job, and no clause that a policy could say
_NOWHERE = Spot("", 0, 0)


def nothing(*_path: str) -> Sequence[str]:
    """The names of no policy."""
    return ()


def known(names: Names = nothing) -> list[str]:
    """What can be asked about, but for single calls and for what no file names."""
    parts = [f"{part}.{key}" for part in ("syscalls", "artifacts") for key in keys(grammar.POLICY.keys[part])]
    named = [f"{part}.{name}" for part in TABLES for name in names(part)]
    limits = [f"limits.{name}" for name in units.LIMITS]
    language = [".".join(path[:size]) for path in LANGUAGE for size in range(2, len(path) + 1)]
    return list(dict.fromkeys([*grammar.POLICY.keys, PRIVILEGES, *limits, *language, *parts, *named]))


def resolve(asked: str, names: Names) -> Path:
    """The clause that is meant. UsageError, with the nearest spelling, where there is none of that name."""
    if asked.startswith("/"):
        asked = f"filesystem.{asked}"
    path = (PRIVILEGES,) if asked == PRIVILEGES else _walked(asked, grammar.POLICY, (), names)
    if not path:
        calls = [f"syscalls.{name}" for name in all_names()] if asked.startswith("syscalls.") else []
        close = _nearest(asked, [*known(names), *calls])
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(grammar.POLICY.keys)}; or a path: /usr"
        raise UsageError(f"there is no clause {spelled(asked)}", hint=hint)
    return path


def keys(spec: Spec) -> list[str]:
    return list(_record(spec).keys) if isinstance(spec, Record | Short | Either) else []


def _walked(text: str, spec: Spec, path: Path, names: Names) -> Path | None:
    """`text` as steps through the grammar."""
    if not text:
        return path
    if isinstance(spec, Table):
        return _named(*_divided(text, spec, names(*path)), spec, path)
    key, _, rest = text.partition(".")
    if path == ("syscalls",) and key not in keys(spec) and not rest and key.isascii() and exists(key):
        return (*path, key)
    within = _record(spec).keys.get(key) if isinstance(spec, Record | Short | Either) else None
    return None if within is None else _walked(rest, within, (*path, key), names)


def _divided(text: str, spec: Table, names: Sequence[str]) -> tuple[str, Path]:
    """The name and the part of what is said of it: /srv and mode. A name may have dots of its own."""
    head, _, last = text.rpartition(".")
    is_part = last in keys(spec.item) and text not in names and (head in names or "/" not in head)
    return (head, (last,)) if is_part else (text, ())


def _named(name: str, part: Path, spec: Table, path: Path) -> Path | None:
    if path == ("filesystem",):
        return (*path, normal(name), *part) if name.startswith("/") else None
    try:
        return (*path, spec.key(Scalar(name, plain=False, spot=_NOWHERE), ".".join(path)), *part)
    except PolicyError as error:
        raise UsageError(error.message, hint=error.hint) from None


def _record(spec: Record | Short | Either) -> Record:
    if isinstance(spec, Short):
        return spec.long
    return spec.record if isinstance(spec, Either) else spec


def _nearest(asked: str, names: Sequence[str]) -> str | None:
    """`memory` is `limits.memory`; else what is spelled most alike."""
    whole = [name for name in names if name.rpartition(".")[2] == asked]
    return whole[0] if whole else nearest(asked, names)
