"""What may be mounted in a jail: this process stands for one, whose mountinfo says what is tried."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.run import mounts
from sandbox_cli.run.mounts import Seen
from sandbox_cli.run.prepared import Known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox_cli.run.mounts import Row
    from tests.accounts import Account

RO, RW = ["ro", "nosuid", "nodev"], ["rw", "nosuid", "nodev"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the jail shows, with a folder of the host's that has another one in it."""
    for name in ("shown/inner", "made", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "made").chmod(0o700)
    return tmp_path


def judge(
    monkeypatch: Any,
    tree: Path,
    found: Mapping[str, Seen | None] | None = None,
    changed: Mapping[str, Any] | None = None,
) -> list[str]:
    """The faults of a jail that is as planned but for `found`, by path below `tree`, and with a plan `changed`."""
    seen = {"/": Seen(set(RO), "tmpfs", "/"), f"{tree}/shown": Seen(set(RO), "ext4", "/x")}
    seen |= {f"{tree}/made": Seen(set(RW), "tmpfs", "/")}
    for name, mount in (found or {}).items():
        path = f"{tree}/{name}"
        if mount is None:
            del seen[path]
        else:
            seen[path] = mount
    monkeypatch.setattr(mounts, "mountinfo", lambda table: seen)
    plan: Any = {
        "binds": [],
        "seal": {
            "hidden_namespaces": False,
            "whole": True,
            "mounts": [
                {"path": "/", "flags": ["ro"], "kind": "tmpfs"},
                {"path": f"{tree}/shown", "flags": RO, "source": f"{tree}/shown"},
                {"path": f"{tree}/made", "flags": RW, "kind": "tmpfs", "mode": 0o700},
            ],
        },
    }
    for mount in plan["seal"]["mounts"]:
        mount.update({key: value for key, value in (changed or {}).items() if key in mount})
    site: Any = type("Site", (), {"path": "/sandbox", "host": None, "uid": 1, "gid": 1})  # who owns nothing here
    prepared: Any = type("Prepared", (), {"plan": plan, "known": Known()})
    return [fault.replace(f"{tree}/", "") for fault in mounts.faults(prepared, site, os.getpid())]


def rows_of(monkeypatch: Any, lines: Iterable[str], uid: int = 5) -> tuple[Row, ...]:
    monkeypatch.setattr(mounts, "read_text", lambda path: "".join(f"{line}\n" for line in lines))
    return mounts.rows(1, uid)


def mounts_of(monkeypatch: Any, lines: Iterable[str]) -> dict[str, Seen]:
    return mounts.mountinfo(rows_of(monkeypatch, lines))


JAIL = (
    "70 45 0:40 /newroot / ro - tmpfs tmpfs rw,uid=5,gid=5",
    "71 70 0:41 /bindfileX1//deleted /etc/passwd ro - tmpfs tmpfs rw,uid=5,gid=5",
    "72 70 254:0 /usr /usr ro - ext4 /dev/vda rw",
)


def test_what_is_another_in_each_jail_makes_no_other_table(monkeypatch: Any) -> None:
    """Numbers of mounts and file systems, names of files that were removed, the account that owns a tmpfs."""
    another = [
        "90 33 0:52 /newroot / ro - tmpfs tmpfs rw,uid=6,gid=6",
        "171 90 0:53 /bindfileY2//deleted /etc/passwd ro - tmpfs tmpfs rw,uid=6,gid=6",
        "94 90 254:0 /usr /usr ro - ext4 /dev/vda rw",
    ]
    assert rows_of(monkeypatch, JAIL) == rows_of(monkeypatch, another, uid=6)


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        (2, "72 70 254:0 /usr /usr rw - ext4 /dev/vda rw"),
        (2, "72 70 254:0 /usr /usr ro - ext4 /dev/vda ro"),
        (2, "72 70 254:0 /usr/local /usr ro - ext4 /dev/vda rw"),
        (2, "72 71 254:0 /usr /usr ro - ext4 /dev/vda rw"),
        (2, "72 45 254:0 /usr /usr ro - ext4 /dev/vda rw"),
        (2, "72 44 254:0 /usr /usr ro - ext4 /dev/vda rw"),
        (2, "72 70 254:0 /usr /usr//deleted ro - ext4 /dev/vda rw"),
        (1, "71 70 0:41 /bindfileX1 /etc/passwd ro - tmpfs tmpfs rw,uid=5,gid=5"),
    ],
)
def test_what_the_seal_judges_makes_another_table(monkeypatch: Any, line: int, changed: str) -> None:
    lines = list(JAIL)
    lines[line] = changed
    assert rows_of(monkeypatch, JAIL) != rows_of(monkeypatch, lines)


