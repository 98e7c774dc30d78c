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


MOUNTINFO = {"/": "ro", "/usr": "ro", "/usr/share": "ro", "/tmp": "rw", "/dev/null": "rw", "/a b": "rw"}


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ({}, None),
        ({"/usr": "rw"}, "/usr is mounted rw, not ro"),
        ({"/usr/share": "rw"}, "/usr/share is writable below /usr, which is read-only"),
        ({"/etc/shadow": "ro"}, "/etc/shadow is mounted, which the plan doesn't say"),
        ({"/devious": "ro"}, "/devious is mounted, which the plan doesn't say"),
        ({"/dev/pts": "rw"}, None),
    ],
)
def test_mounts_are_those_of_the_plan(monkeypatch: Any, found: dict[str, str], fault: str | None) -> None:
    monkeypatch.setattr(seal, "_mountinfo", lambda pid: MOUNTINFO | found)
    facts: Any = {
        "mounts": [("/", "ro"), ("/usr", "ro"), ("/tmp", "rw"), ("/a b", "rw")], "elsewhere": ["/dev"],
    }  # fmt: skip
    site: Any = Site()
    assert seal._mounts(1, facts, site) == ([fault] if fault else [])


def test_mountinfo_is_read_with_its_escapes_and_odd_names(monkeypatch: Any) -> None:
    lines = [
        "22 1 0:20 / / ro,nosuid - tmpfs tmpfs rw",
        "23 22 0:21 / /a\\040b\\134 rw - tmpfs x\u2028y rw",
        "24 22 0:22 / /ro rw - ext4 /dev/x ro",
        "25 22 0:22 / / rw - overlay x rw",
    ]
    monkeypatch.setattr(seal, "lines_of", lambda path: lines)
    assert seal._mountinfo(1) == {"/": "rw", "/a b\\": "rw", "/ro": "ro"}


@pytest.mark.parametrize(("names", "sound"), [("lo", True), ("lo sit0 tunl0", True), ("lo eth0", False), ("", False)])
def test_only_a_loopback_and_fallback_tunnels_are_no_network(monkeypatch: Any, names: str, sound: bool) -> None:
    lines = ["Inter-|", " face |", *(f"  {name}: 0 0" for name in names.split())]
    monkeypatch.setattr(seal, "lines_of", lambda path: lines)
    facts: Any = {"interfaces": ["lo"]}
    assert (seal._interfaces(1, facts) == []) is sound
