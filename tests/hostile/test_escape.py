"""Every program of escape/ on every backend, as root and as an ordinary user, under the shipped policies: it is held.

Beside it a control, in which the same program gets out, so that one that does nothing is no proof.
"""

from __future__ import annotations

import os
import socket
import string
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host.jailers import find_jailer
from tests.accounts import PATH
from tests.conftest import need
from tests.hostile import escape_page
from tests.hostile.escape_head import read
from tests.hostile.escape_page import PAGE, SOURCES
from tests.hostile.targets import TOKENS
from tests.hostile.weakened import WEAKENED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.accounts import Account
    from tests.contract.conftest import Drivers
    from tests.hostile.escape_head import EscapeHead
    from tests.hostile.targets import Targets

LEAST = 60  # programs
# What a control opens, and udev lets everybody open where it runs.
DEVICES = {"fuse_mount.py": "/dev/fuse", "tun_interface.py": "/dev/net/tun"}
RUNS = {".c": ["./attack"], ".py": ["/usr/bin/python3", "-B", "main.py"], ".sh": ["/bin/sh", "main.sh"]}
READ = TOKENS - {"victim"}  # a victim has one, and can also come to harm
LANGUAGES = {".py": "python", ".sh": "sh"}


@contextmanager
def open_to_all(device: str | None) -> Iterator[None]:
    """As udev leaves it, which root can do too."""
    if device is None or (os.access(device, os.R_OK | os.W_OK) and os.geteuid()):
        yield
        return
    if os.geteuid():
        pytest.skip(f"only root may open {device} here")
    mode = os.stat(device).st_mode & 0o7777
    os.chmod(device, mode | 0o666)
    try:
        yield
    finally:
        os.chmod(device, mode)


@dataclass
class Said:
    """What came of a program."""

    status: str
    stdout: str
    stderr: str
    cause: str | None = None

    @property
    def word(self) -> str:
        """`held`, `escaped` - also where it says `held` of something else later - or what else it ended with."""
        lines = self.stdout.splitlines() or [""]
        last = next((line for line in lines if line.startswith("escaped: ")), lines[-1])
        word, colon, reason = last.partition(": ")
        return word if colon and reason.strip() and word in {"held", "escaped"} and self.status == "ok" else self.status


class Jails:
    """Runs programs in jails; a plan is made once for all that differ in nothing but the program."""

    def __init__(self, drivers: Drivers, folder: Path) -> None:
        self._drivers = drivers
        self._folder = folder
        self._plans: dict[tuple[str, ...], dict[str, Any]] = {}

    def plan(self, account: str, backend: str, policy: str, suffix: str, workspace: str) -> dict[str, Any]:
        key = (account, backend, policy, suffix, workspace)
        if key not in self._plans:
            job: dict[str, Any] = {"policy": policy, "backend": backend}
            job |= {"command": RUNS[".c"]} if suffix == ".c" else {"language": LANGUAGES[suffix], "code": b"x"}
            job |= {"workspace": workspace} if workspace else {}
            plan = self._drivers.of(account).plan(job)
            assert "refused" not in plan, plan
            self._plans[key] = plan
        return self._plans[key]

    def policy(self, name: str, line: str) -> str:
        """The file of a policy that has one more line."""
        file = self._folder / f"{abs(hash((name, line)))}.yaml"
        file.write_text(f"extends: {name}\n{line}\n")
        return str(file)

    def run(
        self, account: str, plan: dict[str, Any], content: bytes | str, environment: dict[str, str], **stage: Any
    ) -> dict[str, Any]:
        name = plan["file"] or "attack"
        work = {
            "file": name.encode(),
            "inputs": [(name.encode(), content, 0o755)],
            "environment": [f"{key}={value}".encode() for key, value in environment.items()],
        }
        outcome: dict[str, Any] = self._drivers.of(account).ask({"plan": plan, "work": work, **stage})
        assert "refused" not in outcome, outcome
        return outcome


