"""What the caller hands a job - variables by `-e` and by the policy, files by `-f` - and where the caller stands: it
takes effect in the jail and nowhere before it. Neither launcher, jailer nor supervisor obeys any of it."""

from __future__ import annotations

import ast
import os
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host.jailers import find_jailer
from tests.accounts import PATH
from tests.contract.conftest import PYTHON
from tests.hostile.caller.tools import LIBRARIES, SCRIPTS

if TYPE_CHECKING:
    from tests.accounts import Account, Sandbox
    from tests.contract.conftest import Driver
    from tests.hostile.caller.tools import Tools


@pytest.fixture
def policy(tools: Tools, shared_tmp: Path) -> Path:
    path = shared_tmp / "policy.yaml"
    mounts = "".join(f"  {each}: ro\n" for each in sorted(tools.folder.iterdir()) if each != tools.drop)
    path.write_text(f"extends: command\nfilesystem:\n{mounts}")
    return path


ALL = {*LIBRARIES, *SCRIPTS, "PYTHONPATH", "IFS", "FUNCTION"}


def test_control_each_variable_is_obeyed_outside_of_a_jail(tools: Tools, as_user: Account) -> None:
    as_user.run(["/bin/bash", "-c", tools.script], env=tools.variables)
    assert tools.obeyed() == ALL


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)  # firejail is set-uid: its loader obeys nothing
def test_control_the_jailer_itself_would_obey(backend: str, tools: Tools, as_user: Account) -> None:
    jailer = find_jailer(BACKENDS[backend], path=PATH)
    assert jailer is not None
    as_user.run(
        [jailer.program, "--help"],
        env={"LD_PRELOAD": tools.variables["LD_PRELOAD"], "LD_AUDIT": tools.variables["LD_AUDIT"]},
    )
    assert tools.obeyed() == {"LD_PRELOAD", "LD_AUDIT"}


@pytest.mark.parametrize("by", ["option", "policy"])
def test_variables_take_effect_in_the_jail_and_nowhere_before_it(
    by: str, backend: str, account: str, driver: Driver, tools: Tools, policy: Path
) -> None:
    if by == "policy":
        said = "".join(
            f"  '{name}': '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in tools.variables.items()
        )
        policy.write_text(policy.read_text() + f"environment:\n{said}")
    given = [f"{name}={value}".encode() for name, value in tools.variables.items()] if by == "option" else []
    job = {"command": ["/bin/bash", "-c", tools.script], "backend": backend, "policy": str(policy)}
    outcome = driver.run(job, {"environment": given})
    assert "refused" not in outcome, outcome
    lines = [line.split() for line in outcome["stdout"].decode().splitlines() if line.startswith("obeyed ")]
    assert {line[1] for line in lines} == ALL, outcome["stderr"].decode()[-2000:]
    assert {line[2] for line in lines} == {"filtered=2"}
    assert tools.obeyed() == set()


def test_no_process_but_the_jobs_has_its_variables(
    backend: str, account: str, driver: Driver, tools: Tools, policy: Path
) -> None:
    token = f"sandbox-token-{uuid.uuid4().hex}"
    given = [f"{name}={value}:{token}".encode() for name, value in tools.variables.items() if name != "PATH"]
    job = {"command": [*PYTHON, "import time; time.sleep(0.8)"], "backend": backend, "policy": str(policy)}
    thread = threading.Thread(target=driver.run, args=(job, {"environment": given}))
    thread.start()
    seen: dict[str, set[str]] = {}
    while thread.is_alive():
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if token.encode() in (folder / "environ").read_bytes():
                    status = (folder / "status").read_text()
                    seen.setdefault(folder.name, set()).add(status.partition("Seccomp:\t")[2][:1])
            except OSError:
                continue  # it ended meanwhile
        time.sleep(0.01)
    thread.join()
    hidden = backend == "firejail" and os.getuid() != 0  # whose processes the kernel shows to root alone
    assert seen or hidden, "the job itself has them"
    assert all(modes == {"2"} for modes in seen.values()), seen


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_nothing_of_the_callers_own_environment_reaches_jailer_or_job(
    backend: str, sandbox: Sandbox, tools: Tools
) -> None:
    own = {
        name: value for name, value in tools.variables.items() if name not in {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH"}
    }
    done = sandbox(
        "exec", "-b", backend, "--", "/usr/bin/env", env={**own, "SECRET": "sandbox-token", "PYTHONINSPECT": ""}
    )
    assert done.returncode == 0, done.stderr
    found = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)
    assert not found.keys() & own.keys()
    assert b"sandbox-token" not in done.stdout
    assert b"obeyed" not in done.stdout
    # The control: the supervisor is a program of the caller's, who may have any library in it, and nobody else has.
    lines = (tools.drop / "LD_PRELOAD").read_text().splitlines()
    assert lines
    assert all("/python" in line for line in lines), lines


ODD = [
    "A\nLD_PRELOAD=/x",
    "A B=1",
    "BASH_FUNC_x%%=() { :; }; id",
    "a=b=c",
    "\udcff=\udcfe",
    "\x1b[2J=\x1b[2J",
    "LONG=" + "x" * 100_000,
    "E=",
]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_odd_names_and_values_arrive_as_they_are_and_make_no_other(backend: str, account: str, driver: Driver) -> None:
    pairs = [word.encode(errors="surrogateescape") for word in ODD]
    code = "import os; print(repr(sorted(os.environb.items())))"
    job = {"command": [*PYTHON, code], "backend": backend}
    before = ast.literal_eval(driver.run(job)["stdout"].decode())
    after = ast.literal_eval(driver.run(job, {"environment": pairs})["stdout"].decode())
    assert dict(after).keys() - dict(before).keys() == {pair.split(b"=", 1)[0] for pair in pairs}
    assert {tuple(pair.split(b"=", 1)) for pair in pairs} <= set(after)


STARTUP = (
    ".bashrc", ".bash_profile", ".profile", ".inputrc", ".env", "sitecustomize.py", "usercustomize.py", "ld.so.preload",
    "bwrap", "init", "core", ".config/firejail/firejail.config", ".config/firejail/globals.local", ".pam_environment",
    ".config/sandbox/config.yaml", ".config/sandbox/policies/command.yaml",
)  # fmt: skip


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_files_of_the_callers_are_obeyed_by_nobody(
    backend: str, sandbox: Sandbox, tools: Tools, shared_tmp: Path
) -> None:
    script = (tools.folder / "env.sh").read_text()
    words = []
    for number, name in enumerate(STARTUP):
        file = shared_tmp / str(number)
        file.write_text(script)
        file.chmod(0o755)
        words += ["-f", f"{file}:{name}"]
    done = sandbox("exec", "-b", backend, *words, "--", "/bin/true")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert tools.obeyed() == set()
    home = shared_tmp / "home"
    home.mkdir()
    (home / ".bashrc").write_text(script)
    sandbox.account.run(["/bin/bash", "-ic", "true"], env={"HOME": str(home)})
    assert tools.obeyed() == {"ENV"}
