"""Who said what of each clause, through a whole chain of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli import policy
from sandbox_cli.policy.explain.provenance import Provenance

if TYPE_CHECKING:
    from tests.policy.conftest import Site


def told(site: Site, *texts: str) -> Provenance:
    """Of files that each extend the one before: 0.yaml, 1.yaml, ..."""
    for number, text in enumerate(texts):
        head = f"extends: ./{number - 1}.yaml\n" if number else "version: 1\n"
        path = site.write(f"{number}.yaml", head + text)
    return Provenance(policy.trace(str(path)))


def words(found: Provenance, *path: str) -> dict[str, list[str]]:
    """Clause -> `value act@file:line`, the last word first."""
    return {
        chain.clause: [
            f"{word.value} {word.act}@{word.spot.file.rpartition('/')[2]}:{word.spot.line}"
            if word.spot
            else f"{word.value} {word.act}"
            for word in chain.words
        ]
        for chain in found.chains(path)
    }


def test_last_word_comes_first_and_each_took_the_place_of_the_next(site: Site) -> None:
    found = told(site, "limits: {memory: {default: 1GiB, max: 4GiB}}", "\nlimits: {memory: 512MiB}", "description: x")
    assert words(found, "limits", "memory") == {
        "limits.memory.default": ["512MiB set@1.yaml:3", "1GiB set@0.yaml:2"],
        "limits.memory.max": ["512MiB set@1.yaml:3", "4GiB set@0.yaml:2"],
    }


def test_part_that_a_later_file_leaves_alone_keeps_its_place(site: Site) -> None:
    found = told(site, "limits: {memory: {default: 1GiB, max: 4GiB}}", "limits: {memory: {max: 2GiB}}")
    assert words(found, "limits", "memory") == {
        "limits.memory.default": ["1GiB set@0.yaml:2"],
        "limits.memory.max": ["2GiB set@1.yaml:2", "4GiB set@0.yaml:2"],
    }


def test_what_is_appended_is_told_by_itself(site: Site) -> None:
    found = told(site, "syscalls: {+deny: [mlock]}", "syscalls: {+deny: [sync, syncfs]}")
    assert words(found, "syscalls", "deny") == {
        "syscalls.deny": ["+sync, syncfs append@1.yaml:2", "+mlock append@0.yaml:2", "@default-deny default"]
    }


def test_list_that_repeats_the_inherited_one_is_no_appending(site: Site) -> None:
    found = told(site, 'syscalls: {deny: ["@default-deny"]}', 'syscalls: {deny: ["@default-deny", mlock]}')
    assert words(found, "syscalls", "deny") == {
        "syscalls.deny": ["@default-deny, mlock set@1.yaml:2", "@default-deny set@0.yaml:2"]
    }


def test_what_is_taken_away_has_the_place_that_did_it(site: Site) -> None:
    found = told(site, "environment: {A: a, B: b}\nlimits: {cpus: 2}", "environment: null\nlimits: {cpus: null}")
    assert words(found, "environment") == {
        "environment.A": ["null remove@1.yaml:2", "a set@0.yaml:2"],
        "environment.B": ["null remove@1.yaml:2", "b set@0.yaml:2"],
    }
    assert words(found, "limits", "cpus", "max") == {"limits.cpus.max": ["null remove@1.yaml:3", "2 set@0.yaml:3"]}


def test_no_bound_is_a_word_and_no_removal(site: Site) -> None:
    found = told(site, "limits: {cpus: 2}", "limits: {cpus: none}")
    assert words(found, "limits", "cpus", "max") == {"limits.cpus.max": ["none set@1.yaml:2", "2 set@0.yaml:2"]}


def test_what_is_taken_away_and_said_again_is_told_through_all_of_it(site: Site) -> None:
    found = told(site, "environment: {A: a}", "environment: {A: null}", "environment: {A: b}")
    assert words(found, "environment", "A") == {
        "environment.A": ["b set@2.yaml:2", "null remove@1.yaml:2", "a set@0.yaml:2"]
    }


def test_default_holds_again_where_what_was_said_is_taken_away(site: Site) -> None:
    found = told(site, "network: host", "network: null")
    assert words(found, "network") == {"network": ["none default", "null remove@1.yaml:2", "host set@0.yaml:2"]}


def test_allow_is_told_over_the_deny_that_gave_way_to_it(site: Site) -> None:
    found = told(site, "syscalls: {deny: [mlock]}", "syscalls: {allow: [read, write]}")
    assert words(found, "syscalls")["syscalls.allow"] == ["read, write set@1.yaml:2", "deny mlock set@0.yaml:2"]
    assert "syscalls.deny" not in words(found, "syscalls")


def test_network_is_told_over_the_list_that_gave_way_to_it(site: Site) -> None:
    found = told(site, "network: {allow: ['a:1']}", "network: none")
    assert words(found, "network") == {"network": ["none set@1.yaml:2", "allow a:1 set@0.yaml:2"]}


def test_mount_is_told_as_a_whole(site: Site) -> None:
    found = told(
        site,
        "filesystem: {/data: {from: /srv/data, mode: rw, optional: true}}",
        "filesystem: {/data: {mode: ro}}",
        "filesystem: {/data: tmpfs, /gone: ro}",
        "filesystem: {/gone: null, /never: null}",
    )
    assert words(found, "filesystem") == {
        "filesystem./data": [
            "tmpfs set@2.yaml:2",
            "ro from /srv/data optional set@1.yaml:2",
            "rw from /srv/data optional set@0.yaml:2",
        ],
        "filesystem./gone": ["null remove@3.yaml:2", "ro set@2.yaml:2"],
    }


def test_name_that_a_language_has_from_its_file_is_said_where_the_language_begins(site: Site) -> None:
    found = told(site, "language:\n  file: a\n  run: [cat]")
    assert words(found, "language", "name") == {"language.name": ["0 set@0.yaml:3"]}


def test_what_no_file_says_holds_by_default_or_is_nothing(site: Site) -> None:
    found = told(site, "description: x")
    assert words(found, "workspace") == {"workspace": ["none default"]}
    assert words(found, "limits", "memory") == {}


def test_chain_of_extends_is_told_file_by_file(site: Site) -> None:
    found = told(site, "description: x", "description: y", "description: z")
    assert [chain.words[0].value for chain in found.chains(("extends",))] == ["./1.yaml", "./0.yaml"]
    assert words(found, "version") == {"version": ["1 set@0.yaml:1"]}
