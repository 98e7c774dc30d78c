"""What a policy says of each clause, with who said it: the answer to "why is that so?", in the order of the grammar."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import calls, grammar, units
from sandbox_cli.policy.nodes import Scalar, Spot
from sandbox_cli.policy.order_mounts import covering
from sandbox_cli.policy.provenance import Provenance
from sandbox_cli.policy.sentences import LANGUAGE, is_missing, made, sentence
from sandbox_cli.policy.shape import Either, Record, Short, Table
from sandbox_cli.policy.spelling import nearest
from sandbox_cli.policy.syscall_names import all_names, exists
from sandbox_cli.text import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.policy.layers import Path
    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.policy.provenance import Chain, Word
    from sandbox_cli.policy.shape import Spec

PRIVILEGES = "privileges"  # held for every job, and no clause that a policy could say
_TABLES = ("filesystem", "environment", "require")
_OF_COMPILE = ("language", "compile", "limits")
_NOWHERE = Spot("", 0, 0)


class Explained(NamedTuple):
    """A clause: what it means, and whose words make it so. No chain: no file says anything, and there is no default.

    `notes` are what there is to say beside it: special cases, what would change it.
    """

    clause: str
    sentence: str
    chains: Sequence[Chain]
    notes: Sequence[str] = ()


def explain(traced: Traced, asked: str | None = None) -> list[Explained]:
    """Every clause that the policy says, or what lies at `asked`. UsageError where there is no clause of that name."""
    told = Provenance(traced)
    every = list(_topics(told))
    if asked is None:
        return [each for path in every if _is_worth_it(each := _explained(traced.policy, told, path))]
    path = _resolved(asked, told)
    if path[0] == "syscalls" and len(path) > 1 and path[1] not in grammar.SYSCALLS.keys:
        return [_call(traced.policy, told, path[1])]
    below = [each for each in every if each[: len(path)] == path]
    around = [each for each in every if path[: len(each)] == each and each[0] not in _TABLES]
    found = [_explained(traced.policy, told, each) for each in below or around[-1:] or [path[:2]]]
    return [_narrowed(each, ".".join(path)) for each in list(filter(_is_worth_it, found)) or found]


def known(told: Provenance | None = None) -> list[str]:
    """What can be asked about, but for single calls and for what no file names."""
    parts = [f"{part}.{key}" for part in ("syscalls", "artifacts") for key in _keys(grammar.POLICY.keys[part])]
    named = [f"{part}.{name}" for part in _TABLES for name in (told.names(part) if told else ())]
    limits = [f"limits.{name}" for name in units.LIMITS]
    language = [".".join(path[:size]) for path in LANGUAGE for size in range(2, len(path) + 1)]
    return list(dict.fromkeys([*grammar.POLICY.keys, PRIVILEGES, *limits, *language, *parts, *named]))


def _topics(told: Provenance) -> Iterator[Path]:
    """What has a sentence of its own, whether the policy says anything of it or not."""
    for key, spec in grammar.POLICY.keys.items():
        if key in _TABLES:
            yield (key,)
            yield from ((key, name) for name in told.names(key))
        elif key == "language":
            yield from LANGUAGE
            yield from ((*_OF_COMPILE, name) for name in told.names(*_OF_COMPILE))
        elif key in {"limits", "artifacts"}:
            yield from ((key, name) for name in (units.LIMITS if key == "limits" else _keys(spec)))
        else:
            yield (key,)
        if key == "syscalls":
            yield (PRIVILEGES,)


def _explained(policy: Policy, told: Provenance, path: Path) -> Explained:
    nobody = path == (PRIVILEGES,) or (path[0] in _TABLES and len(path) == 1)
    chains = [] if nobody else told.chains(_who(policy, path))
    return Explained(".".join(path), sentence(policy, path), chains, _notes(policy, path))


def _notes(policy: Policy, path: Path) -> list[str]:
    if path[0] == "filesystem" and len(path) > 1 and (path[1] not in policy.filesystem) and is_missing(path[1], policy):
        return [f"`filesystem: {{{path[1]}: ro}}` in a policy that extends this one would show it, to be read only"]
    return []


def _who(policy: Policy, path: Path) -> Path:
    """Whose words explain it: of what a mount above shows, those on that mount."""
    if path[0] != "filesystem" or made(path[1]) is not None:
        return path
    above = covering(path[1], policy.filesystem)
    return path if above is None else ("filesystem", above)


def _call(policy: Policy, told: Provenance, name: str) -> Explained:
    deciding = calls.answers(policy, name)[-1]
    chains = told.chains(deciding.clause) if deciding.clause is not None else []
    if deciding.named is not None:  # the word that brought it, and not those that brought others
        chains = [chain._replace(words=_naming(deciding.named, chain)) for chain in chains]
    first, *others = calls.sentences(policy, name)
    return Explained(f"syscalls.{name}", first, chains, others)


def _naming(name: str, chain: Chain) -> tuple[Word, ...]:
    return tuple(word for word in chain.words if name in word.value.removeprefix("+").split(", "))[:1] or chain.words


def _is_worth_it(each: Explained) -> bool:
    """Of a language only what is said, and that there is none; what every policy has is told for every policy."""
    return bool(each.chains) or each.clause == "language.name" or not each.clause.startswith(("language.", "version"))


def _narrowed(each: Explained, asked: str) -> Explained:
    """Where a part of what is told as a whole was asked for, as `limits.memory.max`: who said that part."""
    return each._replace(chains=[chain for chain in each.chains if chain.clause == asked] or each.chains)


def _resolved(asked: str, told: Provenance) -> Path:
    """The clause that is meant: a dotted name, or a path of the jail."""
    if asked.startswith("/"):
        asked = f"filesystem.{asked}"
    path = (PRIVILEGES,) if asked == PRIVILEGES else _walked(asked, grammar.POLICY, (), told)
    if path is None:
        names = [f"syscalls.{name}" for name in all_names()] if asked.startswith("syscalls.") else []
        close = _nearest(asked, [*known(told), *names])
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(grammar.POLICY.keys)}; or a path, /usr"
        raise UsageError(f"there is no clause {spelled(asked)}", hint=hint)
    return path


def _walked(text: str, spec: Spec, path: Path, told: Provenance) -> Path | None:
    """`text` as steps through the grammar: what a map of names holds may have dots of its own."""
    if not text:
        return path
    if isinstance(spec, Table):
        return _named(text, spec, path, told)
    key, _, rest = text.partition(".")
    if path == ("syscalls",) and key not in _keys(spec) and key.isascii() and exists(key) and not rest:
        return (*path, key)
    within = _record(spec).keys.get(key) if isinstance(spec, Record | Short | Either) else None
    return None if within is None else _walked(rest, within, (*path, key), told)


def _named(text: str, spec: Table, path: Path, told: Provenance, below: Path = ()) -> Path | None:
    """A name of a table, or, `below` it, a part of what is said of it."""
    head, _, last = text.rpartition(".")
    if not below and text not in told.names(*path) and last in _keys(spec.item) and (head in told.names(*path) or "/" not in head):
        return _named(head, spec, path, told, (last,))
    if path == ("filesystem",):
        return (*path, "/" + posixpath.normpath(text).lstrip("/"), *below) if text.startswith("/") else None
    try:
        return (*path, spec.key(Scalar(text, plain=False, spot=_NOWHERE), ".".join(path)), *below)
    except PolicyError as error:
        raise UsageError(error.message, hint=error.hint) from None


def _keys(spec: Spec) -> list[str]:
    return list(_record(spec).keys) if isinstance(spec, Record | Short | Either) else []


def _record(spec: Record | Short | Either) -> Record:
    if isinstance(spec, Short):
        return spec.long
    return spec.record if isinstance(spec, Either) else spec


def _nearest(asked: str, names: Sequence[str]) -> str | None:
    """`memory` is `limits.memory`; else what is spelled most alike."""
    whole = [name for name in names if name.rpartition(".")[2] == asked]
    return whole[0] if whole else nearest(asked, names)
