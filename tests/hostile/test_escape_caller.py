"""What the caller hands a job - variables by `-e` and by the policy, files by `-f` - and where the caller stands: it
takes effect in the jail and nowhere before it. Neither launcher, jailer nor supervisor obeys any of it."""

from __future__ import annotations

import ast
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host.jailers import find_jailer
from tests.accounts import PATH
from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.accounts import Account, Sandbox
    from tests.contract.conftest import Driver

PAYLOAD = Path(__file__).with_name("caller") / "payload.c"
LIBRARIES = {  # tag: the file that it is loaded from, and how it is compiled
    "LD_PRELOAD": ("preload.so", []),
    "LD_AUDIT": ("audit.so", ["-DAUDIT"]),
    "LD_LIBRARY_PATH": ("libraries/libselinux.so.1", []),
    "GCONV_PATH": ("gconv/PAYLOAD.so", ["-DGCONV"]),
}
SCRIPTS = {"ENV": "env.sh", "BASH_ENV": "bash_env.sh", "PATH": "bin/obedient"}
# Each line makes one program do what its variable says; a Bourne shell before POSIX took IFS as it came.
VICTIMS = """
ls /nonexistent
iconv -f PAYLOAD -t UTF-8 /dev/null
echo | sh -i
obedient
seq 1
/usr/bin/python3 -c pass
(while IFS= read -rd "" pair; do [[ $pair == IFS=* ]] && taken=${pair#IFS=}; done </proc/$$/environ
IFS=$taken; line=@BIN@Xobedient; set -- $line; "$1/$2")
"""


def obeying(tag: str, drop: Path) -> str:
    """A line of shell that says so, with nothing but what the shell has itself."""
    say = f'echo "obeyed {tag} filtered=$mode by $0"'
    look = 'while read -r key mode; do [ "$key" = Seccomp: ] && break; done </proc/self/status'
    return f"{look}; {{ {say} >>{drop}/{tag}; }} 2>/dev/null || {say}"


class Tools(NamedTuple):
    """A folder that the host and the policy have at one path, and one that only the host has."""

    folder: Path
    drop: Path
    variables: dict[str, str]

    @property
    def script(self) -> str:
        return VICTIMS.replace("@BIN@", f"{self.folder}/ifs")

    def obeyed(self) -> set[str]:
        """On the host, since it was asked last."""
        found = set()
        for path in self.drop.iterdir():
            found.add(path.name)
            path.unlink()
        return found


@pytest.fixture(scope="module")
def made(session_directory: Path) -> Tools:
    folder = Path(session_directory, f"caller-{uuid.uuid4().hex}")
    drop = folder / "drop"
    for each in (folder, drop, *(folder / name for name in ("libraries", "gconv", "bin", "ifs", "python"))):
        each.mkdir()
    drop.chmod(0o777)
    for tag, (name, flags) in LIBRARIES.items():
        words = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wno-prio-ctor-dtor", *flags]
        defined = [f'-DTAG="{tag}"', f'-DDROP="{drop}"']
        subprocess.run([*words, *defined, "-o", folder / name, PAYLOAD], check=True)
    (folder / "gconv" / "gconv-modules").write_text(
        "module PAYLOAD// INTERNAL PAYLOAD 1\nmodule INTERNAL PAYLOAD// PAYLOAD 1\n"
    )
    for tag, name in {**SCRIPTS, "IFS": "ifs/obedient"}.items():
        (folder / name).write_text(f"#!/bin/sh -p\n{obeying(tag, drop)}\n")
        (folder / name).chmod(0o755)
    (folder / "python" / "sitecustomize.py").write_text(
        "import os\n"
        "seccomp = open('/proc/self/status').read().partition('Seccomp:\\t')[2][:1]\n"
        "line = f'obeyed PYTHONPATH filtered={seccomp} by python\\n'\n"
        f"try: open('{drop}/PYTHONPATH', 'a').write(line)\n"
        "except OSError: os.write(1, line.encode())\n"
    )
    variables = {tag: str(folder / name) for tag, (name, _) in LIBRARIES.items()}
    variables |= {tag: str(folder / name) for tag, name in SCRIPTS.items()}
    variables |= {
        "LD_LIBRARY_PATH": str(folder / "libraries"),
        "GCONV_PATH": str(folder / "gconv"),
        "PATH": f"{folder}/bin:/usr/bin:/bin",
        "PYTHONPATH": str(folder / "python"),
        "IFS": "X",
        "BASH_FUNC_seq%%": f"() {{ {obeying('FUNCTION', drop)}; }}",
        "GLIBC_TUNABLES": "glibc.malloc.mxfast=glibc.malloc.mxfast=" + "A" * 4096,
    }
    return Tools(folder, drop, variables)


