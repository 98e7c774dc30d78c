"""-C on every backend, as root and as an ordinary user: a project of the ordinary account's is worked in, and its
repository outlives a job that would plant in it what runs later, outside of any jail."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accounts import Account, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.conftest import Driver

MAKEFILE = """\
build/hello: hello.c
	mkdir -p build
	gcc -O2 -o $@ hello.c
test: build/hello
	test "$$(build/hello)" = hello
	@echo passed in $$PWD
"""
GIT = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*"]
# Each line does what must not succeed, and says so where it does.
PLANT = r"""
planted() { echo "$1" >>"$HOME/planted"; }
{
mv .git moved && planted 'moved .git'
mv .git/hooks .git/moved && planted 'moved hooks'
mv .git/config .git/moved && planted 'moved config'
rm -rf .git/hooks && planted 'removed hooks'
rm -f .git/config && planted 'removed config'
rmdir .git/hooks && planted 'removed hooks'
ln -sfn /tmp .git/hooks && test -L .git/hooks && planted 'linked hooks'
mkdir h && mv -T h .git/hooks && planted 'replaced hooks'
echo x >c && mv -f c .git/config && planted 'replaced config'
echo 'echo x' >.git/hooks/pre-commit && planted 'wrote a hook'
cp /bin/true .git/hooks/post-checkout && planted 'copied a hook'
echo 'echo x' >>.git/hooks/pre-push.sample && planted 'changed a hook'
ln .git/hooks/pre-push.sample hard && planted 'linked a hook'
printf '[core]\nfsmonitor = touch /tmp/x\n' >>.git/config && planted 'wrote config'
git config core.hooksPath evil && planted 'set hooksPath'
chmod 777 .git/hooks .git/config && planted 'changed modes'
mount -o remount,rw .git/hooks && planted 'remounted'
umount .git/hooks && planted 'unmounted'
python3 -c '
import ctypes, os
libc = ctypes.CDLL(None)
for name in (b".git", b".git/hooks", b".git/config"):
    os.makedirs("other", exist_ok=True)
    if libc.renameat2(-100, name, -100, b"other", 2) == 0: os._exit(0)
os._exit(1)' && planted 'exchanged'
} >/dev/null 2>&1
rm -rf h c other hard
cat "$HOME/planted" 2>/dev/null
true
"""


@pytest.fixture
def project(as_user: Account, session_directory: Path) -> Iterator[Path]:
    """A repository with a Makefile that compiles, the ordinary account's, whoever runs the command."""
    folder = Path(session_directory, f"project-{os.urandom(4).hex()}")
    folder.mkdir()
    os.chown(folder, as_user.uid, as_user.gid)
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "hello.c").write_text('#include <stdio.h>\nint main(void) { puts("hello"); }\n')
    as_user.run(["git", "init", "-q", "."], cwd=folder)
    yield folder
    shutil.rmtree(folder)


