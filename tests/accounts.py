"""The accounts that run the command in the tests, each with a clean environment and only what it can reach."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import venv
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.ready import serves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.ready import Ready

ROOT = Path(__file__).resolve().parent.parent
AS_ROOT = os.getuid() == 0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TESTER = "sandbox-tester"


@dataclass(frozen=True)
class Account:
    """Someone who runs commands, with a clean environment and nothing of it under a folder closed to them."""

    name: str  # root | user
    uid: int
    gid: int
    login: str
    home: str
    python: str  # an interpreter that imports the project
    environment: Mapping[str, str] = field(repr=False)

    def popen(
        self, argv: Sequence[str | bytes], *, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start `argv`; `env` adds to the clean environment, the rest is Popen's."""
        options = {"cwd": "/", "env": {**self.environment, **(env or {})}, **options}
        if self.uid != os.getuid():
            options |= {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.login, self.gid)}
        return subprocess.Popen(argv, **options)

    def run(
        self, argv: Sequence[str | bytes], *, stdin: bytes = b"", timeout: float = 60, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `argv` to its end: its status, and its streams as bytes."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with self.popen(argv, **{**pipes, **options}) as process:
            try:
                stdout, stderr = process.communicate(stdin, timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


@dataclass(frozen=True)
class Sandbox:
    """The real command, as one account: `sandbox("run", "-l", "python", "-c", "print(1)")`."""

    account: Account
    ready: Ready | None = None  # what forks it, where that is the same and costs less

    @property
    def command(self) -> list[str]:
        return [self.account.python, "-m", "sandbox_cli"]

    def __call__(self, *arguments: str | bytes, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end; `cwd`, `stdin`, `env` and `timeout` as for Account.run."""
        if self.ready is not None and serves(options, options.get("env")):
            return self.ready.run(arguments, **options)
        return self.account.run([*self.command, *arguments], **options)

    def popen(self, *arguments: str | bytes, **options: Any) -> subprocess.Popen[bytes]:
        """Start it; the process is the supervisor itself."""
        return self.account.popen([*self.command, *arguments], **options)

    def json(self, name: str, *arguments: str | bytes, **options: Any) -> dict[str, Any]:
        """The one object that `sandbox NAME --json ARGUMENTS...` prints on stdout."""
        done = self(name, "--json", *arguments, **options)
        assert done.stdout, done.stderr.decode(errors="replace")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone among the workers that lock this folder."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def tester() -> pwd.struct_passwd:
    """The suite's own ordinary account, made once and kept (firejail asks for a home of its own)."""
    with locked(Path("/home")):
        try:
            return pwd.getpwnam(TESTER)
        except KeyError:
            home = ["--create-home", "--home-dir", f"/home/{TESTER}"]
            subprocess.run(["useradd", *home, "--shell", "/bin/sh", TESTER], check=True)
            return pwd.getpwnam(TESTER)


def root_account(directory: Path) -> Account:
    """Root, with `firejail_user` configured; what it needs goes below `directory`."""
    config = directory / "config-root"
    with locked(directory):
        (config / "sandbox").mkdir(parents=True, exist_ok=True)
        (config / "sandbox" / "config.yaml").write_text(f"firejail_user: {tester().pw_name}\n")
    entry = pwd.getpwuid(0)
    return _account("root", entry, sys.executable, config, {"PYTHONPATH": str(ROOT)})


def user_account(directory: Path) -> Account:
    """An ordinary user: the caller, or `sandbox-tester` where the caller is root.

    With our own interpreter and tree, or, where a closed folder hides them, with a copy below `directory`.
    """
    entry = tester() if AS_ROOT else pwd.getpwuid(os.getuid())
    config = directory / "config-user"
    config.mkdir(exist_ok=True)
    ours = _account("user", entry, sys.executable, config, {"PYTHONPATH": str(ROOT)})
    if _imports_project(ours):
        return ours
    with locked(directory):
        if not (directory / "venv").exists():
            _copy_project(directory / "venv")
    theirs = _account("user", entry, str(directory / "venv" / "bin" / "python"), config, {})
    if not _imports_project(theirs):
        pytest.fail(f"{entry.pw_name} can't use the Python in {sys.base_prefix}: `make clean test PYTHON=...`")
    return theirs


def _account(name: str, entry: pwd.struct_passwd, python: str, config: Path, more: Mapping[str, str]) -> Account:
    """`entry` with what a login sets, and without the configuration of whoever runs the suite."""
    login = {"USER": entry.pw_name, "LOGNAME": entry.pw_name, "HOME": entry.pw_dir, "PATH": PATH, "LANG": "C.UTF-8"}
    # None of the host's own toolchains: one may hold tens of thousands of files, and firejail shows none in /root.
    environment = {**login, "XDG_CONFIG_HOME": str(config), "RUSTUP_HOME": str(config / "rustup"), **more}
    return Account(name, entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir, python, environment)


def _imports_project(account: Account) -> bool:
    try:
        return account.run([account.python, "-c", "import sandbox_cli.errors, typer"]).returncode == 0
    except PermissionError:
        return False


def _copy_project(target: Path) -> None:
    """A virtual environment like ours for every account: the project, and what its lock file names."""
    venv.create(target, with_pip=False, symlinks=True)
    packages = next(target.glob("lib/python*")) / "site-packages"
    shutil.copytree(ROOT / "sandbox_cli", packages / "sandbox_cli", ignore=shutil.ignore_patterns("__pycache__"))
    # Those of the development lock are for the tests themselves, but for what the extra `mcp` brings.
    locked_names = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    locked_names += _required("mcp")
    for distribution in importlib.metadata.distributions():
        if re.sub(r"[-_.]+", "-", distribution.name.lower()) not in locked_names:
            continue
        for file in distribution.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                _copy_for_everybody(Path(str(file.locate())), packages / file)


def _copy_for_everybody(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _required(name: str) -> set[str]:
    """The package and all that it needs here, as far as it is installed."""
    found: set[str] = set()
    wanted = [name]
    while wanted:
        package = canonicalize_name(wanted.pop())
        if package in found or not (here := list(importlib.metadata.distributions(name=package))):
            continue
        found.add(package)
        needs = [Requirement(line) for line in here[0].requires or ()]
        wanted += [each.name for each in needs if each.marker is None or each.marker.evaluate({"extra": "crypto"})]
    return found