def test_what_is_as_planned_has_no_fault(monkeypatch: Any, tree: Path) -> None:
    assert judge(monkeypatch, tree) == []


@pytest.mark.parametrize(
    ("name", "seen", "fault"),
    [
        ("shown", None, "shown is not mounted"),
        ("shown", Seen({*RW}, "ext4", "/x"), "shown is mounted rw, not ro"),
        ("shown", Seen({"ro", "nodev"}, "ext4", "/x"), "shown is not mounted nosuid"),
        ("shown", Seen({"ro"}, "ext4", "/x"), "shown is not mounted nosuid nodev"),
        ("made", Seen({*RW}, "ext4", "/x"), "made is a ext4, not a tmpfs"),
        ("other", Seen({*RO}, "ext4", "/x"), "other is mounted, which the plan doesn't say"),
        ("made/x", Seen({*RO}, "ext4", "/x"), "made/x is mounted, which the plan doesn't say"),
        ("shown/inner", Seen({*RW}, "ext4", "/x"), "shown/inner is writable below shown, which is read-only"),
    ],
)
def test_each_deviation_is_a_fault(monkeypatch: Any, tree: Path, name: str, seen: Seen | None, fault: str) -> None:
    assert judge(monkeypatch, tree, {name: seen}) == [fault]


def test_what_is_mounted_below_noexec_is_noexec_too(monkeypatch: Any, tree: Path) -> None:
    flags = {"flags": [*RO, "noexec"]}
    said = judge(monkeypatch, tree, {"shown/inner": Seen({*RO}, "ext4", "/x")}, flags)
    assert "shown/inner is not mounted noexec, as shown is" in said


def test_what_the_job_can_not_reach_may_be_as_the_host_has_it(monkeypatch: Any, tree: Path) -> None:
    """bwrap, which is of the job's account, can't make read-only what it can't reach."""
    writable = {"shown/inner/closed": Seen({*RW}, "ext4", "/x")}
    (tree / "shown/inner/closed").mkdir()
    assert judge(monkeypatch, tree, writable) == ["shown/inner/closed is writable below shown, which is read-only"]
    (tree / "shown/inner").chmod(0o700 if os.geteuid() == 0 else 0)
    found = judge(monkeypatch, tree, writable)
    (tree / "shown/inner").chmod(0o700)
    assert found == []


def test_what_the_host_has_below_a_source_comes_along(monkeypatch: Any, tree: Path) -> None:
    assert judge(monkeypatch, tree, {"shown/inner": Seen({*RO}, "ext4", "/y")}) == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"source": "/etc"}, "shown is not the host's /etc"),
        ({"source": "/nowhere"}, "shown is not the host's /nowhere"),
        ({"mode": 0o777}, "made has other permissions"),
    ],
)
def test_what_stands_there_is_looked_at(monkeypatch: Any, tree: Path, changed: dict[str, Any], fault: str) -> None:
    assert judge(monkeypatch, tree, changed=changed) == [fault]


def test_a_file_that_was_replaced_meanwhile_is_still_the_one_that_was_planned(monkeypatch: Any, tree: Path) -> None:
    """As a package manager replaces one: that of the jail is in no folder any more."""
    first, second = tree / "first", tree / "second"
    first.touch()
    second.touch()
    with first.open() as kept:
        first.unlink()
        assert mounts._is_same(f"/proc/self/fd/{kept.fileno()}", str(second))
    assert not mounts._is_same("/proc/self/stat", str(second))


