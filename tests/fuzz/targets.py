"""What is fuzzed: each target takes bytes, and raises where they show a mistake of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.fuzz import policies, witnesses

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence


class Target(NamedTuple):
    """`words` and `mutated` know the form of what is fuzzed, where bytes alone would hardly ever be it."""

    check: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    words: Sequence[str] = ()
    mutated: Callable[[bytes, random.Random, int], bytes] | None = None


TARGETS = {
    "policy": Target(policies.policy, policies.seeds, policies.WORDS, policies.mutated),
    "config": Target(policies.configuration, policies.config_seeds, ("backends", "uid_range", "1-2", "firejail_user")),
    "limit": Target(policies.limit, policies.limit_seeds, ("MiB", "TiB", "min", "ms", "e", ".", "none")),
    "report": Target(witnesses.report, witnesses.report_seeds, ("bwrap: ", "[E]", "():", "Error", "launcher: ", "\n")),
    "records": Target(
        witnesses.records,
        witnesses.record_seeds,
        (
            "ready",
            "armed",
            "dir",
            "nodir",
            "tty",
            "notty",
            "started",
            "exit",
            "signal",
            "execfail",
            "armfail",
            "total",
            "\n",
        ),
    ),
    "value": Target(
        witnesses.value, witnesses.value_seeds, ("null", "true", "1e9", "\\ud800", '{"', "[", "]", "NaN", "!")
    ),
    "names": Target(witnesses.names, witnesses.name_seeds, ("\\040", "\\134", "\u2028", "Uid:\t", "\n")),
    "globs": Target(witnesses.globs, witnesses.glob_seeds, ("**", "*", "[!", "]", "/", "../", "\x00")),
}
