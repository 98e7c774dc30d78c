"""The order is one: whatever policies it is asked about, it contradicts neither itself nor what can be counted out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sandbox_cli.plan.command import FIXED
from sandbox_cli.policy import order
from sandbox_cli.policy.model import Artifacts, Compile, Language, Limit, Mount, Policy, RuntimeSpec, Syscalls
from sandbox_cli.policy.order import compare, within
from tests.policy.policies import FIELDS, PLAIN, changed

if TYPE_CHECKING:
    from sandbox_cli.policy.order import Relation

OPPOSITE: dict[Relation, Relation] = {
    "equal": "equal", "tighter": "looser", "looser": "tighter", "incomparable": "incomparable",
}  # fmt: skip
enough = settings(max_examples=80, deadline=None)


def at_most(policy: Policy, bound: Policy) -> bool:
    return all(each.relation in {"equal", "tighter"} for each in compare(bound, policy))


@enough
@given(changed(most=len(FIELDS)))
def test_a_policy_differs_in_nothing_from_itself(policy: Policy) -> None:
    assert compare(policy, policy.model_copy(deep=True)) == []


@enough
@given(changed(most=6), changed(most=6))
def test_what_is_looser_one_way_is_tighter_the_other(one: Policy, other: Policy) -> None:
    there, back = compare(one, other), compare(other, one)
    assert back == [order.Difference(each.clause, OPPOSITE[each.relation], each.after, each.before) for each in there]


@enough
@given(some.data(), some.sampled_from(sorted(FIELDS)))
def test_what_is_no_looser_than_what_is_no_looser_is_no_looser(data: some.DataObject, field: str) -> None:
    tight, middle, loose = (PLAIN.model_copy(update={field: data.draw(FIELDS[field])}) for _ in range(3))
    if at_most(tight, middle) and at_most(middle, loose):
        assert at_most(tight, loose)
    if at_most(tight, middle) and at_most(middle, tight) and at_most(middle, loose):
        assert at_most(tight, loose)


@enough
@given(changed(), some.data())
def test_transitive_over_clauses_that_lean_on_each_other(tight: Policy, data: some.DataObject) -> None:
    """A compile step is bounded by the job's limits; a filter closes more where the network is the job's own."""
    middle = data.draw(changed(policy=tight, most=2))
    loose = data.draw(changed(policy=middle, most=2))
    if at_most(tight, middle) and at_most(middle, loose):
        assert at_most(tight, loose)


@enough
@given(changed(), changed())
def test_within_are_the_clauses_that_go_beyond(policy: Policy, bound: Policy) -> None:
    demanding_nothing = {path: mount.model_copy(update={"optional": True}) for path, mount in bound.filesystem.items()}
    found = compare(bound.model_copy(update={"filesystem": demanding_nothing}), policy)
    assert within(policy, bound) == [each for each in found if each.relation in {"looser", "incomparable"}]


def relations(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Relation]:
    found = compare(PLAIN.model_copy(update=before), PLAIN.model_copy(update=after))
    return {each.clause: each.relation for each in found}


def of_limit(default: int | None, most: int | None) -> dict[str, Any]:
    return {"limits": {**PLAIN.limits, "memory": Limit(default=default, max=most)}}


LANGUAGE = Language(name="x", file="f", run=("r",))


def of_language(**said: Any) -> dict[str, Any]:
    return {"language": LANGUAGE.model_copy(update=said)}


def of_step(limits: dict[str, Limit] | None) -> dict[str, Any]:
    return of_language(compile=None if limits is None else Compile(run=("cc",), limits=limits))


ROOM = Limit(default=4, max=8)

# Clause -> what a policy says before and after, and every clause in which they differ.
EXAMPLES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Relation]]] = [
    ("more memory", of_limit(1, 2), of_limit(2, 2), {"limits.memory": "looser"}),
    ("a lower maximum", of_limit(1, 2), of_limit(1, 1), {"limits.memory.max": "tighter"}),
    ("unbounded", of_limit(1, 2), of_limit(None, None), {"limits.memory": "looser", "limits.memory.max": "looser"}),
    ("no maximum", of_limit(1, 2), of_limit(1, None), {"limits.memory.max": "looser"}),
    ("other ways", of_limit(1, 4), of_limit(2, 2), {"limits.memory": "looser", "limits.memory.max": "tighter"}),
    ("a limit that is left out", of_limit(1, 2), {"limits": {"cpus": PLAIN.limits["cpus"]}},
     {"limits.memory": "looser", "limits.memory.max": "looser"}),
    ("words", {}, {"description": "else"}, {"description": "equal"}),
    ("a step", of_step(None), of_step({}), {"language.compile": "looser"}),
    ("a step beyond the job's limits", of_step(None), of_step({"memory": ROOM}),
     {"language.compile": "looser", "language.compile.limits.memory": "looser",
      "language.compile.limits.memory.max": "looser"}),
    ("a step within them", of_step(None), of_step({"memory": Limit(default=1, max=1)}), {"language.compile": "looser"}),
    ("a step's own limit", of_step({}), of_step({"memory": ROOM}),
     {"language.compile.limits.memory": "looser", "language.compile.limits.memory.max": "looser"}),
    ("a step's own limit, lowered", of_step({"memory": ROOM}), of_step({"memory": Limit(default=3, max=8)}),
     {"language.compile.limits.memory": "tighter"}),
    ("network", {"network": "none"}, {"network": "host"}, {"network": "looser"}),
    ("a list", {"network": "none"}, {"network": {"allow": ("a:1",)}}, {"network": "looser"}),
    ("an empty list", {"network": "none"}, {"network": {"allow": ()}}, {"network": "equal"}),
    ("a longer list", {"network": {"allow": ("a:1",)}}, {"network": {"allow": ("b:2", "a:1")}}, {"network": "looser"}),
    ("another list", {"network": {"allow": ("a:1",)}}, {"network": {"allow": ("b:2",)}}, {"network": "incomparable"}),
    ("a list or all", {"network": {"allow": ("a:1",)}}, {"network": "host"}, {"network": "looser"}),
    ("workspace ro", {"workspace": "none"}, {"workspace": "ro"}, {"workspace": "looser"}),
    ("workspace rw", {"workspace": "rw"}, {"workspace": "ro"}, {"workspace": "tighter"}),
    ("one directory of any", {"workspace": "rw"}, {"workspace": "rw", "directory": "/w"}, {"workspace": "tighter"}),
    ("another directory", {"directory": "/v"}, {"directory": "/w"}, {"workspace": "incomparable"}),
    ("a variable", {}, {"environment": {"A": "1"}}, {"environment.A": "looser"}),
    ("another value", {"environment": {"A": "1"}}, {"environment": {"A": "2"}}, {"environment.A": "incomparable"}),
    ("no variable", {"environment": {"A": "1"}}, {}, {"environment.A": "tighter"}),
    ("one that is always set", {}, {"environment": {"PATH": "/usr/bin"}}, {"environment.PATH": "incomparable"}),
    ("less required", {}, {"require": {"limits.memory": "none"}}, {"require.limits.memory": "looser"}),
    ("more required", {}, {"require": {"limits.memory": "strict"}}, {"require.limits.memory": "tighter"}),
    ("what is required anyhow", {}, {"require": {"network": "strict"}}, {"require.network": "equal"}),
    ("a prefix", {}, {"require": {"limits": "sampled"}}, {"require.limits": "incomparable"}),
    ("a prefix and a clause of it", {"require": {"limits": "strict"}},
     {"require": {"limits": "strict", "limits.cpus": "none"}}, {"require.limits.cpus": "looser"}),
    ("one mount", {}, {"require": {"filesystem./a": "none"}}, {"require.filesystem./a": "looser"}),
    ("a mount below one", {"require": {"filesystem./a": "none"}},
     {"require": {"filesystem./a": "none", "filesystem./a/b": "strict"}}, {"require.filesystem./a/b": "tighter"}),
    ("more files", {"artifacts": Artifacts(max_files=1)}, {"artifacts": Artifacts(max_files=2)},
     {"artifacts.max_files": "looser"}),
    ("fewer bytes", {"artifacts": Artifacts()}, {"artifacts": Artifacts(max_bytes=1)},
     {"artifacts.max_bytes": "tighter"}),
    ("fewer patterns", {"artifacts": Artifacts()}, {"artifacts": Artifacts(collect=("*.png",))},
     {"artifacts.collect": "tighter"}),
    ("the runtime", of_language(), of_language(runtime=RuntimeSpec(command="x")), {"language.runtime": "incomparable"}),
    ("a package", of_language(runtime=RuntimeSpec(command="x")),
     of_language(runtime=RuntimeSpec(command="x", package="x")), {"language.runtime": "equal"}),
    ("what runs", of_language(), of_language(run=("s",)), {"language.run": "equal"}),
    ("the network alone", {"network": "none", "syscalls": Syscalls(deny=())},
     {"network": "host", "syscalls": Syscalls(deny=())},
     {"network": "looser", "syscalls": "looser"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "found"), [each[1:] for each in EXAMPLES], ids=[each[0] for each in EXAMPLES]
)
def test_examples(before: dict[str, Any], after: dict[str, Any], found: dict[str, Relation]) -> None:
    assert relations(before, after) == found
    assert relations(after, before) == {clause: OPPOSITE[each] for clause, each in found.items()}


def test_what_every_jail_sets_is_known() -> None:
    assert FIXED.keys() == order._SET_IN_EVERY_JAIL


def test_clauses_of_no_interest_are_not_told() -> None:
    before, after = PLAIN, PLAIN.model_copy(update={"network": "host", "syscalls": Syscalls(deny=()), **of_limit(9, 9)})
    assert [each.clause for each in compare(before, after, {"limits"})] == ["limits.memory", "limits.memory.max"]
    assert [each.clause for each in compare(before, after, {"limits.memory.max"})] == ["limits.memory.max"]
    assert [each.clause for each in compare(before, after, {"network", "cpus"})] == ["network"]


def test_a_name_with_a_dot_is_no_part_of_another() -> None:
    mounts = {path: Mount(mode="ro", source=path) for path in ("/srv", "/srv.old")}
    after = PLAIN.model_copy(update={"filesystem": {**PLAIN.filesystem, **mounts}, "environment": {"A": "", "A.B": ""}})
    found = compare(PLAIN, after, {"filesystem./srv", "environment.A"})
    assert [each.clause for each in found] == ["filesystem./srv", "environment.A"]
    assert len(compare(PLAIN, after, {"filesystem", "environment"})) == 4


def test_a_network_of_no_interest_is_alike() -> None:
    """The filter closes more where the network is the job's own: that is no word of `syscalls`."""
    before, after = (
        PLAIN.model_copy(update={"network": each, "syscalls": Syscalls(deny=())}) for each in ("none", "host")
    )
    assert [each.clause for each in compare(before, after)] == ["network", "syscalls"]
    assert compare(before, after, {"syscalls"}) == []


