from __future__ import annotations

import os

import pytest

from sandbox_cli.plan import view
from sandbox_cli.policy.model import Mount


@pytest.fixture
def tree(tmp_path):
    """usr/bin/{tool, alias -> tool, away -> /etc/tool, up -> ../lib/real}, usr/lib/real, etc/tool."""
    for name in ("usr/bin", "usr/lib", "etc"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("usr/bin/tool", "usr/lib/real", "etc/tool"):
        (tmp_path / name).write_text("")
    for name, target in (("alias", "tool"), ("away", "/etc/tool"), ("up", "../lib/real"), ("loop", "loop")):
        (tmp_path / "usr/bin" / name).symlink_to(target)
    return tmp_path


@pytest.fixture
def mounts(tree):
    return {
        "/usr": Mount(mode="ro", source=str(tree / "usr")),
        "/bin": Mount(mode="symlink", source="usr/bin"),
        "/tmp": Mount(mode="tmpfs"),
    }


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/usr/bin/tool", "usr/bin/tool"),
        ("/bin/tool", "usr/bin/tool"),
        ("/bin/alias", "usr/bin/tool"),
        ("/bin/../lib/real", "usr/lib/real"),
        ("/bin/up", "usr/lib/real"),
        ("/usr", "usr"),
        ("/bin/away", None),
        ("/bin/loop", None),
        ("/etc/tool", None),
        ("/tmp", None),
        ("/tmp/x", None),
        ("/usr/bin/missing", None),
    ],
)
def test_a_path_is_found_as_the_job_would_find_it(tree, mounts, path, found):
    assert view.locate(path, mounts) == (tree / found if found else None)


def test_an_absolute_link_is_followed_where_its_target_is_shown_too(tree, mounts):
    mounts["/etc"] = Mount(mode="ro", source=str(tree / "etc"))
    assert view.locate("/bin/away", mounts) == tree / "etc/tool"


def test_a_mount_covers_what_stands_below_it(tree, mounts):
    mounts["/usr/lib"] = Mount(mode="tmpfs")
    assert view.locate("/usr/lib/real", mounts) is None


def test_a_source_that_is_a_link_is_followed_on_the_host(tree, mounts):
    os.symlink(tree / "etc/tool", tree / "link")
    mounts["/opt/tool"] = Mount(mode="ro", source=str(tree / "link"))
    assert view.locate("/opt/tool", mounts).samefile(tree / "etc/tool")


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/usr/bin", True), ("/tmp", True), ("/opt", True), ("/opt/x", True), ("/srv", False), ("/op", False)],
)
def test_a_folder_above_a_mount_is_seen(mounts, path, seen):
    mounts["/opt/x/y"] = Mount(mode="tmpfs")
    assert view.shows(path, mounts) is seen
