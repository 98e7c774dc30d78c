"""Policies of a git revision: which files count there, and that a repository has nothing run and nothing else shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import git, places
from sandbox_cli.policy.loading import trace_found
from sandbox_cli.policy.reading import LARGEST
from sandbox_cli.policy.revision import Revision, split
from tests.repositories import Repository

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Policy

LOOSE, TIGHT = "limits: {memory: 2GiB}\n", "limits: {memory: 1GiB}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """One in which we are, with no policies of ours elsewhere."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = Repository(tmp_path / "clone")
    monkeypatch.chdir(made.folder)
    return made


def policy(path: str, rev: str = "HEAD") -> Policy:
    revision = Revision(rev)
    return trace_found(places.by_path(revision.path(path), revision=revision)).policy


def memory(path: str, rev: str = "HEAD") -> float | None:
    """In GiB: by it the tests know which file was read."""
    return (policy(path, rev).limits["memory"].max or 0) / 2**30


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("git:main:a.yaml", ("main", "a.yaml")),
        ("git:main:a:b.yaml", ("main", "a:b.yaml")),
        ("git:HEAD^{/fix: this}:a.yaml", ("HEAD^{/fix: this}", "a.yaml")),
        ("git:HEAD@{1}:./a.yaml", ("HEAD@{1}", "./a.yaml")),
    ],
)
def test_first_colon_outside_of_braces_ends_the_revision(text: str, parts: tuple[str, str]) -> None:
    assert split(text) == parts


def test_base_is_read_in_the_same_revision(repository: Repository) -> None:
    repository.commit({"policies/base.yaml": TIGHT, "policies/a.yaml": "extends: ./base.yaml\n"})
    repository.write({"policies/base.yaml": LOOSE})
    found = policy("policies/a.yaml")
    assert found.limits["memory"].max == 2**30
    assert found.files == ("git:HEAD:policies/a.yaml", "git:HEAD:policies/base.yaml")
    assert found.sources["limits.memory"] == {
        "clause": "limits.memory", "source": "file", "file": "git:HEAD:policies/base.yaml", "line": 1,
    }  # fmt: skip


def test_path_begins_at_the_top_or_with_a_dot_here(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"a.yaml": TIGHT, "policies/a.yaml": LOOSE})
    monkeypatch.chdir("policies")
    assert (memory("a.yaml"), memory("./a.yaml"), memory("../a.yaml")) == (1, 2, 1)


def test_file_at_the_top_names_its_language_without_the_revision(repository: Repository) -> None:
    repository.commit({"tool.yaml": "language: {file: x.t, run: [tool]}\n"})
    assert policy("tool.yaml").language.name == "tool"


def test_bare_repository_serves(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"a.yaml": "extends: ./base.yaml\n", "base.yaml": TIGHT})
    repository("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    monkeypatch.chdir(tmp_path / "bare")
    assert memory("a.yaml", "main") == 1


def test_name_found_in_a_folder_of_the_revision_is_read_there(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a team tries its repository of policies as its own: a change of a base must show by its name, too."""
    repository.commit({"policies/a.yaml": "extends: team\n", "policies/team.yaml": TIGHT})
    repository.write({"policies/team.yaml": LOOSE})
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sandbox").symlink_to(repository.folder)
    assert memory("policies/a.yaml") == 1


def test_name_found_in_a_folder_that_git_ignores_is_read_as_everywhere(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the built-in ones are in a virtual environment that lies in the clone."""
    repository.commit({"a.yaml": "extends: team\n"})
    repository.write({".home/sandbox/policies/team.yaml": TIGHT})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(repository.folder / ".home"))
    assert memory("a.yaml") == 1


def test_name_leads_to_the_revision_from_a_file_that_is_not_of_it_too(repository: Repository, tmp_path: Path) -> None:
    """As a built-in policy rests on the `_base` of the system's folder, where that is the clone."""
    (tmp_path / "middle.yaml").write_text("extends: team\n")
    repository.commit({"policies/a.yaml": "extends: ../../middle.yaml\n", "policies/team.yaml": TIGHT})
    repository.write({"policies/team.yaml": LOOSE})
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sandbox").symlink_to(repository.folder)
    assert policy("policies/a.yaml").files == (
        "git:HEAD:policies/a.yaml",
        str(tmp_path / "middle.yaml"),
        "git:HEAD:policies/team.yaml",
    )


def test_policy_of_the_systems_folder_rests_on_no_less_trusted_one_in_a_revision_either(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SYSTEM", repository.folder)
    (tmp_path / "config/sandbox/policies").mkdir(parents=True)
    (tmp_path / "config/sandbox/policies/mine.yaml").write_text(LOOSE)
    repository.commit({"policies/a.yaml": "extends: mine\n", "a.yaml": "extends: mine\n"})
    with pytest.raises(PolicyError, match="there is no policy 'mine' that this file may rest on"):
        policy("policies/a.yaml")
    assert memory("a.yaml") == 2


def test_policy_that_extends_its_own_name_rests_on_the_next_place(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"policies/python.yaml": "extends: python\nlimits: {memory: 1GiB}\n"})
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sandbox").symlink_to(repository.folder)
    assert policy("policies/python.yaml").files[:2] == (
        "git:HEAD:policies/python.yaml",
        str(places.BUILT_IN / "python.yaml"),
    )


def test_repository_cannot_call_the_folders_around_it_its_own(repository: Repository, tmp_path: Path) -> None:
    """Else what it holds would stand for what the system's or the user's folder has."""
    blob = repository("hash-object", "-w", "--stdin", stdin=LOOSE)
    mine = repository("hash-object", "-w", "--stdin", stdin="extends: team\n")
    for name, each in (("config/sandbox/policies/team.yaml", blob), ("a.yaml", mine)):
        repository("update-index", "--add", "--cacheinfo", f"100644,{each},{name}")
    repository("commit", "--quiet", "--message=trap")
    repository("config", "core.worktree", str(tmp_path))
    (tmp_path / "config/sandbox/policies").mkdir(parents=True)
    (tmp_path / "config/sandbox/policies/team.yaml").write_text(TIGHT)
    assert memory("a.yaml") == 1


def test_link_within_the_revision_is_followed(repository: Repository) -> None:
    (repository.folder / "link.yaml").symlink_to("policies/a.yaml")
    repository.commit({"policies/a.yaml": TIGHT})
    assert memory("link.yaml") == 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/shadow", "it is a link that leads out of the revision"),
        ("../outside.yaml", "it is a link that leads out of the revision"),
        ("nowhere.yaml", "it is a link that leads nowhere"),
        ("link.yaml", "it is a link that leads nowhere"),
        ("folder", "it is a directory, not a file"),
    ],
)
def test_link_that_leads_to_no_policy_of_the_revision_shows_nothing(
    repository: Repository, target: str, said: str
) -> None:
    (repository.folder / "link.yaml").symlink_to(target)
    (repository.folder.parent / "outside.yaml").write_text(TIGHT)
    repository.commit({"folder/x": "x"})
    with pytest.raises(PolicyError) as caught:
        policy("link.yaml")
    assert str(caught.value) == f"git:HEAD:link.yaml: {said}"


