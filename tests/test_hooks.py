"""The hooks that a repository of policies has pre-commit run, by pre-commit itself.

Their environment is not made from PyPI here, which takes a minute: the same entries run with what is at hand.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.accounts import ROOT
from tests.repositories import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
BASE = "extends: command\nlimits: {memory: 1GiB}\n"
TESTS = "tests: {runs a program: {command: ['true'], expect: allowed}}\n"


def hooks() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text())
    return found


@pytest.fixture
def repository(tmp_path: Path, launcher: Path, needs: Callable[[str], None]) -> Repository:
    """One that has them run, `sandbox` being this tree's."""
    needs("bwrap")
    made = Repository(tmp_path / "clone")
    local = [{**hook, "language": "system"} for hook in hooks()]
    config = {"repos": [{"repo": "local", "hooks": local}]}
    made.commit({
        ".pre-commit-config.yaml": yaml.safe_dump(config),
        "policies/base.yaml": BASE,
        "policies/lab.yaml": "extends: ./base.yaml\n",
        "policies/lab.test.yaml": TESTS,
        "README.md": "ours\n",
    })  # fmt: skip
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sandbox").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m sandbox_cli "$@"\n')
    (tools / "sandbox").chmod(0o755)
    return made


def environment_of(repository: Repository) -> dict[str, str]:
    beside = repository.folder.parent
    return {
        **os.environ, "PATH": f"{beside / 'tools'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(beside / "pre-commit"), "XDG_CONFIG_HOME": str(beside / "config"),
    }  # fmt: skip


def pre_commit(repository: Repository) -> dict[str, str]:
    """What becomes of each hook, and what was said, when what stands there is to be committed."""
    repository("add", "--all")
    environment = environment_of(repository)
    argv = [sys.executable, "-m", "pre_commit", "run", "--color=never"]
    done = subprocess.run(
        argv, cwd=repository.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Failed" in done.stdout or done.returncode == 0, done.stdout + done.stderr
    names = {hook["name"]: hook["id"].removeprefix("sandbox-policy-") for hook in hooks()}
    found: dict[str, str] = {"said": done.stdout}
    for line in done.stdout.splitlines():
        name = line.partition("..")[0]
        if name in names:
            found[names[name]] = "skipped" if "Skipped" in line else line.rpartition(".")[2].lower()
    return found


def test_manifest_is_one_that_pre_commit_takes() -> None:
    argv = [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)]
    subprocess.run(argv, check=True, timeout=60)


def test_loosened_base_fails_and_is_told_for_all_that_rests_on_it(repository: Repository) -> None:
    repository.write({"policies/base.yaml": BASE.replace("1GiB", "2GiB")})
    found = pre_commit(repository)
    assert (found["check"], found["test"], found["diff"]) == ("passed", "passed", "failed")
    assert "policies/base.yaml, policies/lab.yaml: looser than in HEAD" in found["said"]
    assert "git:HEAD:policies/base.yaml:2 -> policies/base.yaml:2" in found["said"]


def test_tightened_policy_passes_and_failing_test_does_not(repository: Repository) -> None:
    repository.write({"policies/lab.yaml": "extends: ./base.yaml\nlimits: {memory: 512MiB}\n"})
    repository.write({"policies/lab.test.yaml": TESTS.replace("allowed", "denied"), "deploy.yaml": "no: policy\n"})
    found = pre_commit(repository)
    assert (found["check"], found["test"], found["diff"]) == ("passed", "failed", "passed")
    assert "lab.test.yaml:1: runs a program: failed on " in found["said"]


def test_broken_policy_fails(repository: Repository) -> None:
    repository.write({"policies/lab.yaml": "limits: {memroy: 1GiB}\n"})
    found = pre_commit(repository)
    assert (found["check"], found["test"], found["diff"]) == ("failed", "failed", "failed")
    assert "did you mean `memory`?" in found["said"]


def blocks() -> list[str]:
    """The YAML of docs/review.md: the workflow, and the configuration of pre-commit."""
    return re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/review.md").read_text(), re.MULTILINE | re.DOTALL)


def test_configuration_of_the_page_names_hooks_that_there_are(tmp_path: Path) -> None:
    config = yaml.safe_load(blocks()[1])
    (tmp_path / "config.yaml").write_text(blocks()[1])
    argv = [sys.executable, "-m", "pre_commit", "validate-config", str(tmp_path / "config.yaml")]
    subprocess.run(argv, check=True, timeout=60)
    assert [hook["id"] for hook in config["repos"][0]["hooks"]] == [hook["id"] for hook in hooks()]


@pytest.mark.parametrize(("memory", "code"), [("2GiB", "1"), ("512MiB", "0"), ("broken", None)])
def test_workflow_of_the_page_compares_a_merge_with_what_it_is_merged_into(
    repository: Repository, memory: str, code: str | None
) -> None:
    """As actions/checkout leaves it: a merge commit, without a branch."""
    repository("switch", "--quiet", "-c", "change")
    repository.commit({"policies/base.yaml": BASE.replace("1GiB", memory)})
    repository("switch", "--quiet", "main")
    repository.commit({"policies/lab.yaml": "extends: ./base.yaml\ndescription: Meanwhile.\n"})
    repository("merge", "--quiet", "--no-ff", "--no-verify", "--message=merge", "change")
    repository("checkout", "--quiet", "--detach")
    steps = {step.get("name"): step for step in yaml.safe_load(blocks()[0])["jobs"]["review"]["steps"]}
    summary, answer = (repository.folder.parent / name for name in ("summary", "output"))
    environment = {**environment_of(repository), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(answer)}
    argv = ["bash", "-e", "-c", steps["diff"]["run"]]
    done = subprocess.run(argv, cwd=repository.folder, env=environment, capture_output=True, timeout=60, check=False)
    if code is None:
        assert done.returncode == 1
        assert b"broken" in done.stderr
        return
    assert (done.returncode, answer.read_text()) == (0, f"code={code}\n")
    told = summary.read_text()
    assert told.startswith(f"### Policies: {'**looser**' if code == '1' else 'tighter'}\n")
    assert "Meanwhile" not in told


def test_commit_without_policies_runs_none(repository: Repository) -> None:
    repository.write({"README.md": "ours alone\n"})
    found = pre_commit(repository)
    assert (found["check"], found["test"], found["diff"]) == ("skipped", "skipped", "skipped")
