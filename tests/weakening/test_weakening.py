"""No weakening of a plan goes unnoticed that changes what the jail allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.weakening import explained, matrix, report

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


# What the seal says of some, as root and as an ordinary user.
WORDS = {
    "bwrap": {
        "--unshare-net: dropped": "no net namespace of its own",
        "--unshare-ipc: dropped": "no ipc namespace of its own",
        "--unshare-cgroup: dropped": "no cgroup namespace of its own",
        "--as-pid-1: dropped": "init: it is not the first process of the jail",
        "--cap-drop ALL: added": "capabilities are kept",
        "--ro-bind /usr /usr: writable": "/usr is mounted rw, not ro",
        "--ro-bind /usr /usr: the host's /etc in its place": "/usr is not the host's /usr",
        "--ro-bind /etc /extra: added": "/extra is mounted, which the plan doesn't say",
        "--ro-bind /etc /usr/share: added": "/usr/share is mounted, which the plan doesn't say",
        "--dev-bind /dev/kmsg /dev/kmsg: added": "/dev/kmsg is mounted, which the plan doesn't say",
        "--remount-ro /: dropped": "/ is mounted rw, not ro",
        "filter: the whole: dropped": "the system call filter is not loaded",
    },
    "nsjail": {
        "clone_newnet: true: clone_newnet false": "no net namespace of its own",
        "keep_caps: false: keep_caps true": "capabilities are kept",
        "disable_no_new_privs: false: disable_no_new_privs true": "no_new_privs is off",
        "mount /usr on /usr: nosuid false": "/usr is not mounted nosuid",
        "mount tmpfs on /tmp: without size": "/tmp holds ",
        "mount tmpfs on /tmp: the host's /tmp in its place": "not a tmpfs",
        "filter: the whole: dropped": "the system call filter is not loaded",
    },
    "firejail": {
        "net none: dropped": "network interfaces are ",
        "caps.drop all: dropped": "capabilities are kept",
        "noroot: dropped": "uid_map: ",
        "blacklist /sys: dropped": "/sys shows what it should hide",
        "private-dev: dropped": "/dev is a devtmpfs, not a tmpfs",
    },
}


def test_each_weakening_is_caught_or_explained_as_the_page_says(
    backend: str, account: str, launcher: Path, shared_tmp: Path, request: pytest.FixtureRequest
) -> None:
    caught = matrix.run(backend, request.getfixturevalue(f"as_{account}"), shared_tmp)
    names = report.survivors(caught)
    assert [name for name in names if explained.of(name, backend, account) is None] == []
    hosts_own = {each.why for each in explained.EXPLANATIONS if each.optional}
    expected = {each.why for each in explained.there(backend, account)} - hosts_own
    assert expected - {explained.of(name, backend, account).why for name in names} == set(), "not needed any more"  # type: ignore[union-attr]
    found, page = report.rows(caught, backend, account), report.committed(backend, account)
    found, page = (
        [row for row in rows if row.split(" | ")[-1].rstrip(" |") not in hosts_own] for rows in (found, page)
    )
    assert found == page, "`make weakening` writes docs/weakening.md anew"
    said = {name: caught[name] for name in WORDS[backend]}
    assert [name for name, (who, what) in said.items() if who != "seal" or WORDS[backend][name] not in what] == [], said


def test_what_is_not_explained_is_found() -> None:
    assert explained.of("--unshare-net: dropped", "bwrap", "root") is None
    assert explained.of("the control group: without cpu", "bwrap", "user") is None
    assert explained.of("--cap-drop ALL: dropped", "nsjail", "root") is None