def test_what_is_closed_to_us_is_the_same_only_where_both_sides_are(as_user: Account, shared_tmp: Path) -> None:
    closed = shared_tmp / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0)
    program = "import sys; from sandbox_cli.run.mounts import _is_same; print(_is_same(*sys.argv[1:]))"

    def said(there: Path, here: Path) -> str:
        return as_user.run([as_user.python, "-c", program, str(there), str(here)]).stdout.decode().strip()

    try:
        assert said(closed / "inner", closed / "inner") == "True"
        assert said(closed / "inner", shared_tmp) == said(shared_tmp, closed / "inner") == "False"
    finally:
        closed.chmod(0o700)


def test_sizes_are_those_of_the_plan(monkeypatch: Any) -> None:
    room = os.statvfs("/dev/shm")
    size_bytes = room.f_blocks * room.f_frsize

    def faults(**planned: int) -> int:
        mount: Any = {"path": "/dev/shm", "flags": ["rw"], **planned}
        root = os.open("/", os.O_PATH)
        try:
            return len(list(mounts._of_what_stands("/dev/shm", mount, root)))
        finally:
            os.close(root)

    assert faults(size_bytes=size_bytes) == faults(size_bytes=size_bytes - 1) == faults(files=room.f_files) == 0
    assert faults(size_bytes=size_bytes // 2) == faults(files=room.f_files - 1) == 1


def test_what_was_bound_for_the_jailer_is_compared_with_what_it_was_bound_from() -> None:
    plan: Any = {"binds": [("/root/python", "/run/sandbox/binds/1")]}
    assert mounts._outside("/run/sandbox/binds/1/lib", plan) == "/root/python/lib"
    assert mounts._outside("/run/sandbox/binds/12", plan) == "/run/sandbox/binds/12"


def test_mountinfo_is_read_with_its_escapes_and_odd_names(monkeypatch: Any) -> None:
    lines = [
        "22 22 0:20 / / ro,nosuid - tmpfs tmpfs rw",
        "23 22 0:21 /part /a\\040b\\134 rw shared:1 - tmpfs x\u2028y rw",
        "24 22 0:22 / /ro rw - ext4 /dev/x ro,discard",
        "25 22 0:23 / /two ro - ext4 /dev/x ro",
        "26 25 0:24 / /two rw - overlay x rw",
    ]
    found = mounts_of(monkeypatch, lines)
    assert {path: (each.kind, *sorted(each.flags)) for path, each in found.items()} == {
        "/": ("tmpfs", "nosuid", "ro"),
        "/a b\\": ("tmpfs", "rw"),
        "/ro": ("ext4", "ro"),
        "/two": ("overlay", "rw"),
    }
    assert found["/a b\\"].part == "/part"


@pytest.mark.parametrize(
    "covering",
    [
        "30 23 0:30 / /shown/made rw - tmpfs x rw",  # upon a folder above
        "30 23 0:30 / /shown rw - tmpfs x rw",  # upon all of the mount that it stands in
        "30 24 0:30 / /shown/made/host rw - tmpfs x rw",  # upon itself
    ],
)
def test_what_another_mount_covers_is_not_there(monkeypatch: Any, covering: str) -> None:
    lines = [
        "22 22 0:20 / / ro - tmpfs tmpfs rw",
        "23 22 0:21 / /shown ro - ext4 x rw",
        "24 23 0:22 / /shown/made/host rw - ext4 x rw",
        "25 24 0:23 / /shown/made/host/inner rw - ext4 x rw",
    ]
    everything = {line.split()[4] for line in lines}
    assert mounts_of(monkeypatch, lines).keys() == everything
    lines.append(covering)
    found = mounts_of(monkeypatch, lines)
    assert "/shown/made/host/inner" not in found
    assert [path for path, seen in found.items() if seen.kind == "tmpfs"] == ["/", covering.split()[4]]
