"""-f with folders, and --keep, on every backend, as root and as an ordinary user."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.accounts import Sandbox

LIST = "find . -mindepth 1 | sort"


@pytest.fixture
def data(shared_tmp: Path) -> Path:
    """A folder `data` with a file, a program, a link, an empty folder; beside it a `file`."""
    folder = shared_tmp / "data"
    (folder / "sub" / "empty").mkdir(parents=True)
    (folder / "a").write_text("1\n")
    (folder / "tool").write_text("#!/bin/sh\necho tool\n")
    (folder / "tool").chmod(0o755)
    (folder / "sub" / "link").symlink_to("../a")
    (shared_tmp / "file").write_text("x")
    return folder


ALL = ["", "/a", "/sub", "/sub/empty", "/sub/link", "/tool"]


@pytest.mark.parametrize(
    ("options", "there"),
    [
        (["data"], [f"./data{path}" for path in ALL]),
        (["data/"], [f"./data{path}" for path in ALL]),
        (["data:in"], [f"./in{path}" for path in ALL]),
        (["data/.:in"], [f"./in{path}" for path in ALL]),
        (["data:in/"], ["./in", *(f"./in/data{path}" for path in ALL)]),
        (["data:."], [f"./data{path}" for path in ALL]),
        (["data/."], [f".{path}" for path in ALL[1:]]),
        (["file:in/", "data/sub:in/sub"], ["./in", "./in/file", "./in/sub", "./in/sub/empty", "./in/sub/link"]),
    ],
)
def test_folder_stands_where_cp_would_put_it(
    sandbox: Sandbox, backend: str, data: Path, options: list[str], there: list[str]
) -> None:
    if options[-1].endswith("sub:in/sub"):
        (data / "sub" / "link").unlink()  # it leads out of `sub`
        (data / "sub" / "link").symlink_to("empty")
    words = [word for option in options for word in ("-f", option)]
    done = sandbox("exec", "-b", backend, *words, "--", "sh", "-c", LIST, cwd=data.parent)
    assert done.stdout.decode().split() == sorted(there), done.stderr


def test_what_is_in_the_folder_is_the_jobs_and_works(sandbox: Sandbox, backend: str, data: Path) -> None:
    script = "cat data/sub/link && data/tool && echo 2 >>data/a && rm data/sub/link && rmdir data/sub/empty"
    script += " && stat -c %a data data/a"
    done = sandbox("exec", "-b", backend, "-f", str(data), "--", "sh", "-c", script)
    assert done.stdout.split() == [b"1", b"tool", b"755", b"644"], done.stderr
    assert (data / "a").read_text() == "1\n"


def test_unchanged_inputs_are_no_artifacts(sandbox: Sandbox, backend: str, data: Path) -> None:
    script = "echo 2 >>data/a; ln -s new data/new"
    result = sandbox.json("exec", "-b", backend, "-f", str(data), "--", "sh", "-c", script)
    assert [each["path"] for each in result["artifacts"]] == ["data/a"]
    assert [each["path"] for each in result["artifacts_omitted"]] == ["data/new"]


def test_code_finds_what_is_beside_it(sandbox: Sandbox, backend: str, shared_tmp: Path) -> None:
    (shared_tmp / "main.py").write_text("import helper\nprint(helper.X)\n")
    (shared_tmp / "helper.py").write_text("X = 1\n")
    done = sandbox("run", "-b", backend, "-f", ".", "main.py", cwd=shared_tmp)
    assert done.stdout == b"1\n", done.stderr


@pytest.mark.parametrize(
    ("limit", "clause"), [("scratch_files=3", "limits.scratch_files"), ("scratch_size=4KiB", "limits.scratch_size")]
)
def test_more_than_scratch_holds_is_refused_before_anything_starts(
    sandbox: Sandbox, backend: str, data: Path, limit: str, clause: str
) -> None:
    result = sandbox.json("exec", "-b", backend, "--limit", limit, "-f", str(data), "--", "true")
    assert (result["status"], result["blame"]["clause"], result["receipt"]) == ("refused", clause, None)


def test_rendered_jail_has_the_same_in_scratch(sandbox: Sandbox, backend: str, data: Path) -> None:
    script = sandbox("render", "-b", backend, "-f", str(data), "--", "sh", "-c", f"{LIST}; data/tool").stdout
    done = sandbox.account.run(["sh", "-s"], stdin=script)
    assert done.stdout.decode().split() == [*(f"./data{path}" for path in ALL), "tool"], done.stderr


def test_scratch_is_kept_and_said_where(sandbox: Sandbox, backend: str, data: Path, shared_tmp: Path) -> None:
    script = "echo made >made; chmod 2755 made; ln -s /etc/shadow link; mkfifo fifo; echo out"
    done = sandbox(
        "exec", "-b", backend, "--keep", "-f", str(data), "--", "sh", "-c", script, env={"TMPDIR": str(shared_tmp)}
    )
    found = re.fullmatch(
        rb"sandbox: kept in (\S+/sandbox-kept-[0-9a-f]{16})\n"
        rb"sandbox: fifo: not kept: neither a file nor a folder nor a link\n",
        done.stderr,
    )
    assert found is not None, done.stderr
    assert (done.returncode, done.stdout) == (0, b"out\n")
    there = Path(os.fsdecode(found[1]))
    assert there.parent == shared_tmp
    assert {path.name for path in there.iterdir()} == {"made", "link", "data"}
    assert (there / "made").stat().st_mode & 0o7777 == 0o755
    assert {path.lstat().st_uid for path in there.rglob("*")} == {sandbox.account.uid}


def test_scratch_of_a_job_that_a_limit_ended_is_kept(sandbox: Sandbox, backend: str, shared_tmp: Path) -> None:
    words = ["--keep", "--timeout", "500ms", "--", "sh", "-c", "echo x >x; sleep 60"]
    done = sandbox("exec", "-b", backend, *words, env={"TMPDIR": str(shared_tmp)})
    assert done.returncode == 124
    (there,) = shared_tmp.iterdir()
    assert f"sandbox: kept in {there}\n".encode() in done.stderr
    assert (there / "x").read_text() == "x\n"


def test_nothing_is_kept_of_a_job_that_never_ran(sandbox: Sandbox, backend: str, shared_tmp: Path) -> None:
    for words in (["no-such-program"], ["--memory", "1TiB", "true"], ["/usr/bin"]):
        done = sandbox("exec", "-b", backend, "--keep", *words, env={"TMPDIR": str(shared_tmp)})
        assert b"kept in" not in done.stderr
    assert list(shared_tmp.iterdir()) == []
