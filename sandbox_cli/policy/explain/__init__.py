"""What a policy says of each clause, with who said it: the answer to "why is that so?", in the order of the grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy import grammar, units
from sandbox_cli.policy.dotted import TABLES
from sandbox_cli.policy.explain import calls
from sandbox_cli.policy.explain.names import PRIVILEGES, keys, resolve
from sandbox_cli.policy.explain.provenance import OF_THE_FILE, Provenance
from sandbox_cli.policy.explain.sentences import LANGUAGE, is_missing, made, sentence
from sandbox_cli.policy.mounts import covering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.policy.explain.provenance import Chain, Word
    from sandbox_cli.policy.layers import Path
    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.model import Policy

_OF_COMPILE = ("language", "compile", "limits")


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
    path = resolve(asked, told.names)
    if path[0] == "syscalls" and len(path) > 1 and path[1] not in grammar.SYSCALLS.keys:
        return [_call(traced.policy, told, path[1])]
    below = [each for each in every if each[: len(path)] == path]
    around = [each for each in every if path[: len(each)] == each and each[0] not in TABLES]
    found = [_explained(traced.policy, told, each) for each in below or around[-1:] or [path[:2]]]
    return [_narrowed(each, ".".join(path)) for each in list(filter(_is_worth_it, found)) or found]


def _topics(told: Provenance) -> Iterator[Path]:
    """What has a sentence of its own, whether the policy says anything of it or not."""
    for key, spec in grammar.POLICY.keys.items():
        if key in TABLES:
            yield (key,)
            yield from ((key, name) for name in told.names(key))
        elif key == "language":
            yield from LANGUAGE
            yield from ((*_OF_COMPILE, name) for name in told.names(*_OF_COMPILE))
        elif key in {"limits", "artifacts"}:
            yield from ((key, name) for name in (units.LIMITS if key == "limits" else keys(spec)))
        else:
            yield (key,)
        if key == "syscalls":
            yield (PRIVILEGES,)


def _explained(policy: Policy, told: Provenance, path: Path) -> Explained:
    heads = (path[0] in TABLES and len(path) == 1) or path == _OF_COMPILE  # what stands below has words of its own
    nobody = path == (PRIVILEGES,) or heads
    chains = [] if nobody else told.chains(_who(policy, told, path))
    return Explained(".".join(path), sentence(policy, path), chains, _notes(policy, path))


def _notes(policy: Policy, path: Path) -> list[str]:
    if path[0] == "filesystem" and len(path) > 1 and (path[1] not in policy.filesystem) and is_missing(path[1], policy):
        return [f"`filesystem: {{{path[1]}: ro}}` in a policy that extends this one would show it, to be read only"]
    return []


def _who(policy: Policy, told: Provenance, path: Path) -> Path:
    """Whose words explain it: of what a mount above shows, or showed once, those on that mount."""
    if path[0] != "filesystem" or made(path[1]) is not None:
        return path
    once = [name for name in told.names("filesystem") if f"{path[1]}/".startswith(f"{name.rstrip('/')}/")]
    return ("filesystem", covering(path[1], policy.filesystem) or max(once, key=len, default=path[1]))


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
    return (
        bool(each.chains) or each.clause == "language.name" or not each.clause.startswith(("language.", *OF_THE_FILE))
    )


def _narrowed(each: Explained, asked: str) -> Explained:
    """Where a part of what is told as a whole was asked for, as `limits.memory.max`: who said that part."""
    return each._replace(chains=[chain for chain in each.chains if chain.clause == asked] or each.chains)
