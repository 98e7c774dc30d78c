"""Where -o really writes."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.accounts import Sandbox


def test_an_output_directory_that_the_job_replaces_by_a_link_gets_nothing(sandbox: Sandbox, shared_tmp: Path) -> None:
    work, home = shared_tmp / "work", shared_tmp / "home"
    for folder in (work, home):
        folder.mkdir()
        folder.chmod(0o777)  # root's job has an account of its own
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{work}: rw}}\n")
    swap = f"rmdir {work}/out && ln -s {home} {work}/out && echo evil >.profile"
    done = sandbox("exec", "-p", "./policy.yaml", "-o", "work/out", "--", "sh", "-c", swap, cwd=shared_tmp)
    assert done.returncode == 125
    assert f".: not returned: can't be saved: {work}/out: Not a directory".encode() in done.stderr
    assert list(home.iterdir()) == []


def test_an_output_directory_may_lie_behind_a_link(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "real").mkdir()
    (shared_tmp / "real").chmod(0o777)
    (shared_tmp / "link").symlink_to("real")
    assert sandbox("exec", "-o", "link/out", "--", "sh", "-c", "echo x >x", cwd=shared_tmp).returncode == 0
    assert (shared_tmp / "real" / "out" / "x").read_text() == "x\n"


TAKEN = "can't be saved: a file or a folder of that name is there already"


def test_a_second_run_replaces_what_the_first_one_left_only_when_it_is_told_to(
    sandbox: Sandbox, shared_tmp: Path
) -> None:
    def run(number: int, *options: str) -> CompletedProcess[bytes]:
        script = f"mkdir plots; echo {number} >plots/a; echo {number} >b"
        return sandbox("exec", "-o", "out", *options, "--", "sh", "-c", script, cwd=shared_tmp)

    def there() -> dict[str, str]:
        return {name: (shared_tmp / "out" / name).read_text() for name in ("plots/a", "b")}

    assert run(1).returncode == 0
    second = run(2)
    assert second.returncode == 125
    assert second.stderr.decode().splitlines() == [
        f"sandbox: b: not returned: {TAKEN}",
        f"sandbox: plots/a: not returned: {TAKEN}",
        "hint: --force replaces files that are there, and uses folders that are; or name a new directory: -o DIR",
    ]
    assert there() == {"plots/a": "1\n", "b": "1\n"}
    third = run(3, "--force")
    assert (third.returncode, third.stderr) == (0, b"")
    assert there() == {"plots/a": "3\n", "b": "3\n"}


def test_json_says_where_files_were_saved_and_leaves_their_content_there(sandbox: Sandbox, shared_tmp: Path) -> None:
    script = "mkdir d; echo x >d/a.txt"
    found = sandbox.json("exec", "-o", "out", "--", "sh", "-c", script, cwd=shared_tmp)
    (artifact,) = found["artifacts"]
    assert artifact["saved_to"] == str(shared_tmp / "out" / "d" / "a.txt")
    assert artifact["content"] is None
    assert artifact["sha256"] == sha256((shared_tmp / "out" / "d" / "a.txt").read_bytes()).hexdigest()


def test_a_name_that_would_steer_a_terminal_is_told_written_out(sandbox: Sandbox, shared_tmp: Path) -> None:
    script = "ln -s x \"$(printf 'a\\033[31m\\nb\\377')\""
    done = sandbox("exec", "-o", "out", "--", "sh", "-c", script, cwd=shared_tmp)
    assert done.stderr == rb"sandbox: a\x1b[31m\nb\xff: not returned: symbolic link" + b"\n"
