"""The configuration of a machine and of a user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy.conftest import Site


def write(site: Site, where: str, text: str) -> Path:
    path: Path = getattr(site, where) / "config.yaml"
    path.write_text(text)
    return path


def refusal() -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        config.load()
    return caught.value


def test_without_files_the_defaults_hold(site: Site) -> None:
    assert config.load() == config.Config(backends=(), uid_range=(1900000000, 1900065535), sources={})


def test_every_key_is_read(site: Site) -> None:
    text = (
        "backends: [nsjail, bwrap]\nuid_range: 70000-70009\nfirejail_user: jail\ncache_dir: /var/c\naudit: /var/a.log"
    )
    path = write(site, "system", text)
    loaded = config.load()
    assert loaded.backends == ("nsjail", "bwrap")
    assert loaded.uid_range == (70000, 70009)
    assert (loaded.firejail_user, loaded.cache_dir) == ("jail", "/var/c")
    assert loaded.audit == (("/var/a.log", {"clause": "audit", "source": "file", "file": str(path), "line": 5}),)


def test_the_system_wins_for_accounts_and_the_user_for_the_rest(site: Site) -> None:
    both = "backends: [{0}]\nuid_range: {1}-{1}\nfirejail_user: {0}\ncache_dir: /{0}"
    system = write(site, "system", both.format("nsjail", 71000))
    user = write(site, "user", both.format("bwrap", 72000))
    loaded = config.load()
    assert (loaded.backends, loaded.cache_dir) == (("bwrap",), "/bwrap")
    assert (loaded.uid_range, loaded.firejail_user) == ((71000, 71000), "nsjail")
    assert loaded.sources["firejail_user"]["file"] == str(system)
    assert loaded.sources["backends"]["file"] == str(user)


def test_the_user_may_say_what_the_system_leaves_open(site: Site) -> None:
    write(site, "system", "audit: /var/a.log")
    write(site, "user", "firejail_user: me")
    assert config.load().firejail_user == "me"


def test_a_file_of_comments_and_null_say_nothing(site: Site) -> None:
    write(site, "system", "# audit: /x\n")
    write(site, "user", "audit: null\n")
    assert config.load().audit == ()


@pytest.mark.parametrize("said", ["/of/the/user", "null"])
def test_no_user_turns_off_the_audit_of_the_system(site: Site, said: str) -> None:
    write(site, "system", "audit: /of/the/system")
    write(site, "user", f"audit: {said}")
    assert [path for path, _ in config.load().audit] == ["/of/the/system", *([said] if said != "null" else [])]


@pytest.mark.parametrize(
    ("text", "line", "clause", "message", "hint"),
    [
        ("backend: [bwrap]", 1, None, "unknown key 'backend'", "backends"),
        ("backends: bwrap", 1, "backends", "expects a list", "[bwrap]"),
        ("backends: []", 1, "backends", "must not be empty", None),
        ("uid_range: 5", 1, "uid_range", "not a range", "1900000000-1900065535"),
        ("uid_range: 0-5", 1, "uid_range", "not a range", None),
        ("uid_range: 9-5", 1, "uid_range", "no user id", None),
        ("uid_range: 1-4294967295", 1, "uid_range", "no user id", None),
        ("uid_range: 65000-66000", 1, "uid_range", "nobody", None),
        ("firejail_user: root", 1, "firejail_user", "can't be the account", None),
        ("firejail_user: 'a:b'", 1, "firejail_user", "can't be the account", None),
        ("cache_dir: cache", 1, "cache_dir", "not absolute", None),
        ("audit: /a/../b", 1, "audit", "holds ..", "/b"),
        ("audit: '{{ file }}'", 1, "audit", "means nothing here", None),
        ("audit: !!str /x", 1, "audit", "tags", None),
        ("[]", 1, None, "expects a map", None),
    ],
)
@pytest.mark.parametrize("where", ["system", "user"])
def test_a_mistake_is_refused_with_its_place(
    site: Site, where: str, text: str, line: int, clause: str | None, message: str, hint: str | None
) -> None:
    path = write(site, where, text)
    error = refusal()
    assert (error.file, error.line, error.clause) == (str(path), line, clause)
    assert message in error.message
    assert hint is None or hint in (error.hint or "")


def test_a_directory_in_place_of_the_file_is_refused(site: Site) -> None:
    (site.user / "config.yaml").mkdir()
    assert "directory" in refusal().message


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone is guarded")
@pytest.mark.parametrize("where", ["system", "user"])
def test_root_refuses_a_configuration_that_others_can_write(site: Site, where: str) -> None:
    path = write(site, where, "audit: /x")
    path.chmod(0o664)
    error = refusal()
    assert "others than root can change it" in error.message
    assert error.file == str(path)
