"""Real interpreters where version managers put them, in real jails: the right one runs, and shows nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import interpreters
from tests.interpreters import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.accounts import Sandbox

POLICY = "extends: python\nlanguage: {runtime: {command: %s, paths: [%s]}}\n"
SEES = (
    "import os, sys; print(sys.prefix, os.path.exists(sys.argv[1]), *sorted(os.listdir(os.path.dirname(sys.prefix))))"
)


@pytest.fixture(scope="module")
def installed(session_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of installations, one of them secret; their commands have a name that nothing else here has."""
    top = session_directory / f"installed-{tmp_path_factory.getbasetemp().name}"
    file = interpreters.python(top / "versions" / VERSION)
    (file.parent / "managed-python").symlink_to(file.name)
    (top / "versions" / "secret").mkdir()
    yield top
    shutil.rmtree(top)


@pytest.fixture
def policy(shared_tmp: Path) -> Callable[..., str]:
    def write(command: str, paths: str = "") -> str:
        (shared_tmp / "policy.yaml").write_text(POLICY % (command, paths))
        return str(shared_tmp / "policy.yaml")

    return write


@pytest.mark.parametrize("found_by", ["pyenv", "asdf", "paths"])
def test_interpreter_of_a_manager_runs_code_and_shows_its_own_prefix_alone(
    sandbox: Sandbox, backend: str, installed: Path, policy: Callable[..., str], shared_tmp: Path, found_by: str
) -> None:
    prefix = installed / "versions" / VERSION
    environment = {"pyenv": {"PYENV_ROOT": str(installed)}, "asdf": {"ASDF_DATA_DIR": str(installed)}}.get(found_by, {})
    if found_by == "asdf":
        (installed / "installs").mkdir(exist_ok=True)
        if not (installed / "installs" / "python").is_symlink():
            (installed / "installs" / "python").symlink_to("../versions")
    said = policy("managed-python", f"{installed}/versions/*/bin" if found_by == "paths" else "")
    if found_by == "paths":  # where the caller put it: of any other policy only root's folders are looked in
        environment = {"XDG_CONFIG_HOME": f"{shared_tmp}/config"}
        placed = shared_tmp / "config" / "sandbox" / "policies" / "policy.yaml"
        placed.parent.mkdir(parents=True)
        shutil.copy(said, placed)
        said = str(placed)
        configured = Path(sandbox.account.environment["XDG_CONFIG_HOME"], "sandbox", "config.yaml")
        if configured.exists():  # root's says as whom firejail's jobs run
            shutil.copy(configured, placed.parents[1])
    done = sandbox.json(
        "run", "-b", backend, "-p", said, "-c", SEES, str(installed / "versions/secret"), env=environment
    )
    assert done["stdout"] == f"{prefix} False {VERSION}\n", done
    assert done["runtime"] == {"path": str(prefix / "bin" / interpreters.NAME), "version": VERSION}


def test_node_of_nvm_runs_code(
    sandbox: Sandbox, backend: str, policy: Callable[..., str], shared_tmp: Path, needs: Callable[[str], None]
) -> None:
    needs("node")
    version = shared_tmp / "versions" / "node" / "v20.11.1"
    (version / "bin").mkdir(parents=True)
    shutil.copy("/usr/bin/node", version / "bin" / "managed-node")
    (shared_tmp / "node.yaml").write_text("extends: node\nlanguage: {runtime: {command: managed-node}}\n")
    done = sandbox(
        "run", "-b", backend, "-p", str(shared_tmp / "node.yaml"), "-l", "node@>=18", "-c",
        "console.log(process.execPath, 6 * 7)", env={"NVM_DIR": str(shared_tmp)},
    )  # fmt: skip
    assert done.stdout.decode() == f"{version}/bin/managed-node 42\n", done.stderr


@pytest.mark.parametrize("account", ["root"], indirect=True)
@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_interpreter_behind_a_closed_folder_is_bound_for_a_job_of_root(
    sandbox: Sandbox, backend: str, shared_tmp: Path, policy: Callable[..., str]
) -> None:
    closed = shared_tmp / "closed"
    file = interpreters.python(closed / "versions" / VERSION)
    (file.parent / "managed-python").symlink_to(file.name)
    (closed / "secret").mkdir()
    closed.chmod(0o700)
    done = sandbox(
        "run", "-b", backend, "-p", policy("managed-python"), "-c", SEES, str(closed / "secret"),
        env={"PYENV_ROOT": str(closed)},
    )  # fmt: skip
    assert done.stdout.decode() == f"{closed}/versions/{VERSION} False {VERSION}\n", done.stderr


def test_version_that_is_asked_for_is_the_one_that_runs(sandbox: Sandbox) -> None:
    major, minor, _ = VERSION.split(".")
    spec = f"python@>={major}.{minor},<{major}.{int(minor) + 1}"
    done = sandbox("run", "-l", spec, "-c", "import sys; print(sys.version_info[:2])", env=interpreters.environment())
    assert done.stdout.decode() == f"({major}, {minor})\n", done.stderr


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("python@2.1", "language.runtime: there is no python3 2.1 that a job can run; there "),
        ("python@^3", "'^3' is no version of python"),
        ("python@", "-l 'python@' is no NAME@VERSION"),
    ],
)
def test_version_that_can_not_be_had_is_refused_in_a_sentence_with_a_hint(
    sandbox: Sandbox, language: str, told: str
) -> None:
    done = sandbox("run", "-l", language, "-c", "pass")
    first, second = done.stderr.decode().splitlines()
    assert (done.returncode, first.startswith(f"sandbox: {told}"), second.startswith("hint: ")) == (125, True, True), (
        first
    )


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
def test_policy_named_by_a_path_has_no_program_started_that_anybody_put_there(
    sandbox: Sandbox, backend: str, shared_tmp: Path
) -> None:
    """It is asked for its version outside of any jail: one that came with a clone would run as the caller."""
    script = """
    mkdir -p bin config/sandbox/policies && chmod -R go-w . && cp /bin/dash bin/placed-sh
    printf 'extends: sh\nlanguage: {runtime: {command: placed-sh, paths: [%s/bin]}}\n' "$PWD" >clone.yaml
    printf 'extends: sh\nlanguage: {runtime: {command: %s/bin/placed-sh}}\n' "$PWD" >whole.yaml
    cp clone.yaml whole.yaml config/sandbox/policies/
    """
    assert sandbox.account.run(["sh", "-ec", script], cwd=shared_tmp).returncode == 0
    words = ("run", "-b", backend, "-c", "echo ran")
    config = {"XDG_CONFIG_HOME": f"{shared_tmp}/config"}
    for name, why in (("clone", "there is no placed-sh"), ("whole", "isn't asked for its version")):
        refused = sandbox(*words[:1], "-p", f"./{name}.yaml", *words[1:], cwd=shared_tmp)
        assert (refused.returncode, why in refused.stderr.decode()) == (125, True)
        placed = sandbox(*words[:1], "-p", name, *words[1:], cwd=shared_tmp, env=config)
        assert placed.stdout == b"ran\n", placed.stderr