def test_file_that_is_too_large_is_not_read(repository: Repository) -> None:
    repository.commit({"a.yaml": "#" * (LARGEST + 1)})
    with pytest.raises(PolicyError, match=r"git:HEAD:a\.yaml: the file is larger than 1 MiB"):
        policy("a.yaml")


def test_tree_that_lists_names_without_end_is_refused(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "MOST_BYTES", 4096)
    blob = repository("hash-object", "-w", "--stdin")
    names = (f"100644 blob {blob}\t{number}{'x' * 90}.yaml\n" for number in range(50))
    tree = repository("mktree", stdin="".join(names))
    revision = Revision(repository("commit-tree", tree, "-m", "bomb"))
    with pytest.raises(UsageError, match="more than 4 MiB of names"):
        revision.policies(repository.folder)


def test_names_with_newlines_are_listed_whole_and_refused(repository: Repository) -> None:
    repository.commit({"a\nb.yaml": TIGHT, "a": "x", "b.yaml": LOOSE})
    revision = Revision("HEAD")
    assert revision.policies(repository.folder) == [repository.folder / "a\nb.yaml", repository.folder / "b.yaml"]
    with pytest.raises(PolicyError, match="the file's name holds a control character"):
        revision.layer(repository.folder / "a\nb.yaml")


@pytest.mark.parametrize("rev", ["", "nope", "-h", "--help", "HEAD:policies/a.yaml", "HEAD\nmain", "main..main"])
def test_what_is_no_revision_is_refused(repository: Repository, rev: str) -> None:
    repository.commit({"policies/a.yaml": TIGHT})
    with pytest.raises(UsageError, match="no revision"):
        Revision(rev)


@pytest.mark.parametrize("path", ["", "/etc/passwd.yaml", "a\nb.yaml"])
def test_what_is_no_path_is_refused(repository: Repository, path: str) -> None:
    repository.commit({"a.yaml": TIGHT})
    with pytest.raises(UsageError, match="no path in a revision"):
        Revision("HEAD").path(path)


def test_folder_around_a_policy_names_the_repository_whatever_the_environment_says(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git gives its hooks a GIT_DIR, which is meant for the repository that they are the hooks of."""
    repository.commit({"policies/a.yaml": TIGHT})
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    revision = Revision("HEAD", str(repository.folder / "policies"))
    assert revision.exists(repository.folder / "policies" / "a.yaml")


def test_without_git_it_is_said_what_is_missing(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UsageError, match="there is no git here"):
        Revision("HEAD")


def test_replaced_objects_are_not_what_a_revision_holds(repository: Repository) -> None:
    first = repository.commit({"a.yaml": TIGHT})
    second = repository.commit({"a.yaml": LOOSE})
    repository("replace", second, first)
    assert repository("show", f"{second}:a.yaml") == TIGHT.strip()
    assert memory("a.yaml", second) == 2


def test_nothing_is_left_in_the_repository(repository: Repository) -> None:
    repository.commit({"a.yaml": TIGHT})

    def state() -> dict[str, int]:
        return {
            os.path.join(at, name): os.stat(os.path.join(at, name)).st_mtime_ns
            for at, folders, names in os.walk(repository.folder)
            for name in [*folders, *names]
        }

    before = state()
    assert memory("a.yaml") == 1
    assert state() == before
