from __future__ import annotations

import json
from pathlib import Path

from sandbox_cli.host import Host, Jailer, Problem
from sandbox_cli.host.doctor import describe

WANTED = {name: ((name,), (1, 2)) for name in ("good", "bad", "tried", "refused", "missing")}
HOST = Host(
    uid=7,
    gid=7,
    kernel=(6, 1),
    machine="x86_64",
    jailers={
        "good": Jailer("good", "/usr/bin/good", "1.2", "PATH"),
        "bad": Jailer("bad", "/usr/bin/bad", "1.1", "PATH", problem="too old", fix="a newer one"),
        "tried": Jailer("tried", "/usr/bin/tried", "1.2", "PATH"),
        "refused": Jailer("refused", "/usr/bin/refused", "1.2", "PATH"),
    },
    root_entries=(),
    nproc_in_namespace=True,
)


def test_each_jailer_is_told_with_its_trial_its_problem_and_the_fix() -> None:
    facts = describe(HOST, WANTED, {"tried": None, "refused": Problem("switched off", "sysctl")})
    told = [(one["name"], one["trial"], one["problem"], one["fix"]) for one in facts["jailers"]]
    assert told == [
        ("good", "not tried", None, None),
        ("bad", "not tried", "too old", "a newer one"),
        ("tried", "works", None, None),
        ("refused", "failed", "switched off", "sysctl"),
        (
            "missing",
            "not tried",
            "missing isn't installed",
            "install missing 1.2 or newer: your distribution's package, or build it",
        ),
    ]


def test_the_facts_are_plain_data_that_json_can_hold() -> None:
    facts = describe(HOST, WANTED, {})
    assert json.loads(json.dumps(facts)) == facts


def test_the_switches_are_told_by_the_names_that_sysctl_takes() -> None:
    facts = describe(HOST, WANTED, {})
    limit = facts["switches"]["user.max_user_namespaces"]
    assert limit == int(Path("/proc/sys/user/max_user_namespaces").read_text())
    assert facts["process_limit_in_namespace"]
