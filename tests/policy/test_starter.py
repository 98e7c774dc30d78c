"""A policy to start from can be used as it is, and so can each of its lines that wait for their # to go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.policy import places
from sandbox_cli.policy.starter import starter

if TYPE_CHECKING:
    from tests.policy.conftest import Site

BASES = sorted({path.stem for path in places.built_in()} - {"_base", "shell"})
WAITING = re.compile(r"^( *)#(?=[a-z])", re.MULTILINE)


def with_lines(text: str, taken: set[str]) -> str:
    """`text` with those of its waiting lines in use."""
    return "\n".join(WAITING.sub(r"\1", line) if line in taken else line for line in text.splitlines())


@pytest.mark.parametrize("base", BASES)
def test_starting_point_loads_and_lowers_what_it_extends(site: Site, base: str) -> None:
    loaded, extended = site.load(starter(policy.load(base))), policy.load(base)
    for name in ("wall_time", "memory"):
        assert loaded.limits[name].default == extended.limits[name].default
        assert loaded.limits[name].max < extended.limits[name].max
    assert loaded.language == extended.language
    assert loaded.files[1] == extended.files[0]


@pytest.mark.parametrize("base", BASES)
def test_starting_point_loads_with_a_line_of_each_clause_in_use(site: Site, base: str) -> None:
    text = starter(policy.load(base))
    of_each = {line.partition(":")[0]: line for line in reversed(text.splitlines()) if WAITING.match(line)}
    assert len(of_each) > 15
    assert site.load(with_lines(text, set(of_each.values()))).network == "host"


def test_each_waiting_line_can_be_used_by_itself(site: Site) -> None:
    text = starter(policy.load("c"))
    plain = site.load(text).digest
    for line in [line for line in text.splitlines() if WAITING.match(line)]:
        changed = site.load(with_lines(text, {line})).digest != plain
        assert changed is not line.startswith("  "), line  # the limits that wait are those that hold


def test_limits_that_have_no_room_stay_as_they_are(site: Site) -> None:
    site.write("tight.yaml", "limits: {wall_time: 5s, memory: none}\n")
    loaded = site.load(starter(policy.load("./tight.yaml")).replace("extends: tight", "extends: ./tight.yaml"))
    assert (loaded.limits["wall_time"].default, loaded.limits["wall_time"].max) == (5, 5)
    assert (loaded.limits["memory"].default, loaded.limits["memory"].max) == (2 << 30, 2 << 30)
