"""firejail: what it can't hold, and which of the host's names it hides."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.backends import firejail, firejail_paths
from tests.backends.given import LINKS, SYSTEM, TMPFS, UNNAMEABLE, fixed_host, link, policy, ro, rw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Mount


def levels(filesystem: Mapping[str, Mount] | None = None, *, root: bool = False, **facts: Any) -> dict[str, str]:
    gaps = firejail.gaps(policy(filesystem or {}), fixed_host(root=root, **facts))
    return {gap["clause"]: gap["level"] for gap in gaps}


def test_an_ordinary_users_scratch_is_sampled_and_tmp_is_open() -> None:
    assert levels() == {
        "limits.scratch_size": "sampled",
        "limits.scratch_files": "sampled",
        "limits.tmp_size": "none",
    }


def test_roots_scratch_is_strict() -> None:
    assert levels(root=True) == {"limits.tmp_size": "none"}


def test_root_needs_an_account() -> None:
    assert levels(root=True, firejail_user=None)["privileges"] == "none"


@pytest.mark.parametrize("home", ["/", "/usr/sbin", "/bin", "/dev", "/run/sshd"])
def test_an_account_without_a_home_of_its_own_will_not_do(home: str) -> None:
    assert levels(root=True, firejail_user=("jobs", 990, 990, home))["privileges"] == "none"


@pytest.mark.parametrize("home", ["/home/jobs", "/var/lib/jobs", "/nonexistent"])
def test_an_account_with_a_home_of_its_own_will_do(home: str) -> None:
    assert "privileges" not in levels(root=True, firejail_user=("jobs", 990, 990, home))


@pytest.mark.parametrize(
    ("path", "mount", "reason"),
    [
        ("/data/x", ro("/srv/x"), "at another path"),
        ("/data/x", TMPFS, "no tmpfs but /tmp"),
        ("/data/x", link("y"), "symbolic links"),
        ("/bin", link("somewhere/else"), "symbolic links"),
        ("/bin/x", ro("/bin/x"), "/bin is a symbolic link here"),
        ("/sys/class", ro("/sys/class"), "anything of /sys"),
        ("/sys", ro("/sys"), "anything of /sys"),
        ("/root/x", ro("/root/x"), "anything of /root"),
        ("/boot/x", ro("/boot/x"), "anything of /boot"),
        ("/home", ro("/home"), "the whole of /home"),
        ("/run", rw("/run"), "the whole of /run"),
        ("/tmp", ro("/tmp"), "the whole of /tmp"),
        ("/var", ro("/var"), "the whole of /var"),
        ("/usr", rw("/usr"), "keeps /usr read-only"),
        ("/etc", rw("/etc"), "keeps /etc read-only"),
        ("/usr/share", ro("/usr/share"), "the whole of /usr or nothing"),
        ("/var/tmp/x", ro("/var/tmp/x"), "its own there"),
        ("/var/log/x", rw("/var/log/x"), "its own there"),
        ("/run/lock", ro("/run/lock"), "its own there"),
        ("/data/a..b", ro("/data/a..b"), "two dots in a row"),
        *((f"/data/{name}", ro(f"/data/{name}"), "characters of this path") for name in UNNAMEABLE),
    ],
)
def test_a_mount_that_cannot_be_shown_is_a_gap_and_not_in_the_profile(path: str, mount: Mount, reason: str) -> None:
    given = policy({path: mount})
    (gap,) = [gap for gap in firejail.gaps(given, fixed_host()) if gap["clause"].startswith("filesystem.")]
    assert (gap["clause"], gap["level"]) == (f"filesystem.{path}", "none")
    assert reason in gap["reason"]
    rendered = firejail.render(given, fixed_host())
    with_nothing = firejail.render(policy({}), fixed_host())
    assert rendered["data"] == with_nothing["data"]


@pytest.mark.parametrize(
    "filesystem",
    [
        SYSTEM,
        {**SYSTEM, "/usr/nobodys": rw("/usr/nobodys"), "/tmp": TMPFS, "/tmp/x": ro("/tmp/x")},
        {"/opt": rw("/opt"), "/data": ro("/data"), "/home/me/x": rw("/home/me/x"), "/run/user/1": ro("/run/user/1")},
        {"/etc": ro("/etc"), "/var/lib/x": rw("/var/lib/x"), "/etc/x": rw("/etc/x")},
    ],
)
def test_parts_of_the_hosts_own_tree_are_no_gaps(filesystem: dict[str, Mount]) -> None:
    assert [clause for clause in levels(filesystem) if clause.startswith("filesystem.")] == []


@pytest.mark.parametrize("name", [*UNNAMEABLE, "a..b", "...", "plain", "été", ".hidden", " blank", "line\nbreak"])
def test_any_name_at_the_root_is_hidden_by_a_pattern_that_matches_it(name: str) -> None:
    pattern = firejail_paths.pattern(name)
    assert fnmatch.fnmatchcase(name, pattern)
    assert firejail_paths.is_plain(pattern.replace("?", "x"))


def test_links_at_the_root_stay() -> None:
    assert not {path[1:] for path in LINKS} & set(firejail_paths.hidden({}, fixed_host()))


def test_roots_job_in_a_directory_of_another_account_is_a_gap() -> None:
    host = fixed_host(root=True)
    for directory, clauses in (("/", ["workspace"]), ("/nowhere", ["workspace"])):
        given = policy().model_copy(update={"directory": directory})
        assert [gap["clause"] for gap in firejail.gaps(given, host) if gap["clause"] == "workspace"] == clauses
    assert not [gap for gap in firejail.gaps(policy(), host) if gap["clause"] == "workspace"]


def test_writable_within_writable_is_a_mount_of_its_own() -> None:
    """Else a job could move it away, and what is read-only in it along."""
    given = policy({**SYSTEM, "/srv/p": rw("/srv/p"), "/srv/p/.git": rw("/srv/p/.git")})
    mounts = {path: given.filesystem[path] for path in ("/srv/p", "/srv/p/.git")}
    said = firejail_paths.commands(mounts, given, fixed_host())
    assert said == [
        ("whitelist", "/srv/p"),
        ("read-write", "/srv/p"),
        ("read-only", "/srv/p/.git"),
        ("read-write", "/srv/p/.git"),
    ]
