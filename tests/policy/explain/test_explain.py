"""What a policy means, in sentences: of every clause of the grammar, and of whatever a policy says."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from sandbox_cli import policy
from sandbox_cli.cli.policy import as_yaml
from sandbox_cli.errors import UsageError
from sandbox_cli.plan.command import FIXED
from sandbox_cli.policy import grammar
from sandbox_cli.policy.explain import explain
from sandbox_cli.policy.explain.sentences import IN_EVERY_JAIL
from sandbox_cli.policy.shape import Either, Record, Short, Table
from tests.contract.random_policies import wishes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.shape import Spec
    from tests.contract.random_policies import Wish
    from tests.policy.conftest import Site

NAMES = {
    "silence": "network-host",
    "limits": "memory", "filesystem": "/srv", "environment": "SOME", "require": "limits.memory", "files": "a.txt",
}  # fmt: skip


def clauses(spec: Spec, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every clause of the grammar, with a name where one is open."""
    if path:
        yield ".".join(path)
    if isinstance(spec, Table):
        yield from clauses(spec.item, (*path, NAMES[path[-1]]))
    elif isinstance(spec, Record | Short | Either):
        record = spec.long if isinstance(spec, Short) else spec.record if isinstance(spec, Either) else spec
        for key, within in record.keys.items():
            yield from clauses(within, (*path, key))


def traced(site: Site, text: str) -> Traced:
    return policy.trace(str(site.write("some.yaml", text)))


def first(site: Site, text: str, clause: str) -> str:
    return explain(traced(site, text), clause)[0].sentence


EVERY = list(clauses(grammar.POLICY))


@pytest.mark.parametrize("name", ["command", "c", "python"])
@pytest.mark.parametrize("clause", EVERY)
def test_every_clause_of_the_grammar_has_a_sentence(name: str, clause: str) -> None:
    found = explain(policy.trace(name), clause)
    assert found
    for each in found:
        assert each.sentence.strip()
        assert "None" not in each.sentence
        assert clause.startswith(each.clause) or each.clause.startswith(clause)


def test_everything_that_a_shipped_policy_says_is_told_in_the_order_of_the_grammar() -> None:
    for each in policy.available():
        found = policy.trace(each.name)
        told = explain(found)
        parts = list(dict.fromkeys(part.clause.partition(".")[0] for part in told))
        order = [*grammar.POLICY.keys]
        order.insert(order.index("syscalls") + 1, "privileges")
        assert parts == [part for part in order if part in parts]
        clauses = {chain.clause for part in told for chain in part.chains}
        said = {".".join(path[:2] if path[0] == "filesystem" else path) for path in found.merged.said}
        assert said <= clauses


def test_limit_is_told_with_what_a_job_may_ask_for(site: Site) -> None:
    text = "limits: {memory: {default: 512MiB, max: 8GiB}, cpus: 2, processes: {default: 3, max: none}}"
    assert first(site, text, "limits.memory") == (
        "at most 512MiB of memory, for all processes together; a job may ask for up to 8GiB"
    )
    assert first(site, text, "limits.cpus").endswith(
        "at most 2 cores of the machine's, for all processes together; no job may ask for more"
    )
    assert first(site, text, "limits.processes").endswith("; a job may ask for any more")
    assert first(site, text, "limits.output") == "not bounded; any job may set one"


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("/srv", "not there: no clause of the policy shows it"),
        ("/usr", "the host's own, which can only be read"),
        ("/usr/bin/env", "a part of /usr, which is the host's own, which can only be read"),
        ("/usr/", "the host's own, which can only be read"),
        ("/data", "the host's /srv/data, where the host has it, which a job may write; nothing there can be run"),
        ("/tmp", "an empty directory in memory, of at most 1MiB (limits.tmp_size), gone with the job"),
        ("/a", "a folder of the jail's own, with nothing in it but what leads to /a/b/c"),
        ("/a/b/c", "a symbolic link to ../x"),
        ("/bin/sh", "a link into /usr, where the host has it"),
        ("/proc/self", "the job's own /proc is always there, and is no clause"),
        ("/etc/passwd", "made anew for each job, and no clause"),
    ],
)  # fmt: skip
def test_path_is_told_as_a_job_finds_it(site: Site, clause: str, expected: str) -> None:
    text = """
        filesystem:
          /usr: ro
          /data: {from: /srv/data, mode: rw, optional: true, noexec: true}
          /tmp: tmpfs
          /a/b/c: {symlink: ../x}
        limits: {tmp_size: 1MiB}
        """
    assert first(site, text, clause) == expected


