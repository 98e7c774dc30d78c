from __future__ import annotations

import pytest

from sandbox_cli.plan import levels
from sandbox_cli.policy import requirements
from tests.plan import made


def at(policy, host, *shortfalls):
    return {each.clause: each for each in levels.levels(policy, host, shortfalls)}


def short(clause, level, reason="it can't", fix=None):
    return {"clause": clause, "level": level, "reason": reason, "fix": fix}


def test_receipt_order_is_fixed_and_complete():
    held = levels.levels(made.policy(), made.host(), [])
    assert [each.clause for each in held] == [
        "filesystem", "network", "syscalls", "privileges",
        "limits.wall_time", "limits.cpu_time", "limits.memory", "limits.processes", "limits.open_files",
        "limits.file_size", "limits.scratch_size", "limits.scratch_files", "limits.tmp_size", "limits.output",
        "limits.cpus",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("clause", "level", "enforcer"),
    [
        ("filesystem", "strict", "mount"),
        ("network", "strict", "namespace"),
        ("syscalls", "strict", "seccomp"),
        ("privileges", "strict", "namespace"),
        ("limits.wall_time", "strict", "supervisor"),
        ("limits.output", "strict", "supervisor"),
        ("limits.file_size", "strict", "rlimit"),
        ("limits.open_files", "strict", "rlimit"),
        ("limits.processes", "strict", "rlimit"),
        ("limits.memory", "sampled", "sampler"),
        ("limits.cpu_time", "sampled", "sampler"),
        ("limits.scratch_size", "strict", "mount"),
        ("limits.scratch_files", "strict", "mount"),
        ("limits.tmp_size", "strict", "mount"),
    ],
)
def test_a_capable_jailer_holds_each_clause_at_the_level_of_the_table(clause, level, enforcer):
    held = at(made.policy(), made.host())[clause]
    assert (held.level, held.enforcer, held.asked) == (level, enforcer, True)


def test_cpus_is_held_by_nobody_and_says_why():
    held = at(made.policy(limits={"cpus": (2.0, 4.0)}), made.host())["limits.cpus"]
    assert (held.level, held.enforcer) == ("none", None)
    assert "cores" in held.reason


def test_processes_are_sampled_where_rlimit_nproc_counts_the_whole_account():
    held = at(made.policy(), made.host(nproc_in_namespace=False))["limits.processes"]
    assert (held.level, held.enforcer, held.fix) == ("sampled", "sampler", "use Linux 5.14 or later")


@pytest.mark.parametrize(("level", "enforcer"), [("sampled", "sampler"), ("process", "rlimit"), ("none", None)])
def test_a_shortfall_lowers_its_clause_and_names_the_enforcer_of_that_level(level, enforcer):
    held = at(made.policy(), made.host(), short("limits.scratch_size", level, "no sized tmpfs", "do this"))
    lowered = held["limits.scratch_size"]
    assert (lowered.level, lowered.enforcer, lowered.reason, lowered.fix) == (
        level,
        enforcer,
        "no sized tmpfs",
        "do this",
    )
    assert held["limits.scratch_files"].level == "strict"


def test_a_shortfall_never_raises_a_level():
    held = at(made.policy(limits={"cpus": (2.0, 4.0)}), made.host(), short("limits.cpus", "sampled"))
    assert held["limits.cpus"].level == "none"


def test_a_mount_that_falls_short_has_a_line_below_the_filesystem():
    held = levels.levels(made.policy(), made.host(), [short("filesystem./data", "none")])
    assert [(each.clause, each.level) for each in held[:3]] == [
        ("filesystem", "strict"),
        ("filesystem./data", "none"),
        ("network", "strict"),
    ]


def test_what_the_policy_leaves_open_needs_nobody_to_hold_it():
    policy = made.policy(network="host", limits={"memory": (None, None)}, require={"limits": "strict"})
    held = at(policy, made.host())
    for clause in ("network", "limits.memory", "limits.cpus"):
        assert (held[clause].level, held[clause].enforcer, held[clause].asked) == ("none", None, False)
    assert [each.clause for each in levels.below(held.values(), policy.require)] == ["limits.cpu_time"]


@pytest.mark.parametrize(
    ("clause", "require", "level"),
    [
        ("limits.memory", {}, "sampled"),
        ("limits.wall_time", {}, "strict"),
        ("limits.tmp_size", {}, "none"),
        ("filesystem./data", {}, "strict"),
        ("limits.memory", {"limits.memory": "strict"}, "strict"),
        ("limits.memory", {"limits": "strict"}, "strict"),
        ("limits.memory", {"limits": "strict", "limits.memory": "none"}, "none"),
        ("limits.memory", {"limits.memory": "strict", "limits": "none"}, "strict"),
        ("limits.memory", {"limits.mem": "strict"}, "sampled"),
        ("filesystem./data", {"filesystem": "none"}, "none"),
        ("filesystem./data/deep", {"filesystem": "strict", "filesystem./data": "none"}, "none"),
        ("filesystem./database", {"filesystem./data": "none"}, "strict"),
        ("filesystem./etc/ld.so.conf", {"filesystem./etc/ld": "none"}, "strict"),
        ("filesystem./etc/ld.so.conf", {"filesystem./": "none"}, "none"),
    ],
)
def test_the_nearest_requirement_wins_and_the_table_is_the_default(clause, require, level):
    assert requirements.required(clause, require) == level


@pytest.mark.parametrize(
    ("has", "needs", "is_short"),
    [
        ("strict", "strict", False),
        ("sampled", "strict", True),
        ("process", "strict", True),
        ("none", "process", True),
        ("process", "sampled", True),
        ("sampled", "process", False),
        ("none", "none", False),
    ],
)
def test_levels_are_ordered(has, needs, is_short):
    held = levels.Held("limits.scratch_size", has, None)
    assert bool(levels.below([held], {"limits": needs})) is is_short


def test_best_effort_marks_limits_and_nothing_else():
    held = levels.levels(made.policy(), made.host(), [short("limits.memory", "none"), short("network", "none")])
    lowered = levels.lower(held, levels.below(held, {}))
    assert [each.clause for each in lowered if each.lowered] == ["limits.memory"]


def test_a_clause_is_told_at_the_level_of_its_worst_part_and_names_each():
    shortfalls = [short("filesystem./data", "none", fix="use bwrap"), short("filesystem./a.b", "process")]
    held = levels.levels(made.policy(), made.host(), shortfalls)
    whole, *parts = levels.told(held)[:3]
    assert (whole.level, whole.reason) == ("none", "strict but for filesystem./data (none), filesystem./a.b (process)")
    assert (whole.enforcer, whole.fix) == ("mount", "use bwrap")
    assert [(each.clause, each.level) for each in parts] == [
        ("filesystem./data", "none"),
        ("filesystem./a.b", "process"),
    ]


def test_a_part_that_may_fall_short_leaves_the_whole_as_required():
    held = levels.levels(made.policy(), made.host(), [short("filesystem./data", "none")])
    assert [each.clause for each in levels.below(held, {})] == ["filesystem./data"]
    assert levels.below(held, {"filesystem./data": "none"}) == []
