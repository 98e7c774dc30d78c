from __future__ import annotations

from sandbox_cli.plan import levels, limits, receipt
from sandbox_cli.policy.model import Mount, Syscalls
from tests.plan import made


def rows(written, effective=None, shortfalls=(), host=None):
    effective = effective or written
    held = levels.levels(effective, host or made.host(), shortfalls)
    return {row["clause"]: row for row in receipt.clauses(held, written, effective)}


def test_a_clause_says_what_was_asked_who_holds_it_and_how_well():
    assert rows(made.policy())["limits.memory"] == {
        "clause": "limits.memory", "asked": "512MiB", "effective": "512MiB", "level": "sampled",
        "enforced_by": "sampler", "lowered": False,
        "note": "counted from outside: a job can hide memory between two looks; nobody looked for control groups",
    }  # fmt: skip


def test_a_limit_that_is_not_bounded_stands_in_the_receipt_alone():
    policy = made.policy(limits={"memory": (None, None)})
    row = rows(policy)["limits.memory"]
    assert (row["asked"], row["effective"], row["level"]) == ("not bounded", "not bounded", "none")
    assert "memory" not in receipt.limits(levels.levels(policy, made.host(), []), policy)


def test_the_filesystem_is_told_as_it_was_written_and_as_it_came_out():
    written = made.policy(
        filesystem={
            "/usr": Mount(mode="ro", source="/usr"),
            "/data": Mount(mode="rw", source="/srv/data"),
            "/gone": Mount(mode="ro", source="/gone", optional=True),
            "/tmp": Mount(mode="tmpfs"),
        }
    )
    mounts = {path: mount for path, mount in written.filesystem.items() if path != "/gone"}
    effective = written.model_copy(
        update={"filesystem": {"/bin": Mount(mode="symlink", source="usr/bin"), **mounts}},
    )
    row = rows(written, effective)["filesystem"]
    assert row["asked"] == "/usr ro, /data rw from /srv/data, /gone ro, /tmp tmpfs"
    assert row["effective"] == "/bin -> usr/bin, /usr ro, /data rw from /srv/data, /tmp tmpfs"


def test_network_and_syscalls_are_told_in_words():
    policy = made.policy(syscalls=Syscalls(allow=("@system-service", "ptrace"), action="kill"))
    told = rows(policy)
    assert told["network"]["asked"] == "none"
    assert told["syscalls"]["asked"] == "allow @system-service ptrace (kill)"
    assert told["privileges"]["asked"] == "none"


def test_what_is_only_logged_is_not_called_held():
    row = rows(made.policy(syscalls=Syscalls(deny=("mount",), action="log")))["syscalls"]
    assert (row["level"], row["note"]) == ("none", "the policy only logs what it would deny")


def test_a_mount_that_falls_short_tells_its_own_words():
    policy = made.policy(filesystem={"/data": Mount(mode="ro", source="/srv/data")}, require={"filesystem": "none"})
    row = rows(policy, shortfalls=[{"clause": "filesystem./data", "level": "none", "reason": "no", "fix": None}])
    assert row["filesystem./data"]["asked"] == "ro from /srv/data"
    assert row["filesystem./data"]["level"] == "none"
    assert (row["filesystem"]["level"], row["filesystem"]["note"]) == ("none", "strict but for filesystem./data (none)")


def test_a_lowered_clause_is_marked_and_noted():
    policy = made.policy(require={"limits.memory": "strict"})
    held = levels.levels(policy, made.host(), [])
    lowered = levels.lower(held, levels.below(held, policy.require))
    row = next(row for row in receipt.clauses(lowered, policy, policy) if row["clause"] == "limits.memory")
    assert row["lowered"] is True
    assert row["note"].startswith("lowered by --best-effort; ")


def test_a_limit_of_the_plan_has_its_value_its_enforcer_and_its_blame():
    policy = limits.apply(made.policy(), {"wall_time": "90s"}, None)
    held = levels.levels(policy, made.host(), [])
    found = receipt.limits(held, policy)
    assert found["wall_time"] == {
        "value": 90.0, "asked": "90s", "level": "strict", "enforcer": "supervisor",
        "blame": {"clause": "limits.wall_time", "source": "option", "file": None, "line": None},
    }  # fmt: skip
    assert found["memory"]["blame"] == {
        "clause": "limits.memory", "source": "file", "file": made.FILE, "line": 9,
    }  # fmt: skip
