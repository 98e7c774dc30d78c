"""The seal's judgements, from what /proc would say."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox_cli.run import seal

GOOD = {
    "Uid": "5\t5\t5\t5", "Gid": "5\t5\t5\t5", "Groups": "", "NoNewPrivs": "1", "NSpid": "900\t2", "PPid": "7",
    "Seccomp": "2", "Seccomp_filters": "1", **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0"),
}  # fmt: skip


class Site:
    uid = gid = 5
    path = "/sandbox"


def identity(fields: dict[str, str] | None = None, *, root: bool = False) -> list[str]:
    plan: Any = {"account": {"root": root}}
    site: Any = Site()
    return seal._identity(GOOD | (fields or {}), plan, site)


def test_a_process_as_planned_has_no_faults() -> None:
    assert identity() == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"Uid": "5\t0\t5\t5"}, "uid is 5, not 5"),
        ({"Uid": "0\t0\t0\t0"}, "uid is 0, not 5"),
        ({"Gid": "5\t5\t5\t6"}, "gid is 5, not 5"),
        ({"NoNewPrivs": "0"}, "no_new_privs is off"),
        ({"CapBnd": "1ffffffffff"}, "capabilities are kept (CapBnd)"),
        ({"CapAmb": "20"}, "capabilities are kept (CapAmb)"),
    ],
)
def test_each_deviation_of_a_process_is_a_fault(fields: dict[str, str], fault: str) -> None:
    assert identity(fields) == [fault]


def test_supplementary_groups_are_a_fault_of_roots_jobs_alone() -> None:
    assert identity({"Groups": "5 27"}) == []
    assert identity({"Groups": "27"}, root=True) == ["supplementary groups are kept"]


@pytest.mark.parametrize(
    ("init", "child", "loaded"),
    [
        ({"NSpid": "9 1", "Seccomp_filters": "0"}, {"Seccomp": "2", "Seccomp_filters": "1"}, True),
        ({"NSpid": "9 1", "Seccomp_filters": "0"}, {"Seccomp": "0", "Seccomp_filters": "0"}, False),
        ({"NSpid": "9 4", "Seccomp_filters": "1"}, {"Seccomp": "2", "Seccomp_filters": "3"}, True),
        ({"NSpid": "9 4", "Seccomp_filters": "1"}, {"Seccomp": "2", "Seccomp_filters": "2"}, False),  # the guard alone
        ({"NSpid": "9 1"}, {"Seccomp": "2"}, True),  # a kernel that doesn't count
    ],
)
def test_the_policys_own_filter_must_be_loaded(init: dict[str, str], child: dict[str, str], loaded: bool) -> None:
    assert (seal._filter(init, child) == []) is loaded


@pytest.mark.parametrize(("names", "sound"), [("lo", True), ("lo sit0 tunl0", True), ("lo eth0", False), ("", False)])
def test_only_a_loopback_and_fallback_tunnels_are_no_network(monkeypatch: Any, names: str, sound: bool) -> None:
    lines = ["Inter-|", " face |", *(f"  {name}: 0 0" for name in names.split())]
    monkeypatch.setattr(seal, "lines_of", lambda path: lines)
    facts: Any = {"interfaces": ["lo"]}
    assert (seal._interfaces(1, facts) == []) is sound


@pytest.mark.parametrize(("enforcer", "sound"), [("cgroup-v1", False), ("systemd-scope", False), ("rlimit", True)])
def test_a_limit_that_a_control_group_should_hold_needs_one(enforcer: str, sound: bool) -> None:
    step: Any = {"limits": {"memory": {"enforcer": enforcer}, "output": {"enforcer": "supervisor"}}}
    site: Any = type("Site", (), {"group": None})
    assert (seal._group(1, step, site) is None) is sound


@pytest.mark.parametrize(
    ("limits", "faults"),
    [
        ({"open_files": 256, "cpu_time": 10.0}, []),
        ({"open_files": 255}, ["open_files is bounded by 256, not 255"]),
        ({"file_size": 107374182400}, []),
        ({"file_size": 10737418240}, ["file_size is bounded by 107374182400, not 10737418240"]),
        ({"cpu_time": 8.5}, ["cpu_time is bounded by 11, not 8.5"]),
        ({"processes": 1}, ["processes is bounded by unlimited, not 1"]),
    ],
)
def test_what_bounds_each_process_is_no_more_than_was_promised(limits: dict[str, float], faults: list[str]) -> None:
    lines = [
        "Limit                     Soft Limit           Hard Limit           Units     ",
        "Max cpu time              11                   11                   seconds   ",
        "Max file size             107374182400         107374182400         bytes     ",
        "Max processes             65                   unlimited            processes ",
        "Max open files            256                  256                  files     ",
    ]
    step: Any = {
        "limits": {name: {"value": value, "asked": str(value), "enforcer": "rlimit"} for name, value in limits.items()}
    }
    assert seal._limits("\n".join(lines), step) == faults


def test_tasks_that_a_group_holds_need_no_bound_of_a_process() -> None:
    step: Any = {"limits": {"processes": {"value": 1, "asked": "1", "enforcer": "cgroup-v1"}}}
    assert seal._limits("", step) == []
