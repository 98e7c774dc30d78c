"""The order of `language`: its words permit nothing, but for the runtime, which is shown, and the compile step."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from sandbox_cli.policy.bounds import limit
from sandbox_cli.policy.order.relations import Difference, relation
from sandbox_cli.policy.requirements import OF_COMPILE
from sandbox_cli.policy.words import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.policy.model import Compile, Language, Limit, Policy, RuntimeSpec, Selftest

PLAIN = ("name", "aliases", "extensions", "file", "run", "value")  # what runs runs in the same jail


def differences(before: Language | None, after: Language | None) -> Iterator[Difference]:
    for key in PLAIN:
        yield Difference(f"language.{key}", "equal", *(_plain(each, key) for each in (before, after)))
    yield from _runtime(before.runtime if before else None, after.runtime if after else None)
    yield from _compile(before.compile if before else None, after.compile if after else None)
    yield Difference(
        "language.selftest", "equal", *(_selftest(each.selftest if each else None) for each in (before, after))
    )


def limits(before: Policy, after: Policy) -> Iterator[tuple[str, tuple[Limit | None, Limit | None]]]:
    """What bounds the compile step, where one side gives it a limit of its own: else it is the job's.

    Where there is no step, nothing runs within other limits than the job's.
    """
    steps = [each.language.compile for each in (before, after) if each.language and each.language.compile]
    for name in sorted({name for step in steps for name in step.limits}):
        clause = f"{OF_COMPILE}{name}"
        yield clause, (limit(before, clause), limit(after, clause))


def _runtime(before: RuntimeSpec | None, after: RuntimeSpec | None) -> Iterator[Difference]:
    """Which interpreter is found decides what of the host is shown for it."""
    found = before and before.model_copy(update={"package": None}), after and after.model_copy(update={"package": None})
    said = [NOTHING if each is None else _runtime_words(each) for each in (before, after)]
    yield Difference("language.runtime", "equal" if found[0] == found[1] else "incomparable", *said)


def _runtime_words(runtime: RuntimeSpec) -> str:
    paths = f" in {' '.join(runtime.paths)}" if runtime.paths else ""
    package = f" of {runtime.package}" if runtime.package else ""
    return f"{runtime.command} {runtime.version}{paths}{package}"


def _compile(before: Compile | None, after: Compile | None) -> Iterator[Difference]:
    """A step where there was none is one more program that runs, with time of its own."""
    said = [NOTHING if each is None else _joined(each.run) for each in (before, after)]
    if before is None or after is None:
        yield Difference("language.compile", relation(more=after is not None, less=before is not None), *said)
    else:
        yield Difference("language.compile.run", "equal", *said)


def _plain(language: Language | None, key: str) -> str:
    value = NOTHING if language is None else getattr(language, key)
    return value if isinstance(value, str) else _joined(value)


def _joined(words: Sequence[str]) -> str:
    return " ".join(" ".join(words).split()) or NOTHING


def _selftest(selftest: Selftest | None) -> str:
    return (
        NOTHING
        if selftest is None
        else _joined(
            [
                selftest.source,
                *selftest.args,
                selftest.stdin,
                *itertools.chain(*selftest.files.items()),
                selftest.stdout,
            ]
        )
    )
