"""policies.lock: what is in it is held to the letter, and what isn't a lock is said to be none."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError, RefusedError
from sandbox_cli.plan import interpreter
from sandbox_cli.plan.request import resolve
from sandbox_cli.policy import lock, places

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.job import Job
    from tests.policy.conftest import Site

SOME = "sha256:" + "0" * 64


def locked_down(folder: Path) -> None:
    (folder / lock.NAME).write_text(lock.text(lock.digests(folder)))


def asked(site: Site, **job: str) -> Job:
    given: Job = {"command": ["true"], "locked": True}
    return {**given, **job}  # type: ignore[typeddict-item]


def test_lock_of_the_shipped_policies_is_up_to_date(site: Site) -> None:
    written = (places.BUILT_IN / lock.NAME).read_text()
    assert written == lock.text(lock.digests(places.BUILT_IN)), "run: sandbox policy lock policies"


def test_lock_has_a_line_for_each_policy_in_order(site: Site) -> None:
    for name in ("b.yaml", "a.yaml", "b.test.yaml", ".hidden.yaml", "notes.txt", "c.yml"):
        site.write(name, "extends: python\n")
    assert list(lock.digests(site.here)) == ["a.yaml", "b.yaml"]
    lines = lock.text(lock.digests(site.here)).splitlines()
    digest = policy.load("./a.yaml").digest
    assert lines[-2:] == [f"  a.yaml: {digest}", f"  b.yaml: {digest}"]


def test_digests_of_a_folder_with_a_broken_policy_are_none(site: Site) -> None:
    site.write("a.yaml", "extends: python\n")
    site.write("b.yaml", "extends: pythn\n")
    with pytest.raises(PolicyError, match=r"b\.yaml:1:10"):
        lock.digests(site.here)


def test_locked_policy_passes(site: Site) -> None:
    site.write("a.yaml", "extends: python\n")
    locked_down(site.here)
    assert resolve(asked(site, policy="./a.yaml")).policy.name == "a"


@pytest.mark.parametrize("language", ["python", "c"])
def test_built_in_language_is_locked(site: Site, language: str) -> None:
    assert resolve(asked(site, language=language)).policy.name == language


def test_change_of_what_a_locked_policy_extends_is_refused_with_both_digests(site: Site) -> None:
    site.write("base.yaml", "extends: python\n")
    site.write("a.yaml", "extends: ./base.yaml\n")
    locked_down(site.here)
    before = policy.load("./a.yaml").digest
    site.write("base.yaml", "extends: python\nnetwork: host\n")
    after = policy.load("./a.yaml").digest
    with pytest.raises(RefusedError) as caught:
        resolve(asked(site, policy="./a.yaml"))
    assert caught.value.message == (
        f"policy a ({site.here}/a.yaml) is not what was locked: expected {before}, found {after}"
    )
    assert f"`sandbox policy lock {site.here}`" in caught.value.hint


def test_comment_in_a_locked_policy_changes_nothing(site: Site) -> None:
    site.write("a.yaml", "extends: python\n")
    locked_down(site.here)
    site.write("a.yaml", "# Reviewed.\nextends: python\n")
    assert resolve(asked(site, policy="./a.yaml"))


def test_command_that_renews_a_lock_can_be_pasted(site: Site) -> None:
    folder = site.here / "our $rules"
    folder.mkdir()
    site.write("our $rules/a.yaml", "extends: python\n")
    with pytest.raises(RefusedError) as caught:
        resolve(asked(site, policy=f"{folder}/a.yaml"))
    assert f"`sandbox policy lock '{folder}'`" in caught.value.hint


def test_policy_without_a_lock_is_refused(site: Site) -> None:
    site.write("a.yaml", "extends: python\n")
    with pytest.raises(RefusedError, match=f"is not locked: there is no {site.here}/policies.lock"):
        resolve(asked(site, policy="./a.yaml"))


def test_policy_that_the_lock_does_not_name_is_refused(site: Site) -> None:
    site.write("a.yaml", "extends: python\n")
    locked_down(site.here)
    site.write("b.yaml", "extends: python\n")
    with pytest.raises(RefusedError, match=rf"policy b .* is not in {site.here}/policies\.lock"):
        resolve(asked(site, policy="./b.yaml"))


@pytest.mark.parametrize("name", ["b.yml", "our own.yaml"])
def test_policy_that_no_lock_would_name_is_refused_with_what_helps(site: Site, name: str) -> None:
    site.write("a.yaml", "extends: python\n")
    site.write(name, "extends: python\n")
    locked_down(site.here)
    with pytest.raises(RefusedError, match=r"is not in .*/policies\.lock") as caught:
        resolve(asked(site, policy=f"./{name}"))
    assert caught.value.hint == "a lock holds what can be had by name: call it as in reports.yaml"


def test_language_that_another_policy_supplies_must_be_locked_too(site: Site) -> None:
    site.write("a.yaml", "extends: command\n")
    locked_down(site.here)
    assert resolve(asked(site, policy="./a.yaml", language="python")).policy.language.name == "python"
    site.write("python.yaml", "extends: python\n", where="user")
    with pytest.raises(RefusedError, match=r"policy python .* is not locked"):
        resolve(asked(site, policy="./a.yaml", language="python"))


def test_policy_that_says_how_the_python_of_a_venv_is_found_must_be_locked_too(site: Site) -> None:
    site.write("a.yaml", "extends: command\n")
    locked_down(site.here)
    site.write("python.yaml", "extends: python\n", where="user")
    job: Job = {"command": ["true"], "locked": True, "policy": "./a.yaml", "venv": "venv"}
    with pytest.raises(RefusedError, match=r"policy python .* is not locked"):
        interpreter.of_job(job, resolve(job), None, needed=False)


def test_policy_by_name_is_held_by_the_lock_of_its_place(site: Site) -> None:
    site.write("mine.yaml", "extends: python\n", where="user")
    with pytest.raises(RefusedError, match="is not locked"):
        resolve(asked(site, policy="mine"))
    locked_down(site.user / "policies")
    assert resolve(asked(site, policy="mine"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the lock is empty"),
        ("policies: [a.yaml]\n", "expects a map"),
        ("policies: {a.yaml: 0123}\n", "'0123' is no digest"),
        (f"policies: {{a: {SOME}}}\n", "'a' is not the file of a policy"),
        (f"policies: {{../a.yaml: {SOME}}}\n", "is not the file of a policy"),
        (f"policies:\n  a.yaml: {SOME}\n  a.yaml: {SOME}\n", "stands here a second time, first in line 2"),
        ("version: 2\n", "version '2'"),
        ("<<<<<<< HEAD\n", "expects a map"),
        ("policy: {}\n", "unknown key 'policy'"),
        ("#" * (1 << 20) + "\n", "larger than 1 MiB"),
    ],
    ids=["empty", "list", "digest", "name", "path", "twice", "version", "conflict", "key", "huge"],
)
def test_malformed_lock_is_refused_with_its_place(site: Site, text: str, message: str) -> None:
    site.write("a.yaml", "extends: python\n")
    (site.here / lock.NAME).write_text(text)
    with pytest.raises(PolicyError, match=re.escape(message)) as caught:
        resolve(asked(site, policy="./a.yaml"))
    assert caught.value.file == str(site.here / lock.NAME)
    assert caught.value.line is None or caught.value.hint == f"`sandbox policy lock {site.here}` writes it anew"


def test_lock_that_leads_elsewhere_is_refused_and_tells_nothing_of_it(site: Site) -> None:
    site.write("a.yaml", "extends: python\n")
    (site.here / "secret").write_text("secret: word\n")
    (site.here / lock.NAME).symlink_to("secret")
    with pytest.raises(PolicyError, match="a link to") as caught:
        resolve(asked(site, policy="./a.yaml"))
    assert "word" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="guards what root uses")
def test_root_refuses_a_lock_that_others_can_write(site: Site) -> None:
    site.write("mine.yaml", "extends: python\n", where="user")
    locked_down(site.user / "policies")
    (site.user / "policies" / lock.NAME).chmod(0o666)
    with pytest.raises(PolicyError, match="others than root can change it"):
        resolve(asked(site, policy="mine"))
