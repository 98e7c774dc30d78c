"""Whose files are believed: of the system's root's alone, of a user's own theirs and root's, and nobody else's."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import guard
from sandbox_cli.policy.guard import Guard

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")

ME, SOMEBODY, TEAM, NOBODY = 60123, 60124, 60125, 65534


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of an ordinary account `me`, who asks, in a folder of theirs; the account has a group of its own."""
    accounts = [
        pwd.struct_passwd(("me", "x", ME, ME, "", "/", "")),
        pwd.struct_passwd(("root", "x", 0, 0, "", "/", "")),
    ]
    groups = {ME: grp.struct_group(("me", "x", ME, ["me"])), TEAM: grp.struct_group(("team", "x", TEAM, ["me"]))}
    monkeypatch.setattr(os, "geteuid", lambda: ME)
    monkeypatch.setattr(pwd, "getpwuid", {each.pw_uid: each for each in accounts}.__getitem__)
    monkeypatch.setattr(pwd, "getpwall", lambda: accounts)
    monkeypatch.setattr(grp, "getgrgid", groups.__getitem__)
    path = tmp_path / "folder" / "ceiling.yaml"
    path.parent.mkdir()
    path.write_text("network: none")
    for each in (path, path.parent):
        os.chown(each, ME, ME)
    return path


def check(path: Path, of: Guard) -> None:
    guard.check(path, path.stat(), of)


def refusal(path: Path, of: Guard) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        check(path, of)
    return caught.value


def test_a_users_own_file_is_theirs_and_no_systems(own: Path) -> None:
    check(own, Guard.OWN)
    error = refusal(own, Guard.ROOT)
    assert error.message == "others than root can change it, so it is not used"
    assert error.hint == f"chown root:root {own}"


def test_roots_file_in_a_users_folder_is_no_systems(own: Path) -> None:
    os.chown(own, 0, 0)
    check(own, Guard.OWN)
    assert f"can change {own.parent}," in refusal(own, Guard.ROOT).message


@pytest.mark.parametrize("part", ["it", "folder"])
@pytest.mark.parametrize("of", [Guard.OWN, Guard.ROOT])
def test_somebody_elses_is_refused_for_both(own: Path, part: str, of: Guard) -> None:
    os.chown(own, 0, 0)
    os.chown(own.parent, 0, 0)
    what = own if part == "it" else own.parent
    os.chown(what, SOMEBODY, SOMEBODY)
    assert f"can change {'it' if what == own else what}," in refusal(own, of).message


@pytest.mark.parametrize("mode", [0o602, 0o622, 0o666])
def test_what_everybody_can_write_is_refused(own: Path, mode: int) -> None:
    own.chmod(mode)
    error = refusal(own, Guard.OWN)
    assert error.message == "others than root and you can change it, so it is not used"
    assert error.hint == f"chmod go-w {own}"


def test_the_accounts_own_group_may_write_what_is_its_own(own: Path) -> None:
    own.chmod(0o664)
    own.parent.chmod(0o775)
    check(own, Guard.OWN)


def test_no_group_may_write_what_is_the_systems(own: Path) -> None:
    for each in (own, own.parent):
        os.chown(each, 0, ME)
    check(own, Guard.ROOT)
    own.chmod(0o664)
    assert refusal(own, Guard.ROOT).hint == f"chmod go-w {own}"


def test_a_group_of_several_may_not_write(own: Path) -> None:
    os.chown(own, ME, TEAM)
    own.chmod(0o664)
    assert refusal(own, Guard.OWN).hint == f"chmod go-w {own}"


@pytest.mark.parametrize("how", ["member", "primary", "unknown"])
def test_a_group_that_somebody_joined_is_no_longer_the_accounts_own(
    own: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    own.chmod(0o664)
    if how == "member":
        joined = grp.struct_group(("me", "x", ME, ["me", "somebody"]))
        monkeypatch.setattr(grp, "getgrgid", {ME: joined}.__getitem__)
    elif how == "primary":
        somebody = pwd.struct_passwd(("somebody", "x", SOMEBODY, ME, "", "/", ""))
        monkeypatch.setattr(pwd, "getpwall", lambda: [somebody])
    else:
        monkeypatch.setattr(pwd, "getpwuid", dict[int, pwd.struct_passwd]().__getitem__)
    refusal(own, Guard.OWN)


def test_an_access_list_is_no_group_of_ones_own(own: Path) -> None:
    own.chmod(0o664)
    check(own, Guard.OWN)
    # version 2; owner rw-, uid 60124 rw-, group r--, mask rw-, others r--
    entries = [(1, 6, -1), (2, 6, SOMEBODY), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
    packed = b"".join(
        tag.to_bytes(2, "little") + may.to_bytes(2, "little") + (who % (1 << 32)).to_bytes(4, "little")
        for tag, may, who in entries
    )
    try:
        os.setxattr(own, "system.posix_acl_access", (2).to_bytes(4, "little") + packed)
    except OSError as error:
        pytest.skip(f"no access lists here: {error.strerror}")
    assert own.stat().st_mode & 0o777 == 0o664
    refusal(own, Guard.OWN)


def test_nobodys_file_is_refused_in_words_about_user_namespaces(own: Path) -> None:
    os.chown(own, NOBODY, NOBODY)
    for of in (Guard.OWN, Guard.ROOT):
        error = refusal(own, of)
        assert "belongs to nobody" in error.message
        assert "user namespace" in error.message
        assert "root's there" in (error.hint or "")


def test_the_command_that_is_named_mends_it(own: Path) -> None:
    named = own.with_name("a 'b'.yaml")
    own.rename(named)
    os.chown(named, SOMEBODY, SOMEBODY)
    named.chmod(0o666)
    hint = refusal(named, Guard.OWN).hint
    assert hint is not None
    subprocess.run(["sh", "-c", hint], check=True)
    check(named, Guard.OWN)


def test_a_link_is_as_good_as_the_folders_that_it_leads_through(own: Path) -> None:
    link = own.parent.parent / "link.yaml"
    link.symlink_to(own)
    check(link, Guard.OWN)
    os.chown(own.parent, SOMEBODY, SOMEBODY)
    assert str(own.parent) in refusal(link, Guard.OWN).message
