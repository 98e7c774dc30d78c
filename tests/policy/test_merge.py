"""How the layers of a policy become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy.layers import policy_layer
from sandbox_cli.policy.merge import Merged, merge
from sandbox_cli.policy.model import Limit, Mount

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Policy
    from tests.policy.conftest import Site


def stacked(site: Site, *texts: str) -> Policy:
    """The policy of files that each extend the one before."""
    for number, text in enumerate(texts):
        head = f"extends: ./layer{number - 1}.yaml\n" if number else ""
        path = site.write(f"layer{number}.yaml", head + text)
    return policy.load(str(path))


def test_maps_merge_key_by_key(site: Site) -> None:
    loaded = stacked(site, "environment: {A: a, B: b}", "environment: {B: two, C: c}")
    assert loaded.environment == {"A": "a", "B": "two", "C": "c"}


def test_a_list_replaces_the_inherited_one(site: Site) -> None:
    assert stacked(site, "artifacts: {collect: [a, b]}", "artifacts: {collect: [c]}").artifacts.collect == ("c",)


def test_a_plus_appends_to_the_inherited_list(site: Site) -> None:
    loaded = stacked(site, "artifacts: {collect: [a]}", "artifacts: {+collect: [b, c]}", "artifacts: {+collect: [d]}")
    assert loaded.artifacts.collect == ("a", "b", "c", "d")


def test_a_plus_appends_to_the_default_where_nothing_was_said(site: Site) -> None:
    assert site.load("syscalls: {+deny: [mlock]}").syscalls.deny == ("@default-deny", "mlock")


@pytest.mark.parametrize(
    ("base", "top", "clause"),
    [
        ("{}", "language: {+aliases: [x]}", "language.aliases"),
        ("syscalls: {allow: [read]}", "syscalls: {+deny: [mlock]}", "syscalls.deny"),
        ("syscalls: {deny: [mlock]}", "syscalls: {+allow: [read]}", "syscalls.allow"),
        ("network: none", "network: {+allow: ['a:1']}", "network.allow"),
    ],
)
def test_a_plus_with_nothing_to_append_to_is_refused(site: Site, base: str, top: str, clause: str) -> None:
    with pytest.raises(PolicyError, match="none is inherited") as caught:
        stacked(site, base, top)
    assert (caught.value.clause, caught.value.line) == (clause, 2)


def test_null_removes_what_is_inherited(site: Site) -> None:
    base = "environment: {A: a, B: b}\nfilesystem: {/usr: ro, /opt: ro}\nrequire: {network: strict}"
    loaded = stacked(site, base, "environment: {A: null}\nfilesystem: {/opt: null}\nrequire: null")
    assert loaded.environment == {"B": "b"}
    assert list(loaded.filesystem) == ["/usr"]
    assert loaded.require == {}


def test_null_removes_a_whole_section(site: Site) -> None:
    loaded = stacked(
        site, "environment: {A: a}\nworkspace: rw\nnetwork: host", "environment: null\nworkspace: null\nnetwork: null"
    )
    assert (loaded.environment, loaded.workspace, loaded.network) == ({}, "none", "none")


def test_what_was_removed_can_be_said_again(site: Site) -> None:
    assert stacked(site, "environment: {A: a}", "environment: null", "environment: {B: b}").environment == {"B": "b"}


def test_a_removed_filter_is_the_default_filter_again_not_none(site: Site) -> None:
    loaded = stacked(site, "syscalls: {deny: []}", "syscalls: null")
    assert loaded.syscalls.deny == ("@default-deny",)
    assert loaded.sources["syscalls.deny"]["line"] == 2


def test_allow_and_deny_replace_each_other(site: Site) -> None:
    allowing = stacked(site, "syscalls: {deny: [mlock], action: kill}", "syscalls: {allow: [read]}")
    assert (allowing.syscalls.allow, allowing.syscalls.deny, allowing.syscalls.action) == (("read",), None, "kill")
    denying = stacked(site, "syscalls: {allow: [read]}", "syscalls: {deny: [mlock]}")
    assert (denying.syscalls.allow, denying.syscalls.deny) == (None, ("mlock",))


def test_an_action_alone_keeps_the_inherited_list(site: Site) -> None:
    loaded = stacked(site, "syscalls: {allow: [openat]}", "syscalls: {action: log}")
    assert (loaded.syscalls.allow, loaded.syscalls.action) == (("openat",), "log")


@pytest.mark.parametrize(
    ("base", "top", "network"),
    [
        ("host", "none", "none"),
        ("{allow: ['a:1']}", "none", "none"),
        ("host", "{allow: ['a:1']}", {"allow": ("a:1",)}),
        ("{allow: ['a:1']}", "{allow: ['b:2']}", {"allow": ("b:2",)}),
        ("{allow: ['a:1']}", "{+allow: ['b:2']}", {"allow": ("a:1", "b:2")}),
        ("{allow: ['a:1']}", "{allow: null}", "none"),
    ],
)
def test_the_forms_of_the_network_replace_each_other(site: Site, base: str, top: str, network: object) -> None:
    assert stacked(site, f"network: {base}", f"network: {top}").network == network


@pytest.mark.parametrize(
    ("base", "top", "limit"),
    [
        ("1GiB", "{default: 512MiB}", Limit(default=512 << 20, max=1 << 30)),
        ("{default: 1MiB, max: 1GiB}", "{max: 2GiB}", Limit(default=1 << 20, max=2 << 30)),
        ("{default: 1MiB, max: 1GiB}", "2GiB", Limit(default=2 << 30, max=2 << 30)),
        ("{default: 1MiB, max: 1GiB}", "none", Limit(default=None, max=None)),
        ("{default: 1MiB, max: 1GiB}", "null", Limit(default=None, max=None)),
        ("{default: 1MiB, max: 1GiB}", "{max: none}", Limit(default=1 << 20, max=None)),
        ("{default: 1MiB, max: 1GiB}", "{max: null}", Limit(default=1 << 20, max=None)),
        ("none", "{default: 1MiB}", Limit(default=1 << 20, max=None)),
    ],
)
def test_a_limit_given_in_part_merges_with_the_inherited_one(site: Site, base: str, top: str, limit: Limit) -> None:
    assert stacked(site, f"limits: {{memory: {base}}}", f"limits: {{memory: {top}}}").limits["memory"] == limit


@pytest.mark.parametrize(
    ("base", "top", "mount"),
    [
        ("{from: /a, mode: rw}", "{from: /b}", Mount(mode="rw", source="/b")),
        ("{from: /a, mode: rw, optional: true}", "{mode: ro}", Mount(mode="ro", source="/a", optional=True)),
        ("{from: /a, mode: rw, optional: true}", "ro", Mount(mode="ro", source="/x")),
        ("{from: /a, optional: true}", "tmpfs", Mount(mode="tmpfs")),
        ("{from: /a, optional: true}", "{symlink: b}", Mount(mode="symlink", source="b")),
        ("tmpfs", "{from: /a}", Mount(mode="ro", source="/a")),
        ("tmpfs", "{optional: true}", Mount(mode="ro", source="/x", optional=True)),
        ("tmpfs", "{symlink: b}", Mount(mode="symlink", source="b")),
        ("{symlink: b}", "{optional: true}", Mount(mode="ro", source="/x", optional=True)),
        ("{symlink: b}", "rw", Mount(mode="rw", source="/x")),
        ("tmpfs", "{noexec: true}", Mount(mode="tmpfs", noexec=True)),
        ("{mode: tmpfs, noexec: true}", "{from: /a}", Mount(mode="ro", source="/a", noexec=True)),
        ("{from: /a, optional: true, noexec: true}", "{mode: tmpfs}", Mount(mode="tmpfs", noexec=True)),
        ("{mode: tmpfs, noexec: true}", "tmpfs", Mount(mode="tmpfs")),
        ("{mode: tmpfs, noexec: true}", "{symlink: b}", Mount(mode="symlink", source="b")),
    ],
)
def test_a_mount_merges_with_its_kind_and_replaces_another(site: Site, base: str, top: str, mount: Mount) -> None:
    loaded = stacked(site, f"filesystem: {{/x: {base}}}", f"filesystem: {{/x: {top}}}")
    assert loaded.filesystem == {"/x": mount}


LANGUAGE = """
language:
  aliases: [one]
  file: main.x
  run: [x, "{{ file }}"]
  compile: {run: [cc], limits: {wall_time: 30s}}
