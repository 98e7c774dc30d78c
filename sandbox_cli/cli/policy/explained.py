"""What `sandbox policy explain` prints for people: the answer first, then who said it, then what the backends do."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy import places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sandbox_cli.cli.policy.shapes import (
        CappedClause,
        ExplainedClause,
        HeldBy,
        PolicyChain,
        PolicyExplained,
        PolicyWord,
    )
    from sandbox_cli.plan.weighing import Examined
    from sandbox_cli.policy.explain.provenance import Chain, Word

LONGEST = 100  # of a value among the words that led to a clause: --json has all of it
_BY_ITSELF = ("description",)  # what it was before concerns nobody


class Line(NamedTuple):
    """`strong`: what its first letters are about, as `limits.memory:`."""

    text: str
    strong: str = ""
    indent: int = 0


def lines(told: PolicyExplained, *, alone: bool) -> Iterator[Line]:
    """`alone`: a clause was asked for, and all about it is told; else what is remarkable."""
    caps = [cap["file"] for each in told["clauses"] for cap in each["ceiling"] if cap["file"] is not None]
    names = short_names(list(dict.fromkeys([*told["files"], *caps])))
    part = None
    for each in told["clauses"]:
        if part not in {None, each["clause"].partition(".")[0]} and not alone:
            yield Line("")
        part = each["clause"].partition(".")[0]
        yield _first(each, names)
        yield from (Line(note, indent=2) for note in each["notes"] if alone)
        yield from _details(each, names, alone=alone)
        if alone and not (part == "filesystem" and each is not told["clauses"][0]):  # held as a whole, and told once
            yield from _held(each["backends"])
    if alone:
        yield from _unusable(told["backends"])
    named = {word["file"] for each in told["clauses"] for chain in each["said"] for word in chain["words"]}
    if not alone:
        yield Line("")
    shown = (file for file in names if file in named or file in caps or not alone)
    yield from (Line(f"{names[file]} is {_where(file)}") for file in shown)


def short_names(files: Sequence[str]) -> dict[str, str]:
    """Of each file as much of its end as tells it from the others: a path of an installed package fills a line."""
    return {file: next(short for short in _ends(file) if _is_the_only(short, files)) for file in files}


def _ends(file: str) -> Iterator[str]:
    parts = PurePosixPath(file).parts
    yield from (str(PurePosixPath(*parts[-count:])) for count in range(1, len(parts) + 1))


def _is_the_only(short: str, files: Sequence[str]) -> bool:
    return sum(f"/{file}".endswith(f"/{short.lstrip('/')}") for file in files) == 1


def _where(file: str) -> str:
    return f"built in, {file}" if PurePosixPath(file).parent == PurePosixPath(places.BUILT_IN) else file


def _first(each: ExplainedClause, names: Mapping[str, str]) -> Line:
    """The answer and who it is owed to: a ceiling that refuses it comes before what the policy says."""
    strong = f"{each['clause']}:"
    told = cut(each["sentence"], 4 * LONGEST)
    who = f" ({place(each['said'][0]['words'][0], names)})" if each["said"] else ""
    caps = each["ceiling"]
    if refusing := next((cap for cap in caps if cap["refused"]), None):
        return Line(f"{strong} the ceiling ({place(refusing, names)}) refuses it: {told}{who}", strong)
    if caps:
        return Line(f"{strong} {told} (ceiling, {place(caps[0], names)})", strong)
    return Line(f"{strong} {told}{who}", strong)


def _details(each: ExplainedClause, names: Mapping[str, str], *, alone: bool) -> Iterator[Line]:
    """Who said it, where that is more than the one place that stands behind the sentence."""
    for cap in each["ceiling"]:
        part = cap["clause"].removeprefix(each["clause"]).removeprefix(".")
        allowed = f"the ceiling allows {cut(cap['allowed'], LONGEST)} ({place(cap, names)})"
        yield Line(f"{part and f'{part}: '}the policy says {cut(cap['said'], LONGEST)}, {allowed}", indent=2)
    chains = [] if not alone and each["clause"] in _BY_ITSELF else each["said"]
    several = alone and len({place(chain["words"][0], names) for chain in chains}) > 1
    for chain in chains:
        if several or len(chain["words"]) > 1:
            part = chain["clause"].removeprefix(each["clause"]).removeprefix(".")
            yield Line(f"{part and f'{part}: '}{chain_words(chain, names)}", indent=2)


def chain_of(chain: Chain) -> PolicyChain:
    return {"clause": chain.clause, "words": [_word(word) for word in chain.words]}


def _word(word: Word) -> PolicyWord:
    file, line = (word.spot.file, word.spot.line) if word.spot else (None, None)
    return {"act": word.act, "value": word.value, "file": file, "line": line}


def chain_words(chain: PolicyChain, names: Mapping[str, str]) -> str:
    """ "256MiB (team.yaml:4), over 512MiB (_base.yaml:10)"; "+ptrace (team.yaml:5), to @default-deny (by default)"."""
    text, joint = "", ""
    for word in chain["words"]:
        text += f"{joint}{cut(word['value'], LONGEST)} ({place(word, names)})"
        joint = ", to " if word["act"] == "append" else ", over "
    return text


def place(word: PolicyWord | CappedClause, names: Mapping[str, str]) -> str:
    if word["file"] is None:
        return "by default"
    return f"{names[word['file']]}:{word['line']}"


def _held(backends: Iterable[HeldBy]) -> Iterator[Line]:
    """What a backend does with it; backends that do the same stand together."""
    found: dict[str, list[str]] = {}
    for each in backends:
        found.setdefault(_level(each), []).append(each["name"])
    yield from (Line(f"here, {', '.join(names)}: {told}", indent=2) for told, names in found.items())


def _level(each: HeldBy) -> str:
    held = each["level"] + (f", by {each['enforced_by']}" if each["enforced_by"] else "")
    reason = f": {each['reason']}" if each["reason"] else ""
    fix = f"; fix: {each['fix']}" if each["fix"] else ""
    short = "" if each["enough"] else f", and {each['required']} is required"
    return f"{held}{short}{reason}{fix}"


def _unusable(backends: Iterable[Examined]) -> Iterator[Line]:
    """What keeps a backend from any job under the policy, whichever clause it is."""
    found: dict[str, list[str]] = {}
    for each in backends:
        if each["problem"]:
            fix = f"; fix: {each['fix']}" if each["fix"] else ""
            found.setdefault(f"{each['problem']}{fix}", []).append(each["name"])
    yield from (Line(f"no job here in {', '.join(names)}: {why}") for why, names in found.items())


def cut(text: str, most: int) -> str:
    lines = text.rstrip("\n").count("\n")
    if lines:
        return f"({lines + 1} lines)"
    text = text.rstrip("\n")
    return text if len(text) <= most else f"{text[:most]}..."
