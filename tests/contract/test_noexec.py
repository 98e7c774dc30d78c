"""Where a policy says noexec, nothing can be run: on every jailer that can hold it, and the seal sees to it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.odd_policies import folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Driver

TRY = """
import errno, mmap, os, shutil, subprocess, sys
def run(path):
    try: return subprocess.run([path]).returncode
    except OSError as error: return errno.errorcode[error.errno]
def map_code(path):
    with open(path, "rb") as file:
        try: return mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC).close()
        except OSError as error: return errno.errorcode[error.errno]
for folder in sys.argv[1:]:
    program = os.path.join(folder, "program")
    if not os.path.exists(program): shutil.copy("/bin/true", program)
    print(folder.rpartition("/")[2], run(program), map_code(program))
"""
REFUSED = "EACCES EPERM"  # of execve, of mmap

with_noexec = pytest.mark.parametrize("backend", ["nsjail", "firejail"], indirect=True)


@pytest.fixture
def tree(shared_tmp: Path) -> Path:
    """Folders of programs: shown, shown/inner and open."""
    for name in ("shown", "shown/inner", "open"):
        shutil.copy("/bin/true", folder(shared_tmp / name, mode=0o777) / "program")
    return shared_tmp


def job(tree: Path, backend: str, mounts: dict[str, Any], *folders: str) -> dict[str, Any]:
    policy = tree / "policy.yaml"
    policy.write_text(json.dumps({"extends": "command", "filesystem": mounts}))
    return {"command": ["/usr/bin/python3", "-IS", "-c", TRY, *folders], "policy": str(policy), "backend": backend}


def said(outcome: dict[str, Any]) -> list[str]:
    lines: list[str] = outcome["stdout"].decode().splitlines()
    return lines


@with_noexec
def test_what_is_shown_can_be_read_and_not_run(tree: Path, backend: str, driver: Driver) -> None:
    shown, opened = f"{tree}/shown", f"{tree}/open"
    mounts = {shown: {"noexec": True}, opened: {"mode": "rw", "noexec": True}}
    outcome = driver.run(job(tree, backend, mounts, shown, f"{shown}/inner", opened, "."))
    assert said(outcome) == [f"shown {REFUSED}", f"inner {REFUSED}", f"open {REFUSED}", ". 0 None"]
    row = next(row for row in outcome["receipt"]["clauses"] if row["clause"] == "filesystem")
    assert f"{opened} rw noexec" in row["effective"]


@with_noexec
def test_a_part_of_what_is_shown_can_be_noexec_by_itself(tree: Path, backend: str, driver: Driver) -> None:
    shown = f"{tree}/shown"
    mounts = {shown: "ro", f"{shown}/inner": {"noexec": True}}
    outcome = driver.run(job(tree, backend, mounts, shown, f"{shown}/inner"))
    assert said(outcome) == ["shown 0 None", f"inner {REFUSED}"]


@pytest.mark.parametrize("backend", ["nsjail"], indirect=True)
def test_temporary_files_can_be_noexec_while_scratch_is_not(tree: Path, backend: str, driver: Driver) -> None:
    outcome = driver.run(job(tree, backend, {"/tmp": {"noexec": True}}, "/tmp", "."))
    assert said(outcome) == [f"tmp {REFUSED}", ". 0 None"]


@with_noexec
def test_a_jailer_that_leaves_noexec_out_starts_nothing(tree: Path, backend: str, driver: Driver) -> None:
    shown = f"{tree}/shown"
    plan = driver.plan(job(tree, backend, {shown: {"noexec": True}}, "."))
    assert driver.run(plan=plan)["status"] == "ok"
    lines = [line for line in plan["data"][0].decode().split("\n") if line != f"noexec {shown}"]
    lines = [line.replace("noexec: true", "noexec: false") if f'"{shown}"' in line else line for line in lines]
    plan["data"][0] = "\n".join(lines).encode()
    outcome = driver.run(plan=plan)
    assert outcome["status"] == "sandbox-error"
    assert f"{shown} is not mounted noexec" in outcome["error"]["message"]