@pytest.fixture
def tools(made: Tools) -> Iterator[Tools]:
    yield made
    made.obeyed()


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
    assert seen, "the job itself has them"
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


@pytest.fixture
def clone(tools: Tools, shared_tmp: Path) -> Path:
    """A hostile repository, into which somebody has gone to run what is in it."""
    top = shared_tmp / "clone"
    (top / "sandbox_cli").mkdir(parents=True)
    (top / "policies").mkdir()
    (top / ".config" / "sandbox" / "policies").mkdir(parents=True)
    (top / "sandbox" / "policies").mkdir(parents=True)
    hostile = f"open('{tools.drop}/IMPORTED', 'a').write(__name__)\n"
    modules = (
        "typer",
        "yaml",
        "jinja2",
        "signal",
        "sitecustomize",
        "usercustomize",
        "conftest",
        "psutil",
        "json",
        "backends",
    )
    for name in ("sandbox_cli/__init__", "sandbox_cli/__main__", *modules):
        (top / f"{name}.py").write_text(hostile)
    # Each would show the host's /etc, if anybody took it for the policy.
    policy = "extends: command\nfilesystem: {/etc: ro}\n"
    policy += "language: {name: python, extensions: [.py], file: x, run: [/bin/true]}\n"
    for folder in (".", "policies", ".config/sandbox/policies", "sandbox/policies"):
        for name in ("python", "command", "_base", ".sandbox", "sandbox"):
            (top / folder / f"{name}.yaml").write_text(policy)
    for folder in (".config/sandbox", "sandbox", "."):
        (top / folder / "config.yaml").write_text("backends: [none]\n")
    (top / ".env").write_text("SANDBOX_BACKEND=none\n")
    (top / "pyproject.toml").write_text("[tool.sandbox]\nbackend = 'none'\n")
    for name in ("bwrap", "nsjail", "firejail"):
        (top / name).write_text((tools.folder / "env.sh").read_text())
        (top / name).chmod(0o755)
    return top


def test_nothing_of_a_hostile_clone_is_imported_or_obeyed(sandbox: Sandbox, tools: Tools, clone: Path) -> None:
    installed = clone.parent / "sandbox"
    installed.write_text("import sys\nfrom sandbox_cli.__main__ import main\nsys.exit(main())\n")
    python = sandbox.account.python
    job = [
        "run",
        "-l",
        "python",
        "-c",
        "import os; print(os.path.exists('/etc/hostname'), os.path.exists('/etc/shadow'))",
    ]
    relative = {"PATH": f".::clone:{PATH}", "XDG_CONFIG_HOME": "sandbox", "HOME": "/nonexistent"}
    for start, env in (([str(installed)], {}), ([str(installed)], relative), (["-P", "-m", "sandbox_cli"], relative)):
        done = sandbox.account.run([python, *start, *job], cwd=clone, env=env)
        assert (done.returncode, done.stdout) == (0, b"False False\n"), done.stderr
        assert tools.obeyed() == set()
    # Controls: the interpreter told -m looks into the current directory first, and so does a shell that has it on PATH.
    sandbox.account.run([python, "-m", "sandbox_cli", *job], cwd=clone)
    assert tools.obeyed() == {"IMPORTED"}
    sandbox.account.run(["/bin/sh", "-c", "bwrap"], cwd=clone, env=relative)
    assert tools.obeyed() == {"ENV"}
    shown = sandbox.account.run([python, str(installed), "run", "-p", "./python.yaml", "-c", ""], cwd=clone)
    assert shown.returncode == 0, shown.stderr
