"""Fixtures that every test may use: the jailers, the accounts, and the real command run as either account.

The suite runs as root or as an ordinary user. As root each case of `account` runs twice, the second
time as an ordinary account that the suite makes once and keeps. As an ordinary user the cases of root
are skipped. A missing jailer is a skip at a desk and a failure where CI=true.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.run import fds
from tests.accounts import AS_ROOT, PATH, ROOT, TESTER, Account, Sandbox, locked, root_account, user_account
from tests.leftovers import Leftovers
from tests.ready import Ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CI = os.environ.get("CI") == "true"
# Below nohup, and in the background of a script, these are ignored, and so they would be by every command.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
WHEELS = {name: backend.WHEEL["package"] for name, backend in BACKENDS.items() if backend.WHEEL}
# Begun last, one of these would keep a worker busy for a minute when the others have nothing left to do.
LONGEST = ("tests/weakening/", "tests/contract/test_supervisor_killed.py", "tests/cli/test_docs.py")
SESSION = "SANDBOX_TESTS_DIRECTORY"  # how workers learn the directory of this run


def is_installed(program: str) -> bool:
    """Whether `program` is on the accounts' PATH or, for a jailer, in its wheel."""
    wheel = WHEELS.get(program)
    return bool(shutil.which(program, path=PATH) or (wheel and importlib.util.find_spec(wheel)))


@functools.cache
def obstacle(program: str) -> str | None:
    """Why the tests can't use `program` here; None: they can."""
    if not is_installed(program):
        return f"{program} is not installed; `make test` as root installs it"
    if program == "firejail" and not firejail_isolates():
        return "inside a container firejail starts programs without a jail"
    return None


def firejail_isolates() -> bool:
    shown = subprocess.run(
        ["firejail", "--quiet", "--noprofile", "readlink", "/proc/self/ns/mnt"],
        env={"PATH": PATH, "HOME": "/"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return shown.stdout.strip() != os.readlink("/proc/self/ns/mnt")


def need(program: str) -> None:
    """Skip the test where `program` is missing or of no use; in CI, fail it."""
    reason = obstacle(program)
    if reason:
        (pytest.fail if CI else pytest.skip)(reason)


@pytest.fixture(autouse=True)
def nothing_stays_listed() -> Iterator[None]:
    """A fork closes what the list of our runs has, first of all: whatever else has that number by then."""
    before = set(fds._open)
    yield
    assert set(fds._open) <= before


@pytest.fixture
def needs() -> Callable[[str], None]:
    """`needs("node")`: skip without it, fail in CI."""
    return need


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn; `parametrize("backend", ["bwrap"], indirect=True)` picks."""
    need(request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def launcher() -> Path:
    """The launcher, built from the source that stands; and the probe of `verify`, which is built with it."""
    folder, probe = ROOT / "sandbox_cli" / "launcher", ROOT / "sandbox_cli" / "verify" / "probe"
    built, sources = (
        (folder / "launcher", probe),
        [*folder.glob("*.[ch]"), folder / "build.py", probe.with_suffix(".c")],
    )
    newest_ns = max(source.stat().st_mtime_ns for source in sources)
    with locked(folder):
        if any(not binary.exists() or binary.stat().st_mtime_ns < newest_ns for binary in built):
            subprocess.run([sys.executable, folder / "build.py"], check=True)
    return built[0]


@pytest.fixture(params=("root", "user"))
def account(request: pytest.FixtureRequest) -> str:
    """Both kinds of account in turn; `parametrize("account", ["user"], indirect=True)` picks."""
    if request.param == "root" and not AS_ROOT:
        pytest.skip("only root can run the cases of root")
    return str(request.param)


@pytest.fixture(scope="session")
def as_root(session_directory: Path) -> Account:
    """Root: `as_root.run([...])`."""
    if not AS_ROOT:
        pytest.skip("only root can run the cases of root")
    return root_account(session_directory)


@pytest.fixture(scope="session")
def as_user(session_directory: Path) -> Account:
    """An ordinary user: `as_user.run([...])`."""
    return user_account(session_directory)


@pytest.fixture(scope="session")
def root_ready(as_root: Account, session_directory: Path) -> Iterator[Ready]:
    """What forks the command for root."""
    with closing(Ready(as_root, forking(session_directory))) as ready:
        yield ready


@pytest.fixture(scope="session")
def user_ready(as_user: Account, session_directory: Path) -> Iterator[Ready]:
    """What forks the command for the ordinary user."""
    with closing(Ready(as_user, forking(session_directory))) as ready:
        yield ready


def forking(directory: Path) -> Path:
    """The script of Ready, where every account can read it."""
    script = directory / "forking.py"
    with locked(directory):
        script.write_bytes((ROOT / "tests" / "forking.py").read_bytes())
    return script


@pytest.fixture
def sandbox(account: str, launcher: Path, request: pytest.FixtureRequest) -> Sandbox:
    """The real command, run as `account`: `sandbox("run", "-l", "python", "-c", "print(1)").stdout`."""
    return Sandbox(request.getfixturevalue(f"as_{account}"), request.getfixturevalue(f"{account}_ready"))


@pytest.fixture
def shared_tmp(request: pytest.FixtureRequest, session_directory: Path) -> Iterator[Path]:
    """A directory that every account can reach, owned by the test's `account` where it has one."""
    path = Path(tempfile.mkdtemp(dir=session_directory))
    path.chmod(0o755)
    if "account" in request.fixturenames:
        owner: Account = request.getfixturevalue(f"as_{request.getfixturevalue('account')}")
        os.chown(path, owner.uid, owner.gid)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def session_directory() -> Path:
    """This run's own directory, which every account can reach (pytest's own is 0700)."""
    return Path(os.environ[SESSION])


def pytest_configure(config: pytest.Config) -> None:
    os.umask(0o022)
    if hasattr(config, "workerinput"):
        return
    # Root believes a configuration only where nobody else can write, up to /.
    directory = tempfile.mkdtemp(prefix="sandbox-tests-", dir="/var/lib" if AS_ROOT else Path.home())
    os.chmod(directory, 0o755)
    os.environ[SESSION] = directory
    config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SESSION)))
    config.pluginmanager.register(Leftovers(), "leftovers")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_report_header() -> list[str]:
    found = ", ".join(name if is_installed(name) else f"{name} MISSING" for name in BACKENDS)
    accounts = f"root, and {TESTER} as the ordinary user" if AS_ROOT else "an ordinary user (the cases of root skip)"
    return [f"jailers: {found}", f"accounts: {accounts}"]
