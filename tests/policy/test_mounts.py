"""What may stand where in the jail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox_cli.policy.model import Mount

if TYPE_CHECKING:
    from tests.policy.conftest import Site


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("ro", Mount(mode="ro", source="/data")),
        ("rw", Mount(mode="rw", source="/data")),
        ("tmpfs", Mount(mode="tmpfs")),
        ("{from: /srv}", Mount(mode="ro", source="/srv")),
        ("{from: /srv, mode: rw, optional: true}", Mount(mode="rw", source="/srv", optional=True)),
        ("{optional: true}", Mount(mode="ro", source="/data", optional=True)),
        ("{mode: rw}", Mount(mode="rw", source="/data")),
        ("{mode: tmpfs, noexec: true}", Mount(mode="tmpfs", noexec=True)),
        ("{noexec: true}", Mount(mode="ro", source="/data", noexec=True)),
        ("{symlink: ../usr/x}", Mount(mode="symlink", source="../usr/x")),
    ],
)
def test_every_form_of_a_mount_has_its_long_form(site: Site, text: str, mount: Mount) -> None:
    assert site.load(f"filesystem: {{/data: {text}}}").filesystem == {"/data": mount}


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("data", "not absolute", "/data"),
        ("./data", "not absolute", "/data"),
        ("~/data", "not absolute", "/data"),
        ("''", "must not be empty", None),
        ("/data/", "normal form", "write /data"),
        ("//data", "normal form", "write /data"),
        ("/a//b", "normal form", "write /a/b"),
        ("/a/./b", "normal form", "write /a/b"),
        ("/a/../etc", "holds ..", "/etc"),
        ("/..", "holds ..", "write /"),
        ("/proc", "always there", "remove"),
        ("/proc/sys", "always there", "remove"),
        ("/dev", "always there", "remove"),
        ("/dev/shm", "always there", "remove"),
        ("/dev/kvm", "always there", "remove"),
        ("/sandbox", "scratch", "remove"),
        ("/sandbox/in", "scratch", "remove"),
        ("/etc/passwd", "made anew", "remove"),
        ("/etc/hosts", "made anew", "remove"),
        ("/" + "x" * 256, "longer than a jail", None),
    ],
)
def test_a_path_that_can_be_no_mount_is_refused_with_the_right_spelling(
    site: Site, path: str, message: str, hint: str | None
) -> None:
    error = site.refused(f"filesystem:\n  {path}: ro\n")
    assert message in error.message
    assert (error.line, error.column) == (2, 3)
    assert (error.clause or "").startswith("filesystem.")
    assert hint is None or hint in (error.hint or "")


def test_a_path_is_as_long_as_every_jailer_can_make_it(site: Site) -> None:
    """They put a prefix of their own before it."""
    longest = "/x" * 2031 + "y"
    assert site.load(f"filesystem: {{? {longest} : ro}}").filesystem[longest].source == longest
    assert site.refused(f"filesystem: {{? {longest}y : ro}}").message == "the path is longer than a jail can have"


@pytest.mark.parametrize("path", ["/process", "/devices", "/sandboxes", "/etc", "/etc/passwd.d", "/sys"])
def test_a_path_that_only_begins_like_a_taken_one_is_a_mount(site: Site, path: str) -> None:
    assert list(site.load(f"filesystem: {{{path}: ro}}").filesystem) == [path]


def test_a_whole_root_directory_can_be_taken(site: Site) -> None:
    assert site.load("filesystem: {/: {from: /srv/root}}").filesystem == {"/": Mount(mode="ro", source="/srv/root")}


@pytest.mark.parametrize("text", ["tmpfs", "{mode: tmpfs}", "{symlink: /srv}"])
def test_the_root_can_be_no_tmpfs_and_no_link(site: Site, text: str) -> None:
    error = site.refused(f"filesystem: {{/: {text}}}")
    assert (error.line, error.clause) == (1, "filesystem./")


def test_a_misspelt_mode_gets_the_nearest(site: Site) -> None:
    assert site.refused("filesystem: {/tmp: tmpf}").hint == "did you mean `tmpfs`?"


@pytest.mark.parametrize("text", ["{from: /x, mode: tmpfs}", "{mode: tmpfs, optional: true}"])
def test_a_tmpfs_shows_nothing_of_the_host(site: Site, text: str) -> None:
    error = site.refused(f"filesystem: {{/data: {text}}}")
    assert "a tmpfs has no `" in error.message
    assert error.clause == "filesystem./data"