@dataclass
class Escape:
    """One program of the corpus."""

    source: Path
    head: EscapeHead
    content: bytes | str
    jails: Jails
    targets: Targets

    def jailed(self, account: str, backend: str, *, more: str = "", weak: str = "") -> Said:
        """`more` is a line of the policy, `weak` the name of a weakening."""
        head, suffix = self.head, self.source.suffix
        environment = self.targets.of(head.needs)
        lines = [string.Template(line).safe_substitute(environment) for line in (more or head.grant,) if line]
        policy = self.jails.policy(head.policy, lines[0]) if lines else head.policy
        workspace = str(self.targets.workspace) if "workspace" in self.head.needs else ""
        plan = self.jails.plan(account, backend, policy, suffix, workspace)
        if weak:
            plan = WEAKENED[weak].weaken(plan)
        stage: dict[str, Any] = {"unsealed": bool(weak)}
        stage |= {"leak": "/"} if "leak" in head.needs else {}
        stage |= {"environ": self.targets.hidden} if "environ" in head.needs else {}
        outcome = self.jails.run(account, plan, self.content, environment, **stage)
        stdout, stderr = (outcome[name].decode(errors="replace") for name in ("stdout", "stderr"))
        return Said(outcome["status"], stdout, stderr, outcome["cause"])

    def bare(self, account: Account) -> Said:
        """Outside of any jail, in a directory of its own."""
        with tempfile.TemporaryDirectory(dir=self.targets.folder) as folder:
            words = RUNS[self.source.suffix]
            file = Path(folder, Path(words[-1]).name)
            file.write_bytes(self.content if isinstance(self.content, bytes) else Path(self.content).read_bytes())
            file.chmod(0o755)
            Path(folder).chmod(0o1777)
            needs = self.head.needs
            environment = self.targets.of(needs) | (self.targets.hidden if "environ" in needs else {})
            with leak("leak" in needs) as fds:
                done = account.run(words, cwd=folder, env=environment, pass_fds=fds)
        status = "ok" if done.returncode == 0 else f"status {done.returncode}"
        return Said(status, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


@contextmanager
def leak(wanted: bool) -> Iterator[list[int]]:
    """What a careless caller leaves open: the root directory, and a socket."""
    if not wanted:
        yield []
        return
    ours, theirs = socket.socketpair()
    root = os.open("/", os.O_RDONLY)
    with ours, theirs:
        try:
            yield [root, theirs.fileno()]
        finally:
            os.close(root)


@pytest.fixture(scope="session")
def jails(drivers: Drivers, session_directory: Path) -> Jails:
    folder = Path(tempfile.mkdtemp(prefix="policies-", dir=session_directory))
    folder.chmod(0o755)
    return Jails(drivers, folder)


@pytest.fixture
def escape(
    request: pytest.FixtureRequest, program: Callable[[Path], bytes | str], jails: Jails, targets: Targets
) -> Iterator[Escape]:
    escape = Escape(request.param, read(request.param), program(request.param), jails, targets)
    yield escape
    targets.tidy()


@pytest.fixture(scope="session")
def binaries(launcher: Path) -> list[Path]:
    """The launcher and the jailers."""
    found = (find_jailer(backend, path=PATH) for backend in BACKENDS.values())
    return [launcher, *(Path(jailer.program) for jailer in found if jailer is not None)]


@pytest.fixture
def unchanged_binaries(binaries: list[Path]) -> Iterator[None]:
    def looks() -> list[tuple[int, int, int]]:
        return [(each.st_ino, each.st_size, each.st_mtime_ns) for each in (path.stat() for path in binaries)]

    before = looks()
    yield
    assert looks() == before


unchanged = pytest.mark.usefixtures("unchanged_binaries")
each_escape = pytest.mark.parametrize("escape", SOURCES, ids=lambda path: path.name, indirect=True)


@unchanged
@each_escape
def test_program_is_held(escape: Escape, backend: str, account: str) -> None:
    with escape.targets.living_victim(escape.head.needs) as victim:
        said = escape.jailed(account, backend)
        assert said.word == escape.head.must({backend, account}), said
        assert victim is None or victim.poll() is None, "it ended the victim"
    assert escape.targets.dropped == [] or said.word == "escaped"
    if said.word != "escaped":
        assert not [name for name, token in escape.targets.tokens.items() if token in said.stdout + said.stderr]


@unchanged
@each_escape
def test_program_gets_out_in_its_control(escape: Escape, request: pytest.FixtureRequest) -> None:
    head, control, targets = escape.head, escape.head.control, escape.targets
    with targets.living_victim(head.needs), open_to_all(DEVICES.get(escape.source.name)):
        if control.kind == "bare":
            said = escape.bare(request.getfixturevalue(f"as_{control.value}"))
        elif control.kind == "weak":
            weakening = WEAKENED[control.value]
            need(weakening.backend)
            request.getfixturevalue(f"as_{weakening.account}")
            said = escape.jailed(weakening.account, weakening.backend, weak=control.value)
        else:
            need("bwrap")
            said = escape.jailed("user", "bwrap", more=control.value)
    assert said.word == "escaped", said
    evidence = said.stdout.splitlines()[-1]
    tokens = [targets.tokens[name] for name in head.needs & READ]
    assert not tokens or any(token in evidence for token in tokens), said
    assert targets.dropped or "drop" not in head.needs, said


@pytest.mark.parametrize("name", sorted(WEAKENED))
def test_weakened_plan_is_what_the_seal_keeps_from_starting(
    name: str, jails: Jails, request: pytest.FixtureRequest
) -> None:
    weakening = WEAKENED[name]
    need(weakening.backend)
    request.getfixturevalue(f"as_{weakening.account}")
    plan = jails.plan(weakening.account, weakening.backend, "command", ".c", "")
    outcome = jails.run(weakening.account, weakening.weaken(plan), b"#!/bin/true\n", {})
    assert outcome["status"] == "sandbox-error", outcome["cause"]
    assert jails.run(weakening.account, plan, b"#!/bin/true\n", {})["status"] == "ok"


def test_every_weakening_is_the_control_of_a_program() -> None:
    controls = [read(source).control for source in SOURCES]
    assert {control.value for control in controls if control.kind == "weak"} == set(WEAKENED)


@pytest.mark.parametrize("backend", ["firejail"], indirect=True)
def test_job_that_kills_the_launcher_at_once_is_not_taken_for_one_that_never_started(
    backend: str, jails: Jails, program: Callable[[Path], bytes | str], targets: Targets
) -> None:
    content = program(next(source for source in SOURCES if source.name == "signal_by_owner.c"))
    plan = jails.plan("user", backend, "command", ".c", "")
    with targets.living_victim({"victim"}):
        environment = targets.of({"victim"})
        assert {jails.run("user", plan, content, environment)["status"] for _ in range(12)} == {"signalled"}


def test_corpus_is_as_large_as_it_is_said_to_be() -> None:
    assert len(SOURCES) >= LEAST


def test_page_is_that_of_the_heads() -> None:
    assert PAGE.read_text() == escape_page.page(), "run: python -m tests.hostile.escape_page"


@pytest.mark.parametrize(
    ("status", "stdout", "word"),
    [
        ("ok", "held: EPERM\n", "held"),
        ("ok", "escaped: it\n", "escaped"),
        ("ok", "escaped: it\nheld: EPERM\n", "escaped"),
        ("ok", "held: EPERM\nand more\n", "ok"),
        ("ok", "held: \n", "ok"),
        ("ok", "", "ok"),
        ("nonzero-exit", "held: EPERM\n", "nonzero-exit"),
        ("wall-time-limit", "held: EPERM\n", "wall-time-limit"),
    ],
)
def test_only_a_last_line_of_a_program_that_ended_well_counts(status: str, stdout: str, word: str) -> None:
    assert Said(status, stdout, "").word == word