"""


def test_a_language_bears_the_name_of_the_file_that_says_it_first(site: Site) -> None:
    assert stacked(site, "{}", LANGUAGE, "language: {run: [y]}").language.name == "layer1"  # type: ignore[union-attr]


def test_a_language_can_bear_a_name_of_its_own(site: Site) -> None:
    loaded = stacked(site, LANGUAGE, "language: {name: other, aliases: []}")
    assert loaded.language is not None
    assert (loaded.language.name, loaded.language.aliases) == ("other", ())


def test_a_compile_step_can_be_removed_and_changed(site: Site) -> None:
    removed = stacked(site, LANGUAGE, "language: {compile: null}").language
    assert removed is not None
    assert removed.compile is None
    changed = stacked(site, LANGUAGE, "language: {compile: {limits: {memory: 1GiB}}}").language
    assert changed is not None
    assert changed.compile is not None
    assert changed.compile.run == ("cc",)
    assert {name: limit.default for name, limit in changed.compile.limits.items()} == {
        "wall_time": 30,
        "memory": 1 << 30,
    }


def test_a_removed_language_can_be_replaced_by_another(site: Site) -> None:
    loaded = stacked(site, LANGUAGE, "language: null", "language: {file: f, run: [z]}")
    assert loaded.language is not None
    assert (loaded.language.name, loaded.language.aliases, loaded.language.compile) == ("layer2", (), None)


# ---- properties ----

names = some.sampled_from(["A", "B", "C"])
statements = some.dictionaries(names, some.sampled_from(["x", "y", "null"]), max_size=3)


def layer_of(said: dict[str, str]) -> str:
    return "environment: {" + ", ".join(f"{name}: {value}" for name, value in said.items()) + "}"


def environment(merged: Merged) -> dict[str, object]:
    return {name: said[""] for name, said in merged.below("environment").items()}


@given(some.lists(statements, max_size=5))
def test_the_last_word_on_each_name_holds(layers: list[dict[str, str]]) -> None:
    said = {name: value for layer in layers for name, value in layer.items()}
    last = {name: value for name, value in said.items() if value != "null"}
    merged = merge(policy_layer(layer_of(each), f"{number}.yaml") for number, each in enumerate(layers))
    assert environment(merged) == last


@given(some.lists(statements, min_size=1, max_size=5))
def test_every_value_is_blamed_on_the_layer_that_said_it_last(layers: list[dict[str, str]]) -> None:
    merged = merge(policy_layer(layer_of(each), f"{number}.yaml") for number, each in enumerate(layers))
    for name in environment(merged):
        last = max(number for number, each in enumerate(layers) if name in each)
        spot = merged.spot("environment", name)
        assert spot is not None
        assert spot.file == f"{last}.yaml"


@given(some.lists(some.lists(some.sampled_from("abc"), max_size=3), max_size=4))
def test_appending_keeps_order_and_duplicates(lists: list[list[str]]) -> None:
    layers = [policy_layer("artifacts: {collect: []}", "0.yaml")]
    layers += [policy_layer(f"artifacts: {{+collect: [{', '.join(each)}]}}", "n.yaml") for each in lists]
    assert merge(layers).value("artifacts", "collect") == tuple(item for each in lists for item in each)


@given(some.lists(statements, max_size=3))
def test_merging_the_same_layers_twice_says_the_same(layers: list[dict[str, str]]) -> None:
    texts = [policy_layer(layer_of(each), f"{number}.yaml") for number, each in enumerate(layers)]
    assert environment(merge(texts)) == environment(merge([*texts, *texts]))
