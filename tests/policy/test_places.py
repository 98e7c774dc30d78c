"""Where policies are found by name, and whose files root refuses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import guard, places

if TYPE_CHECKING:
    from tests.policy.conftest import Site

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="root alone is guarded")
SOMEBODY = 1900000000


def refusal(name: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policy.load(name)
    return caught.value


@pytest.mark.parametrize("text", ["./x", "a/b", "/x", "x.yaml", ".yaml"])
def test_a_slash_or_the_suffix_makes_a_path(text: str) -> None:
    assert places.is_path(text)


@pytest.mark.parametrize("text", ["python", "_base", "c++", "python3.12", "a-b"])
def test_letters_digits_and_some_signs_make_a_name(text: str) -> None:
    assert places.is_name(text)
    assert not places.is_path(text)


@pytest.mark.parametrize("text", ["", "..", ".", "-x", "a b", "a\nb", "x..y", "a:b", "*", "ä", "python.test"])
def test_anything_else_is_neither(text: str) -> None:
    assert not places.is_name(text)
    assert "neither" in refusal(text).message


def test_a_relative_config_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    for value in ("relative/dir", ""):
        monkeypatch.setenv("XDG_CONFIG_HOME", value)
        assert places.user_folder() == Path("/home/somebody/.config/sandbox")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    assert places.user_folder() == Path("/elsewhere/sandbox")


def test_available_lists_each_name_once_from_the_place_that_wins(site: Site) -> None:
    site.write("python.yaml", "extends: python", "user")
    site.write("mine.yaml", "extends: _base", "user")
    site.write("mine.yaml", "extends: _base", "system")
    site.write("mine.test.yaml", "[]", "user")
    site.write("note.txt", "", "user")
    listed = {name: (path, where) for name, path, where in policy.available()}
    assert listed["python"] == (str(site.user / "policies" / "python.yaml"), "user")
    assert listed["mine"] == (str(site.system / "policies" / "mine.yaml"), "system")
    assert listed["_base"][1] == "built in"
    assert listed.keys() >= {"_base", "bash", "command", "mine", "node", "perl", "python", "sh"}
    assert "mine.test" not in listed
    assert [name for name, _, _ in policy.available()] == sorted(listed)


def test_places_that_are_not_there_hold_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "SYSTEM", tmp_path / "none")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert {where for _, _, where in policy.available()} == {"built in"}


@root_only
@pytest.mark.parametrize("where", ["system", "user"])
@pytest.mark.parametrize(
    ("uid", "mode", "subject"),
    [(0, 0o666, "it"), (0, 0o664, "it"), (0, 0o646, "it"), (SOMEBODY, 0o644, "it"), (SOMEBODY, 0o600, "it")],
)
def test_root_refuses_a_policy_that_others_can_write(site: Site, where: str, uid: int, mode: int, subject: str) -> None:
    path = site.write("open.yaml", "extends: _base", where)
    os.chown(path, uid, 0)
    path.chmod(mode)
    error = refusal("open")
    assert error.message == f"others than root can change {subject}, so it is not used"
    assert error.file == str(path)
    assert error.hint == (f"chown root:root {path}" if uid else f"chmod go-w {path}")


@root_only
def test_root_refuses_a_policy_in_a_folder_that_others_can_write(site: Site) -> None:
    site.write("x.yaml", "extends: _base", "system")
    folder = site.system / "policies"
    folder.chmod(0o777)
    assert f"others than root can change {folder}" in refusal("x").message
    folder.chmod(0o1777)  # sticky: nobody can replace root's file there
    assert policy.load("x").name == "x"
    folder.chmod(0o755)
    os.chown(site.system, SOMEBODY, 0)
    assert f"others than root can change {site.system}" in refusal("x").message


@root_only
def test_root_refuses_a_link_to_a_file_that_others_can_write(site: Site) -> None:
    target = site.write("target.yaml", "extends: _base")
    (site.system / "policies" / "x.yaml").symlink_to(target)
    assert policy.load("x").name == "x"
    os.chown(site.here, SOMEBODY, 0)
    assert f"others than root can change {site.here}" in refusal("x").message


@root_only
def test_root_refuses_what_a_guarded_policy_extends(site: Site) -> None:
    base = site.write("base.yaml", "extends: _base")
    base.chmod(0o666)
    site.write("x.yaml", f"extends: {base}", "system")
    assert refusal("x").file == str(base)


@root_only
def test_root_uses_a_file_that_it_was_given_by_path(site: Site) -> None:
    path = site.write("x.yaml", "extends: _base")
    os.chown(path, SOMEBODY, 0)
    assert policy.load(str(path)).name == "x"


@root_only
def test_root_uses_the_file_again_once_it_is_closed(site: Site) -> None:
    path = site.write("x.yaml", "extends: _base", "system")
    path.chmod(0o666)
    refusal("x")
    path.chmod(0o644)
    assert policy.load("x").name == "x"
    path.chmod(0o666)
    refusal("x")


@root_only
def test_root_refuses_a_way_that_has_become_a_circle_of_links(tmp_path: Path) -> None:
    for name, target in (("a", "b"), ("b", "a")):
        (tmp_path / name).symlink_to(target)
    with pytest.raises(PolicyError, match="can't be examined: Too many levels of symbolic links"):
        guard.check(tmp_path / "a" / "x.yaml", tmp_path.stat(), guard.Guard.ROOT)
