"""A repository that somebody else laid out has nothing run when its policies are read."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import UsageError
from sandbox_cli.policy import git
from sandbox_cli.policy.revision import Revision
from tests.repositories import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

TIGHT = "limits: {memory: 1GiB}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """One in which we are."""
    made = Repository(tmp_path / "clone")
    monkeypatch.chdir(made.folder)
    return made


def _fsmonitor(repository: Repository, trap: str) -> list[str]:
    repository("config", "core.fsmonitor", trap)
    return ["status"]


def _textconv(repository: Repository, trap: str) -> list[str]:
    repository("config", "diff.trap.textconv", trap)
    (repository.folder / ".git/info/attributes").write_text("*.yaml diff=trap\n")
    return ["cat-file", "--textconv", "HEAD:a.yaml"]


def _filter(repository: Repository, trap: str) -> list[str]:
    repository("config", "filter.trap.smudge", trap)
    (repository.folder / ".git/info/attributes").write_text("*.yaml filter=trap\n")
    return ["cat-file", "--filters", "HEAD:a.yaml"]


def _hook(repository: Repository, trap: str) -> list[str]:
    repository("config", "core.hooksPath", str(Path(trap).parent))
    return ["checkout", "--quiet", "HEAD"]


def _partial_clone(repository: Repository, trap: str) -> list[str]:
    """The file's content is not there, and would be fetched."""
    for key, value in {
        "core.repositoryFormatVersion": "1", "extensions.partialClone": "origin",
        "remote.origin.url": str(repository.folder), "remote.origin.promisor": "true",
        "remote.origin.uploadpack": trap, "protocol.file.allow": "always", "protocol.allow": "always",
    }.items():  # fmt: skip
        repository("config", key, value)
    blob = repository("rev-parse", "HEAD:a.yaml")
    (repository.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    return ["cat-file", "blob", blob]


@pytest.mark.parametrize("lay", [_fsmonitor, _textconv, _filter, _hook, _partial_clone], ids=lambda lay: lay.__name__)
def test_nothing_that_the_repository_names_is_run(
    repository: Repository, tmp_path: Path, lay: Callable[[Repository, str], list[str]]
) -> None:
    repository.commit({"a.yaml": TIGHT})
    traps, sprung = tmp_path / "traps", tmp_path / "sprung"
    traps.mkdir()
    trap = traps / "post-checkout"
    trap.write_text(f"#!/bin/sh\n: >{sprung}\ncat /dev/null\n")
    trap.chmod(0o755)
    control = lay(repository, str(trap))
    try:
        revision = Revision("HEAD")
        revision.policies(repository.folder)
        revision.layer(repository.folder / "a.yaml")
    except UsageError as error:
        assert lay is _partial_clone, error  # what isn't there can't be told
    assert not sprung.exists()
    subprocess.run(["git", *control], cwd=repository.folder, capture_output=True, timeout=20, check=False)
    assert sprung.exists(), "git itself was not trapped: the trap is none"


def test_fetching_is_closed_to_a_git_that_knows_no_variable_for_it(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = dict(vars(git)["_CLOSED"])
    del closed["GIT_NO_LAZY_FETCH"]
    monkeypatch.setattr(git, "_CLOSED", closed)
    test_nothing_that_the_repository_names_is_run(repository, tmp_path, _partial_clone)


def test_a_pipe_in_place_of_a_file_of_gits_holds_nobody_up(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.yaml": TIGHT})
    (repository.folder / ".git/packed-refs").unlink(missing_ok=True)
    os.mkfifo(repository.folder / ".git/packed-refs")
    monkeypatch.setattr(git, "PATIENCE_S", 1.0)
    began = time.monotonic()
    with pytest.raises(UsageError, match="before it answered"):
        Revision("nosuch")
    assert time.monotonic() - began < 20


def test_what_was_before_a_revision_is_what_its_hash_says(repository: Repository) -> None:
    """Else a clone could pass a policy for what it was before."""
    first, _, last = (repository.commit({"a.yaml": f"limits: {{memory: {size}GiB}}\n"}) for size in (3, 2, 1))
    info = repository.folder / ".git/info"
    info.mkdir(exist_ok=True)
    (info / "grafts").write_text(f"{last} {first}\n")
    assert repository("show", "HEAD~1:a.yaml") == "limits: {memory: 3GiB}"
    layer = Revision("HEAD~1").layer(repository.folder / "a.yaml")
    assert {entry.value for entry in layer.entries} == {None, 2 << 30}


@pytest.mark.parametrize("absent", ["HEAD:policies", "HEAD:policies/a.yaml"])
def test_what_a_partial_clone_has_not_fetched_is_not_taken_for_missing(repository: Repository, absent: str) -> None:
    """It would pass for a policy that is new."""
    repository.commit({"policies/a.yaml": TIGHT})
    name = repository("rev-parse", absent)
    (repository.folder / ".git/objects" / name[:2] / name[2:]).unlink()
    with pytest.raises(UsageError, match=r"git:HEAD:policies\S* is not in this partial clone"):
        Revision("HEAD").exists(repository.folder / "policies" / "a.yaml")
