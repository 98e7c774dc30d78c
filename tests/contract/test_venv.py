"""`--venv`: real virtual environments with compiled code, in real jails."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests import interpreters
from tests.interpreters import NAME, VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Account, Sandbox

IMPORTS = """
import errno, os, subprocess, sys
from markupsafe import _speedups, escape
print(sys.prefix, sys.executable, os.environ["VIRTUAL_ENV"], escape("<"))
print(subprocess.check_output(["python", "-c", "import markupsafe, sys; print(sys.prefix)"]).decode(), end="")
try:
    open(sys.prefix + "/new", "w")
except OSError as error:
    print(errno.errorcode[error.errno])
"""


@pytest.fixture
def someone(account: str, request: pytest.FixtureRequest) -> Account:
    found: Account = request.getfixturevalue(f"as_{account}")
    return found


def run(sandbox: Sandbox, backend: str, venv: Path | str, code: str, *words: str, **env: str) -> tuple[int, str, str]:
    environment = interpreters.environment(**env)
    done = sandbox("run", "-b", backend, "-l", "python", "--venv", str(venv), "-c", code, *words, env=environment)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("option", ["--symlinks", "--copies", "--system-site-packages"])
def test_packages_are_imported_and_can_not_be_changed(
    sandbox: Sandbox, backend: str, someone: Account, shared_tmp: Path, option: str
) -> None:
    venv = interpreters.venv(someone, shared_tmp / "venv", option)
    code, out, err = run(sandbox, backend, venv, IMPORTS)
    assert (code, out) == (0, f"{venv} {venv}/bin/python {venv} &lt;\n{venv}\nEROFS\n"), err
    assert not (venv / "new").exists()


def test_script_of_a_package_is_a_command(sandbox: Sandbox, backend: str, someone: Account, shared_tmp: Path) -> None:
    venv = interpreters.venv(someone, shared_tmp / "venv")
    words = ["exec", "-b", backend, "--venv", str(venv), "--", "escape", "<"]
    done = sandbox(*words, env=interpreters.environment())
    assert (done.returncode, done.stdout) == (0, b"&lt;\n"), done.stderr


def test_one_made_by_uv_leads_through_its_link_to_an_interpreter_of_its_own(
    sandbox: Sandbox, backend: str, someone: Account, shared_tmp: Path
) -> None:
    """bin/python of such a one leads through cpython-3.12-..., a link to cpython-3.12.4-..., and so does `home`."""
    full, short = (f"cpython-{number}-linux-x86_64-gnu" for number in (VERSION, NAME.removeprefix("python")))
    interpreters.python(shared_tmp / "python" / full)
    (shared_tmp / "python" / short).symlink_to(full)
    home = shared_tmp / "python" / short / "bin"
    venv = interpreters.venv(someone, shared_tmp / "venv", python=home / NAME)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(home / NAME)
    (venv / "pyvenv.cfg").write_text(
        f"home = {home}\nimplementation = CPython\nuv = 0.8.0\nversion_info = {VERSION}\n"
        "include-system-site-packages = false\n"
    )
    code, out, err = run(
        sandbox, backend, venv, IMPORTS + "print(sys.base_prefix)\n", UV_PYTHON_INSTALL_DIR=str(shared_tmp / "python")
    )
    base = f"{shared_tmp}/python/"
    assert (code, out) in [
        (0, f"{venv} {venv}/bin/python {venv} &lt;\n{venv}\nEROFS\n{base}{folder}\n") for folder in (short, full)
    ], err


def test_nothing_but_the_directory_is_seen_through_it(
    sandbox: Sandbox, backend: str, someone: Account, shared_tmp: Path
) -> None:
    project = shared_tmp / "project"
    project.mkdir()
    os.chown(project, someone.uid, someone.gid)
    venv = interpreters.venv(someone, project / ".venv")
    (project / "secret.py").write_text("x = 1\n")
    (venv / "lib" / NAME / "site-packages" / "secret.py").symlink_to(project / "secret.py")
    (venv / "lib" / NAME / "site-packages" / "editable.pth").write_text(f"{project}\n")
    code, out, err = run(sandbox, backend, venv, f"import os; print(os.listdir({str(project)!r})); import secret")
    assert (code, out) == (1, "['.venv']\n"), err
    assert "No module named 'secret'" in err


def test_one_in_the_directory_of_a_project_stays_as_it_is(
    sandbox: Sandbox, backend: str, as_user: Account, shared_tmp: Path
) -> None:
    """The job may write the rest: a link that it put in its place would be another environment to the next job.

    Root's job runs as the owner of the project, to whom it may be open alone.
    """
    os.chown(shared_tmp, as_user.uid, as_user.gid)
    venv = interpreters.venv(as_user, shared_tmp / ".venv")
    shared_tmp.chmod(0o700)
    words = ["-b", backend, "-C", str(shared_tmp), "--venv", str(venv), "--", "sh", "-c"]
    tries = (
        "escape '<'; touch made; for try in 'touch .venv/x' 'mv .venv y' 'rm -r .venv/bin'; do $try && echo done; done"
    )
    done = sandbox("exec", *words, tries, env=interpreters.environment())
    assert done.stdout == b"&lt;\n", done.stderr
    assert sorted(os.listdir(shared_tmp)) == [".venv", "made"]
    assert (venv / "bin" / "python").exists()


def test_interpreter_that_only_the_environment_names_is_neither_run_nor_shown(
    sandbox: Sandbox, someone: Account, shared_tmp: Path
) -> None:
    """It may have come with a clone: what it names is whatever its author wrote."""
    venv = interpreters.venv(someone, shared_tmp / "venv")
    hidden = shared_tmp / "hidden" / "bin"
    hidden.mkdir(parents=True)
    shutil.copy("/usr/bin/touch", hidden / NAME)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(hidden / NAME)
    code, out, err = run(sandbox, "bwrap", venv, "pass")
    first, second = err.splitlines()
    assert (code, out) == (125, "")
    assert first.endswith(f"rests on '{hidden / NAME}', which is no runtime that was found here")
    assert second == "hint: add its folder to PATH, or to `language.runtime.paths` of the policy"


def test_program_in_the_place_of_an_interpreter_runs_in_the_jail_alone(
    sandbox: Sandbox, someone: Account, shared_tmp: Path
) -> None:
    venv = interpreters.venv(someone, shared_tmp / "venv", "--copies")
    mark = shared_tmp / "mark"
    for name in ("python", "python3", NAME):
        (venv / "bin" / name).write_text(f"#!/bin/sh\ntouch {mark}; echo $HOME\n")
    code, out, err = run(sandbox, "bwrap", venv, "pass")
    assert (code, out) == (0, "/sandbox\n"), err
    assert not mark.exists()


@pytest.mark.parametrize("account", ["root"], indirect=True)
@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_one_behind_a_closed_folder_is_bound_for_a_job_of_root(
    sandbox: Sandbox, backend: str, someone: Account, shared_tmp: Path
) -> None:
    home = shared_tmp / "home"
    home.mkdir(mode=0o700)
    venv = interpreters.venv(someone, home / "venv")
    code, out, err = run(sandbox, backend, venv, IMPORTS)
    assert (code, out) == (0, f"{venv} {venv}/bin/python {venv} &lt;\n{venv}\nEROFS\n"), err


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_packages_that_are_closed_to_the_jobs_account_are_named(
    sandbox: Sandbox, someone: Account, shared_tmp: Path
) -> None:
    venv = interpreters.venv(someone, shared_tmp / "venv")
    packages = venv / "lib" / NAME / "site-packages"
    packages.chmod(0o700)
    code, _, err = run(sandbox, "bwrap", venv, "pass")
    assert code == 125
    assert f"{packages} is closed to the job's account\nhint: open it for reading: chmod -R o+rX DIR\n" in err


def test_it_stands_in_the_receipt_as_a_read_only_mount_of_the_option(
    sandbox: Sandbox, someone: Account, shared_tmp: Path
) -> None:
    venv = interpreters.venv(someone, shared_tmp / "venv")
    words = ["-l", "python", "--venv", str(venv), "-c", "pass"]
    result = sandbox.json("run", *words, env=interpreters.environment())
    (row,) = [row for row in result["receipt"]["clauses"] if row["clause"] == "filesystem"]
    assert f"{venv} ro" in row["effective"].split(", ")
    assert result["runtime"] == {"path": f"{venv}/bin/python", "version": VERSION}


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize(
    ("venv", "words", "told"),
    [
        ("none", ["-l", "python"], "there is no such directory"),
        ("plain", ["-l", "python"], "it is no virtual environment: it has no pyvenv.cfg"),
        ("/", ["-l", "python"], "it holds more than a virtual environment"),
        ("/tmp", ["-l", "python"], "it holds more than a virtual environment"),
        ("~", ["-l", "python"], "it holds more than a virtual environment"),
        ("a:b", ["-l", "python"], "no path with a colon, "),
        ("venv", ["-l", "python@<3"], f"has version {VERSION}, and -l asks for <3"),
        ("venv", ["-l", "sh"], "--venv is for Python, and policy sh is for sh"),
        ("empty", ["-l", "python"], "has no site-packages"),
        ("gone", ["-l", "python"], "its bin/python leads to '/no/python', and no interpreter is there"),
    ],
)
def test_what_can_not_serve_is_refused_in_a_sentence_with_a_hint(
    sandbox: Sandbox, someone: Account, shared_tmp: Path, venv: str, words: list[str], told: str
) -> None:
    interpreters.venv(someone, shared_tmp / "venv")
    shutil.copytree(shared_tmp / "venv", shared_tmp / "gone", symlinks=True)
    (shared_tmp / "gone" / "bin" / "python").unlink()
    (shared_tmp / "gone" / "bin" / "python").symlink_to("/no/python")
    for name in ("plain", "empty", "a:b"):
        (shared_tmp / name).mkdir()
    (shared_tmp / "empty" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    given = someone.home if venv == "~" else str(shared_tmp / venv)
    done = sandbox("run", *words, "--venv", given, "-c", "pass", env=interpreters.environment())
    first, second = done.stderr.decode().splitlines()
    assert (done.returncode, told in first, second[:6]) == (125, True, "hint: "), done.stderr