def git(project: Path, *words: str) -> str:
    done = subprocess.run(["git", *GIT, *words], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout


def tree(folder: Path) -> dict[str, object]:
    """All that stands below, and what it says."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


def test_make_compiles_and_leaves_its_output_to_the_owner(
    sandbox: Sandbox, backend: str, project: Path, as_user: Account
) -> None:
    done = sandbox("exec", "-b", backend, "-C", ".", "--", "make", "test", cwd=project)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"passed in {project}".encode()), done.stderr
    made = (project / "build" / "hello").stat()
    assert (made.st_uid, made.st_gid) == (as_user.uid, as_user.gid)
    assert subprocess.run([project / "build" / "hello"], capture_output=True, check=True).stdout == b"hello\n"


def test_repository_can_be_committed_to_and_nothing_planted(sandbox: Sandbox, backend: str, project: Path) -> None:
    before = tree(project / ".git" / "hooks"), (project / ".git" / "config").read_bytes()
    words = " ".join(GIT)
    script = f"{PLANT}\ngit {words} add -A && git {words} commit -qm one && git {words} status --short"
    done = sandbox("exec", "-b", backend, "-C", str(project), "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert (tree(project / ".git" / "hooks"), (project / ".git" / "config").read_bytes()) == before
    assert not (project / ".git").is_symlink()
    assert git(project, "log", "--format=%s") == "one\n"
    assert git(project, "fsck") == ""


def test_what_git_would_obey_is_set_aside_and_told(sandbox: Sandbox, backend: str, project: Path) -> None:
    script = (
        "mkdir -p evil; cp -r .git/* evil/; printf '[core]\nfsmonitor = x\n' >evil/config; echo ../evil >.git/commondir"
    )
    done = sandbox("exec", "-b", backend, "-C", ".", "--", "sh", "-c", script, cwd=project)
    assert done.returncode == 0
    assert f"the job made {project}/.git/commondir, which git would obey".encode() in done.stderr
    assert not (project / ".git" / "commondir").exists()
    assert git(project, "rev-parse", "--git-common-dir") == ".git\n"


def test_directory_that_the_job_made_a_repository_by_itself_is_none_afterwards(
    sandbox: Sandbox, backend: str, project: Path
) -> None:
    """Where .git has lost its HEAD, git takes the folder around it for one, with a configuration of its own."""
    config = f"[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch {project}/pwned; false\n"
    script = "mv .git/HEAD .git/gone; mkdir objects refs; echo ref: refs/heads/x >HEAD; cat >config"
    done = sandbox("exec", "-b", backend, "-C", ".", "--", "sh", "-c", script, cwd=project, stdin=config.encode())
    assert done.returncode == 0
    assert f"the job made {project}/HEAD, which git would obey".encode() in done.stderr
    subprocess.run(["git", *GIT, "status"], cwd=project, capture_output=True, check=False)
    assert not (project / "pwned").exists()


def test_program_that_is_left_in_the_directory_is_not_set_uid(sandbox: Sandbox, backend: str, project: Path) -> None:
    done = sandbox("exec", "-b", backend, "-C", ".", "--", "sh", "-c", "cp /bin/id . && chmod 4755 id", cwd=project)
    assert (done.returncode, b"Operation not permitted" in done.stderr) == (1, True)
    assert not (project / "id").stat().st_mode & stat.S_ISUID


def test_planted_file_is_set_aside_when_a_limit_ends_the_job(sandbox: Sandbox, backend: str, project: Path) -> None:
    shutil.rmtree(project / ".git" / "hooks")
    script = "mkdir .git/hooks; echo x >.git/hooks/pre-commit; sleep 60"
    done = sandbox("exec", "-b", backend, "--timeout", "1s", "-C", ".", "--", "sh", "-c", script, cwd=project)
    assert done.returncode == 124
    assert not (project / ".git" / "hooks").exists()
    assert len(list((project / ".git").glob("hooks.untrusted-*/pre-commit"))) == 1


def test_read_only_directory_stays_as_it_is(sandbox: Sandbox, backend: str, project: Path) -> None:
    before = tree(project)
    script = "touch new; echo x >>Makefile; rm hello.c; mkdir d; chmod 777 Makefile; echo x >.git/hooks/x; pwd; ls"
    done = sandbox("exec", "-b", backend, "-C", f"{project}:ro", "--", "sh", "-c", script)
    assert done.stdout.split() == [str(project).encode(), b"Makefile", b"hello.c"]
    assert tree(project) == before


def test_home_is_scratch_and_is_what_comes_back(
    sandbox: Sandbox, backend: str, project: Path, shared_tmp: Path
) -> None:
    script = 'test "$HOME" != "$PWD" && echo made >"$HOME/made" && echo here >here'
    done = sandbox("exec", "-b", backend, "-C", str(project), "-o", str(shared_tmp / "out"), "--", "sh", "-c", script)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [path.name for path in (shared_tmp / "out").iterdir()] == ["made"]
    assert (project / "here").read_text() == "here\n"


def test_code_is_run_from_scratch(sandbox: Sandbox, backend: str, project: Path) -> None:
    code = "import os; print(os.getcwd(), os.path.exists('Makefile'), __file__ == os.environ['HOME'] + '/main.py')"
    done = sandbox("run", "-b", backend, "-C", str(project), "-l", "python", "-c", code)
    assert done.stdout.decode().split() == [str(project), "True", "True"]


def test_receipt_says_what_is_shown_and_how(sandbox: Sandbox, backend: str, project: Path) -> None:
    result = sandbox.json("exec", "-b", backend, "-C", f"{project}:ro", "--", "true")
    (clause,) = [row for row in result["receipt"]["clauses"] if row["clause"] == "workspace"]
    assert (clause["asked"], clause["effective"], clause["level"]) == ("rw", f"{project} ro", "strict")


def test_job_of_root_is_the_owner(sandbox: Sandbox, backend: str, project: Path, as_user: Account) -> None:
    done = sandbox("exec", "-b", backend, "-C", str(project), "--", "id", "-u")
    assert done.stdout.decode() == f"{as_user.uid}\n"


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_directory_of_root_is_refused(sandbox: Sandbox, backend: str, shared_tmp: Path) -> None:
    done = sandbox("exec", "-b", backend, "-C", str(shared_tmp), "--", "true")
    assert done.returncode == 125
    assert f"workspace: {shared_tmp} belongs to root, who never enters a jail".encode() in done.stderr


@pytest.mark.parametrize("account", ["root"], indirect=True)
@pytest.mark.parametrize("backend", ["firejail"], indirect=True)
def test_directory_of_another_account_is_a_gap_of_firejail_for_root(
    sandbox: Sandbox, backend: str, shared_tmp: Path
) -> None:
    os.chown(shared_tmp, 1234567, 1234567)
    result = sandbox.json("exec", "-b", backend, "-C", str(shared_tmp), "--", "true")
    assert [gap["clause"] for gap in result["error"]["gaps"]] == ["workspace"]
    assert sandbox("exec", "-C", str(shared_tmp), "--", "id", "-u").stdout == b"1234567\n"


def test_rendered_jail_works_in_the_directory(sandbox: Sandbox, backend: str, project: Path) -> None:
    script = sandbox("render", "-b", backend, "-C", str(project), "--", "make", "test").stdout
    done = sandbox.account.run(["sh", "-s"], stdin=script)
    assert done.stdout.splitlines()[-1] == f"passed in {project}".encode(), done.stderr


def test_directory_that_the_policy_keeps_out_is_refused(
    sandbox: Sandbox, backend: str, project: Path, shared_tmp: Path
) -> None:
    (shared_tmp / "none.yaml").write_text("extends: command\nworkspace: none\n")
    (shared_tmp / "ro.yaml").write_text("extends: command\nworkspace: ro\n")
    none = sandbox("exec", "-b", backend, "-p", str(shared_tmp / "none.yaml"), "-C", f"{project}:ro", "--", "true")
    assert (none.returncode, none.stdout) == (125, b"")
    assert (
        f"allows no directory of yours\nhint: say `workspace: ro` or `workspace: rw` in {shared_tmp}".encode()
        in none.stderr
    )
    ro = sandbox("exec", "-b", backend, "-p", str(shared_tmp / "ro.yaml"), "-C", str(project), "--", "true")
    assert ro.returncode == 125
    assert f"hint: write -C {project}:ro, or say `workspace: rw` in {shared_tmp}/ro.yaml:2".encode() in ro.stderr
    done = sandbox("exec", "-b", backend, "-p", str(shared_tmp / "ro.yaml"), "-C", f"{project}:ro", "--", "ls")
    assert done.returncode == 0


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_directory_that_was_exchanged_after_it_was_judged_is_not_worked_in(
    driver: Driver, backend: str, project: Path
) -> None:
    plan = driver.plan({"command": ["touch", "seen"], "backend": backend, "workspace": str(project)})
    away = project.with_name(project.name + "-away")
    project.rename(away)
    shutil.copytree(away, project)
    shutil.copystat(away, project)
    try:
        outcome = driver.run(plan=plan)
    finally:
        shutil.rmtree(project)
        away.rename(project)
    assert outcome["status"] == "sandbox-error"
    assert "is not the directory that was named" in outcome["error"]["message"]
    assert not (project / "seen").exists()


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_plan_that_guards_less_than_the_directory_needs_never_starts(
    driver: Driver, backend: str, project: Path
) -> None:
    plan = driver.plan({"command": ["touch", "seen"], "backend": backend, "workspace": str(project)})
    for mount in plan["seal"]["mounts"]:
        if mount["path"] == f"{project}/.git":
            mount["flags"][0] = "ro"
    outcome = driver.run(plan=plan)
    assert (outcome["status"], f"{project}/.git is mounted rw, not ro" in outcome["error"]["message"]) == (
        "sandbox-error",
        True,
    )