def test_a_limit_bounds_a_compile_step_too() -> None:
    policy = PLAIN.model_copy(update=of_step({"memory": ROOM}))
    assert [each.clause for each in within(policy, PLAIN, {"limits.memory"})] == [
        "language.compile.limits.memory", "language.compile.limits.memory.max",
    ]  # fmt: skip


def test_a_bound_demands_no_mount() -> None:
    missing = PLAIN.model_copy(update={"filesystem": {"/usr": Mount(mode="ro", source="/usr", optional=True)}})
    assert [each.relation for each in compare(PLAIN, missing)] == ["looser"]
    assert within(missing, PLAIN) == []


def test_words_are_those_of_receipts() -> None:
    before = PLAIN.model_copy(update={"limits": {**PLAIN.limits, "memory": Limit(default=1 << 29, max=1 << 30)}})
    after = before.model_copy(update={"limits": PLAIN.limits, "filesystem": {"/usr": Mount(mode="rw", source="/opt")}})
    assert [each[2:] for each in compare(before, after)] == [
        ("512MiB", "1B"), ("1GiB", "2B"), ("ro", "rw from /opt"),
    ]  # fmt: skip


def test_an_empty_list_is_told_as_nothing() -> None:
    (found,) = compare(PLAIN, PLAIN.model_copy(update={"syscalls": Syscalls(deny=())}))
    assert found.after == "deny nothing (errno)"


def test_every_text_is_one_line() -> None:
    after = PLAIN.model_copy(update={"description": "a\nb", **of_language(run=("a\nb",))})
    assert not any("\n" in text for each in compare(PLAIN, after) for text in each)
