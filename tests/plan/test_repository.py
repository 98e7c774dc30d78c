"""What of a repository a job with a writable directory can't change."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox_cli.errors import RefusedError
from sandbox_cli.plan.repository import guarded


def make(top: Path, *paths: str) -> Path:
    """Files, and folders where a path ends in a slash."""
    for each in paths:
        path = top / each
        (path if each.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not each.endswith("/"):
            path.write_text("")
    return top


def modes(top: Path) -> dict[str, str]:
    return {str(Path(path).relative_to(top)): mount.mode for path, mount in guarded(top)[0].items()}


def missing(top: Path) -> list[str]:
    return [str(Path(path).relative_to(top)) for path in guarded(top)[1]]


def test_directory_without_a_repository_needs_no_guard(tmp_path: Path) -> None:
    assert guarded(make(tmp_path, "src/main.c")) == ({}, [])


def test_hooks_and_configuration_are_read_only_and_what_holds_them_stays_in_its_place(tmp_path: Path) -> None:
    make(tmp_path, ".git/hooks/", ".git/config", ".git/HEAD")
    assert modes(tmp_path) == {".git": "rw", ".git/hooks": "ro", ".git/config": "ro"}
    assert missing(tmp_path) == [".git/config.worktree", ".git/commondir", "HEAD"]


def test_repositories_within_the_repository_are_read_only(tmp_path: Path) -> None:
    make(tmp_path, ".git/hooks/", ".git/config", ".git/modules/x/config", ".git/worktrees/y/")
    assert {".git/modules": "ro", ".git/worktrees": "ro"}.items() <= modes(tmp_path).items()


def test_pointer_to_a_repository_elsewhere_is_read_only(tmp_path: Path) -> None:
    make(tmp_path, ".git").joinpath(".git").write_text("gitdir: /elsewhere/.git/worktrees/x\n")
    assert (modes(tmp_path), missing(tmp_path)) == ({".git": "ro"}, [])


def test_pointer_that_names_nothing_is_read_only(tmp_path: Path) -> None:
    make(tmp_path, ".git").joinpath(".git").write_text("gitdir: ../a\0b\n")
    assert modes(tmp_path) == {".git": "ro"}


def test_pointer_to_a_repository_within_is_refused(tmp_path: Path) -> None:
    make(tmp_path, ".git", "real/").joinpath(".git").write_text("gitdir: real\n")
    with pytest.raises(RefusedError, match="leads to real"):
        guarded(tmp_path)


def test_directory_that_is_a_repository_itself_is_guarded(tmp_path: Path) -> None:
    make(tmp_path, "HEAD", "objects/", "refs/", "hooks/", "config")
    assert modes(tmp_path) == {"hooks": "ro", "config": "ro"}


@pytest.mark.parametrize(
    ("config", "guard"),
    [
        ("[core]\n\thooksPath = tools/hooks\n", {"tools": "rw", "tools/hooks": "ro"}),
        ('[core] hookspath="tools/hooks"\n', {"tools": "rw", "tools/hooks": "ro"}),
        ("[include]\n\tpath = ../tools/config\n", {"tools": "rw", "tools/config": "ro"}),
        ("\ufeff[core]\n\thooksPath = tools/hooks\n", {"tools": "rw", "tools/hooks": "ro"}),
        ("[core]\n\thooksPath = a\0b\n", {}),
        ("[core]\n\thooksPath = /elsewhere\n[include]\n\tpath = ~/.more\n", {}),
    ],
)
def test_what_the_configuration_names_within_the_directory_is_guarded(
    tmp_path: Path, config: str, guard: dict[str, str]
) -> None:
    make(tmp_path, ".git/hooks/", ".git/config", "tools/hooks/", "tools/config")
    (tmp_path / ".git" / "config").write_text(config)
    assert modes(tmp_path) == {".git": "rw", ".git/hooks": "ro", ".git/config": "ro", **guard}


def test_what_an_included_configuration_names_is_guarded_too(tmp_path: Path) -> None:
    make(tmp_path, ".git/hooks/", ".git/config", ".githooks/", ".gitconfig", "more")
    (tmp_path / ".git" / "config").write_text("[include]\n\tpath = ../.gitconfig\n")
    (tmp_path / ".gitconfig").write_text("[include]\n\tpath = more\n\tpath = .gitconfig\n")
    (tmp_path / "more").write_text("[core]\n\thooksPath = .githooks\n")
    assert {".gitconfig": "ro", "more": "ro", ".githooks": "ro"}.items() <= modes(tmp_path).items()


def test_hooks_folder_that_the_configuration_of_a_worktree_names_is_guarded(tmp_path: Path) -> None:
    make(tmp_path, ".git/hooks/", ".git/config", ".git/config.worktree", ".githooks/")
    (tmp_path / ".git" / "config.worktree").write_text("[core]\n\thooksPath = .githooks\n")
    assert modes(tmp_path)[".githooks"] == "ro"


def test_hooks_folder_that_a_repository_elsewhere_names_is_guarded(tmp_path: Path) -> None:
    make(tmp_path, "main/.git/worktrees/x/", "x/.git", "x/.githooks/")
    (tmp_path / "main/.git/config").write_text("[core]\n\thooksPath = .githooks\n")
    (tmp_path / "main/.git/worktrees/x/commondir").write_text("../..\n")
    (tmp_path / "x/.git").write_text(f"gitdir: {tmp_path}/main/.git/worktrees/x\n")
    assert modes(tmp_path / "x") == {".git": "ro", ".githooks": "ro"}


def test_hooks_folder_that_somebody_has_in_all_repositories_is_guarded(tmp_path: Path) -> None:
    project = make(tmp_path / "project", ".git/hooks/", ".git/config", ".githooks/")
    home = make(tmp_path / "home", "dotfiles/git")
    (home / "dotfiles/git").write_text("[core]\n\thooksPath = .githooks\n")
    (home / ".gitconfig").symlink_to("dotfiles/git")
    mounts, _ = guarded(project, [home])
    assert mounts[f"{project}/.githooks"].mode == "ro"
    assert guarded(make(tmp_path / "other", ".githooks/"), [home]) == ({}, [])


def test_settings_of_somebodys_home_that_lead_nowhere_are_none(tmp_path: Path) -> None:
    home = make(tmp_path / "home", ".config/git/")
    (home / ".gitconfig").symlink_to(".gitconfig")
    (home / ".config/git/config").symlink_to("gone")
    assert guarded(make(tmp_path / "project", ".git/config"), [home])[1] == guarded(tmp_path / "project")[1]


def test_what_would_make_the_directory_itself_a_repository_is_unwanted(tmp_path: Path) -> None:
    make(tmp_path, ".git/hooks/", ".git/config", "HEAD", "refs/")
    assert "objects" in missing(tmp_path)


def test_hooks_folder_that_is_not_there_yet_is_unwanted(tmp_path: Path) -> None:
    make(tmp_path, ".git/hooks/", ".git/config", ".husky/")
    (tmp_path / ".git" / "config").write_text("[core]\nhooksPath = .husky/_\n")
    assert modes(tmp_path)[".husky"] == "rw"
    assert ".husky/_" in missing(tmp_path)


@pytest.mark.parametrize("name", [".git", ".git/hooks", ".git/config"])
def test_link_in_the_place_of_what_is_guarded_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path, "elsewhere/", *([".git/"] if name != ".git" else []))
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="symbolic link") as caught:
        guarded(tmp_path)
    assert caught.value.hint == "show the directory read-only: -C DIR:ro"


@pytest.mark.parametrize(
    "content", ["\n" * 500_000, " " * 500_000, "[" * 500_000, "path" * 200_000, "path =" + " " * 500_000]
)
def test_configuration_that_a_job_wrote_is_read_in_no_time(tmp_path: Path, content: str) -> None:
    """Each of these took hours where a pattern could cross lines."""
    make(tmp_path, ".git/HEAD", ".git/config")
    (tmp_path / ".git/config").write_text(f"{content}\n[core]\n hooksPath = mine\n")
    (tmp_path / "mine").mkdir()
    assert modes(tmp_path)["mine"] == "ro"


def test_more_than_a_jail_can_guard_is_refused(tmp_path: Path) -> None:
    make(tmp_path, ".git/HEAD")
    (tmp_path / ".git/config").write_text("[include]\n" + "".join(f"path = ../of/{n}\n" for n in range(3000)))
    make(tmp_path, *(f"of/{number}" for number in range(3000)))
    with pytest.raises(RefusedError, match="more than 1000 files and folders"):
        guarded(tmp_path)