def test_path_that_was_taken_away_is_told_with_who_took_it(site: Site) -> None:
    site.write("base.yaml", "filesystem: {/srv: ro}")
    (found,) = explain(traced(site, "extends: ./base.yaml\nfilesystem: {/srv: null}"), "/srv/data")
    assert found.sentence == "not there: no clause of the policy shows it"
    assert [(word.value, word.spot and word.spot.line) for word in found.chains[0].words] == [("null", 2), ("ro", 1)]
    assert found.notes == [
        "`filesystem: {/srv/data: ro}` in a policy that extends this one would show it, to be read only"
    ]


def test_variable_that_every_jail_sets_is_told_as_such(site: Site) -> None:
    assert set(FIXED) == set(IN_EVERY_JAIL)
    for name in FIXED:
        assert first(site, "environment: {A: a}", f"environment.{name}").startswith("every jail sets it")
        assert first(site, f"environment: {{{name}: a}}", f"environment.{name}").endswith("with the value 'a'")


def test_part_of_a_clause_is_told_with_who_said_that_part(site: Site) -> None:
    (found,) = explain(traced(site, "limits: {memory: 1GiB}"), "limits.memory.max")
    assert (found.clause, [chain.clause for chain in found.chains]) == ("limits.memory", ["limits.memory.max"])


def test_call_is_told_with_the_word_that_names_it(site: Site) -> None:
    site.write("base.yaml", 'syscalls: {deny: ["@default-deny"]}')
    found = traced(site, "extends: ./base.yaml\nsyscalls: {+deny: [mlock]}")
    for call, line, file in (("mlock", 2, "some.yaml"), ("ptrace", 1, "base.yaml")):
        (told,) = explain(found, f"syscalls.{call}")
        (word,) = told.chains[0].words
        assert (word.spot.file.rpartition("/")[2], word.spot.line) == (file, line)


@pytest.mark.parametrize(
    ("clause", "hint"),
    [
        ("memory", "did you mean `limits.memory`?"),
        ("memry", "did you mean `limits.memory`?"),
        ("limits.memroy", "did you mean `memory`?"),
        ("limits.memory.maximum", "did you mean `memory`?"),
        ("netwrok", "did you mean `network`?"),
        ("syscalls.ptracce", "did you mean `syscalls.ptrace`?"),
        ("enviroment.HOME", "did you mean `environment`?"),
        ("filesystem.srv", "did you mean `filesystem`?"),
        ("require.limits.memroy", "did you mean `limits.memory`?"),
        ("xyzzy", "there are version, extends, "),
        ("", "there are version, extends, "),
    ],
)
def test_unknown_clause_is_refused_with_the_nearest_spelling(site: Site, clause: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(traced(site, "limits: {memory: 1GiB}"), clause)
    assert caught.value.hint.startswith(hint)


@given(wish=wishes())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_odd_policy_is_explained_whole_and_shown_with_the_same_digest(wish: Wish) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        text, mounts = wish.made(folder)
        file = folder / "odd.yaml"
        file.write_text(text)
        found = policy.trace(str(file))
        told = {each.clause for each in explain(found)}
        wanted = {f"filesystem.{path}" for path in mounts} | {f"environment.{name}" for name in wish.environment}
        assert wanted | {f"limits.{name}" for name in wish.limits} <= told
        for path in list(mounts)[:3]:
            assert [each.clause for each in explain(found, path)] == [f"filesystem.{path}"]
        again = folder / "again.yaml"
        again.write_text(as_yaml.resolved(found))
        assert policy.load(str(again)).digest == found.policy.digest
    finally:
        os.chmod(folder, 0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", [each.name for each in policy.available()])
def test_shipped_policy_with_its_comments_is_the_same_policy(site: Site, name: str) -> None:
    found = policy.trace(name)
    text = as_yaml.resolved(found)
    assert policy.load(str(site.write("again.yaml", text))).digest == found.policy.digest
    assert "memory:\n    default: 512MiB  # _base.yaml:" in text or "over 512MiB of _base.yaml:" in text
