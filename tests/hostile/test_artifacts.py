"""Whatever a job leaves in scratch: nothing from outside comes back, nothing is written outside -o, and it ends."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PYTHON
from tests.hostile.artifacts import ATTACKS, GIVEN, SECRET, Attack, digest_of
from tests.hostile.test_limits import SLOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.conftest import Driver

PATIENCE_S = 55 * SLOW  # for all of a job that makes 100,000 files, on a disk too (firejail as an ordinary user)
GROWTH_KIB = 64 << 10  # of the supervisor, whatever comes back


@pytest.fixture
def secret(shared_tmp: Path) -> Path:
    """Open to everybody on the host, and to no job."""
    path = shared_tmp / "secret"
    path.write_text(SECRET)
    path.chmod(0o644)
    return path


@pytest.fixture
def out(shared_tmp: Path, driver: Driver) -> Path:
    """The directory of -o, in which something stands already."""
    path = shared_tmp / "out"
    (path / ".git" / "hooks").mkdir(parents=True)
    (path / ".git" / "hooks" / "pre-commit").write_text("mine")
    (path / ".bashrc").write_text("mine")
    for each in (path, *path.rglob("*")):
        os.chown(each, driver.uid, -1)
    return path


def everything(top: Path) -> Iterator[tuple[bytes, bytes]]:
    """Every path below `top`, and what stands there."""
    for folder, folders, names in os.walk(os.fsencode(top)):
        for name in folders + names:
            path = os.path.join(folder, name)
            kind = b"folder" if os.path.isdir(path) else b"other"
            yield (
                path,
                os.readlink(path)
                if os.path.islink(path)
                else Path(os.fsdecode(path)).read_bytes()
                if (kind == b"other")
                else kind,
            )


def run(attack: Attack, backend: str, driver: Driver, place: Path, **work: Any) -> dict[str, Any]:
    """The outcome; it came in time, and the supervisor did not grow by much."""
    policy = place / "policy.yaml"
    policy.write_text(f"extends: command\n{attack.limits}\n")
    code = attack.code.replace("@SECRET@", str(place / "secret"))
    job = {"command": [*PYTHON, code], "backend": backend, "policy": str(policy), "limits": {"wall_time": "1min"}}
    memory = Path(f"/proc/{driver.process.pid}")
    (memory / "clear_refs").write_text("5")  # forgets the peak
    before, began = peak(memory), time.monotonic()
    question = {"job": job, "work": {"inputs": [(b"given", GIVEN, 0o644)], **work}}
    outcome = driver.ask(question, timeout_s=2 * PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S
    assert peak(memory) - before < GROWTH_KIB
    assert "refused" not in outcome, outcome
    return outcome


def peak(process: Path) -> int:
    """Of its memory, in KiB."""
    [line] = [line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])


def is_cut_short(attack: Attack, backend: str, account: str) -> bool:
    """A tree too deep to be counted is over scratch's bound, where that is sampled: a listed difference."""
    return attack.name in ("deep", "long paths") and (backend, account) == ("firejail", "user")


def check_omitted(attack: Attack, outcome: dict[str, Any]) -> None:
    omitted = dict(outcome["artifacts_omitted"])
    assert {path: omitted.get(path) for path in attack.omitted} == attack.omitted
    assert attack.more_omitted or omitted.keys() == attack.omitted.keys()


NAMED_BADLY = ("links", "names", "hooks")  # what --force could make a difference to
each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=[each.name.replace(" ", "-") for each in ATTACKS])


@each_attack
@pytest.mark.usefixtures("secret")
def test_what_comes_back_in_the_result_is_the_jobs_own(
    attack: Attack, backend: str, account: str, driver: Driver, shared_tmp: Path
) -> None:
    outcome = run(attack, backend, driver, shared_tmp)
    assert SECRET not in repr(outcome)
    if is_cut_short(attack, backend, account):
        assert outcome["status"] == "scratch-limit"
        return
    assert outcome["status"] == "ok", outcome["cause"]
    check_omitted(attack, outcome)
    found = {each["path"]: each for each in outcome["artifacts"]}
    assert {path: each["sha256"] for path, each in found.items()} == {
        path: digest_of(content) for path, content in attack.returned.items()
    }
    for path, expected in attack.returned.items():
        content = expected if isinstance(expected, bytes) else None  # too long to come inline
        assert (found[path]["content"], found[path]["saved_to"]) == (content, None)


@pytest.mark.parametrize(
    ("attack", "collect"),
    [*((each, "save") for each in ATTACKS), *((each, "replace") for each in ATTACKS if each.name in NAMED_BADLY)],
    ids=lambda value: value if isinstance(value, str) else value.name.replace(" ", "-"),
)
@pytest.mark.usefixtures("secret")
def test_what_is_saved_stands_below_the_directory_and_nothing_else_changed(
    attack: Attack, collect: str, backend: str, account: str, driver: Driver, shared_tmp: Path, out: Path
) -> None:
    (shared_tmp / "policy.yaml").touch()
    before = dict(everything(shared_tmp))
    outcome = run(attack, backend, driver, shared_tmp, collect=collect, output_dir=str(out))
    assert SECRET not in repr(outcome)
    policy = os.fsencode(shared_tmp / "policy.yaml")
    after = {path: content for path, content in everything(shared_tmp) if path != policy}
    assert {path: after.get(path) for path in before if path != policy} == {
        path: content for path, content in before.items() if path != policy
    }
    new = after.keys() - before.keys()
    assert all(path.startswith(os.fsencode(out) + b"/") for path in new)
    assert not any(SECRET.encode() in after[path] for path in new)
    if is_cut_short(attack, backend, account):
        return
    taken = {path for path in attack.returned if path.startswith((b".git/", b".bashrc"))}
    saved = {each["path"]: each["sha256"] for each in outcome["artifacts"]}
    assert saved == {path: digest_of(attack.returned[path]) for path in attack.returned.keys() - taken}
    for path, digest in saved.items():
        there = os.path.join(os.fsencode(out), path)
        assert hashlib.sha256(after[there]).hexdigest() == digest
        looks = os.lstat(there)
        assert (looks.st_uid, looks.st_nlink, looks.st_mode & 0o7000) == (driver.uid, 1, 0)
        assert looks.st_blocks * 512 < looks.st_size + (1 << 20)
    assert {path for path, reason in outcome["artifacts_omitted"] if "is there already" in reason} == taken
