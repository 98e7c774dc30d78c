"""Real interpreters, laid out as version managers and virtual environments lay them out."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.accounts import Account

NAME = f"python{sys.version_info.major}.{sys.version_info.minor}"
VERSION = platform.python_version()
BASE = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
_LEFT_OUT = ("__pycache__", "test", "config-*", "dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data")


def python(prefix: Path) -> Path:
    """A Python of its own below `prefix`: a copy of the one that runs the tests, with its library."""
    (prefix / "bin").mkdir(parents=True)
    file = prefix / "bin" / NAME
    shutil.copy(BASE, file)
    file.chmod(0o755)
    shutil.copytree(sysconfig.get_path("stdlib"), prefix / "lib" / NAME, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for link in ("python3", "python"):
        (prefix / "bin" / link).symlink_to(NAME)
    return file


def venv(account: Account, folder: Path, *options: str, python: str | Path = BASE) -> Path:
    """One that `account` makes with `python -m venv`, with a package that holds compiled code, and a script of it."""
    done = account.run([str(python), "-m", "venv", "--without-pip", *options, str(folder)])
    assert done.returncode == 0, done.stderr
    fill(account, folder)
    return folder


def fill(account: Account, folder: Path) -> None:
    packages = folder / "lib" / NAME / "site-packages"
    find = "import markupsafe; print(markupsafe.__path__[0])"
    source = account.run([account.python, "-c", find]).stdout.decode().strip()
    shutil.copytree(source, packages / "markupsafe", ignore=shutil.ignore_patterns("__pycache__"))
    script = folder / "bin" / "escape"
    script.write_text(f"#!{folder}/bin/python\nimport sys, markupsafe\nprint(markupsafe.escape(sys.argv[1]))\n")
    script.chmod(0o755)
    subprocess.run(["chown", "-R", f"{account.uid}:{account.gid}", str(folder)], check=True)
    subprocess.run(["chmod", "-R", "u+rwX,go+rX", str(folder)], check=True)


def environment(**more: str) -> dict[str, str]:
    """With the interpreter of `venv` in PATH, wherever it comes from."""
    return {"PATH": f"{BASE.parent}:{os.environ['PATH']}", **more}
