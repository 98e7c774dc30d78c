"""A ceiling over real jobs: what it binds, whom a death is blamed on, and that nobody gets out from under it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.accounts import Sandbox

# The command of a machine whose /etc/sandbox is another folder: other tests run beside this one.
ELSEWHERE = (
    "import sys, pathlib; from sandbox_cli.policy import places; places.SYSTEM = pathlib.Path(sys.argv.pop(1));"
    " sys.argv[0] = 'sandbox'; from sandbox_cli.__main__ import main; main()"
)
HOG = ("-l", "python", "-c", "b = bytearray(200 << 20); print(len(b))")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is the system's")


@pytest.fixture
def system(session_directory: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The system's folder, which is root's where root runs the suite, whoever runs the command."""
    folder = session_directory / f"etc-{request.node.name.replace('/', '-')[:80]}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def bounded(sandbox: Sandbox, system: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return sandbox.account.run([sandbox.account.python, "-c", ELSEWHERE, str(system), *words], **options)


def result(sandbox: Sandbox, system: Path, *words: str, **options: Any) -> dict[str, Any]:
    done = bounded(sandbox, system, words[0], "--json", *words[1:], **options)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_job_that_dies_of_the_ceiling_blames_its_line(sandbox: Sandbox, system: Path) -> None:
    (system / "ceiling.yaml").write_text("network: none\nlimits:\n  memory: 50MiB\n")
    found = result(sandbox, system, "run", "--memory", "400MiB", *HOG)
    assert found["status"] == "memory-limit"
    blame = {"clause": "limits.memory", "source": "ceiling", "file": str(system / "ceiling.yaml"), "line": 3}
    assert found["blame"] == blame
    assert found["policy"]["ceiling"].startswith("sha256:")
    row = next(row for row in found["receipt"]["clauses"] if row["clause"] == "limits.memory")
    assert (row["asked"], row["effective"]) == ("400MiB", "50MiB")
    assert f"the ceiling allows no more ({system}/ceiling.yaml:3)" in row["note"]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_a_refusal_names_the_policy_and_the_ceiling_by_their_digests(sandbox: Sandbox, system: Path) -> None:
    (system / "ceiling.yaml").write_text("limits: {memory: 50MiB}\nbest_effort: false\n")
    ran = result(sandbox, system, "run", "-l", "sh", "-c", "true")
    refused = result(sandbox, system, "run", "-l", "sh", "--best-effort", "-c", "true")
    assert (ran["status"], refused["status"]) == ("ok", "refused")
    assert refused["policy"] == ran["policy"]
    assert refused["language"] == "sh"


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_who_asks_for_more_is_told(sandbox: Sandbox, system: Path) -> None:
    (system / "ceiling.yaml").write_text("limits: {memory: 50MiB}")
    done = bounded(sandbox, system, "exec", "--memory", "400MiB", "--", "true")
    assert done.returncode == 0
    said = f"sandbox: limits.memory is 50MiB in place of 400MiB: the ceiling allows no more ({system}/ceiling.yaml:1)"
    assert done.stderr.decode().startswith(said)
    assert bounded(sandbox, system, "exec", "--", "true").stderr == b""
    dead = bounded(sandbox, system, "run", *HOG)
    assert dead.returncode == 137
    assert (
        f"hint: the ceiling allows no more: limits.memory is bounded in {system}/ceiling.yaml:1" in dead.stderr.decode()
    )


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["run", "-p", "lab", "-c", "pass"], 125),
        (["exec", "-p", "lab", "--", "true"], 125),
        (["render", "-p", "lab", "-c", "pass"], 125),
        (["verify", "-p", "lab"], 125),
        (["exec", "-t", "-p", "lab", "--", "true"], 125),
    ],
)
def test_every_way_to_a_job_is_bounded(sandbox: Sandbox, system: Path, command: Sequence[str], code: int) -> None:
    (system / "policies").mkdir()
    (system / "policies" / "lab.yaml").write_text("extends: python\nnetwork: host\n")
    (system / "ceiling.yaml").write_text("network: none\n")
    done = bounded(sandbox, system, *command)
    assert done.returncode == code
    lines = (f"policies/lab.yaml:2), and the ceiling allows none ({system}/ceiling.yaml:1)", "policy lab says host")
    assert all(line in done.stderr.decode() for line in lines), done.stderr


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_doctor_tells_what_holds_under_the_ceiling(sandbox: Sandbox, system: Path) -> None:
    (system / "ceiling.yaml").write_text("limits: {memory: 50MiB}\nbest_effort: false\n")
    found = json.loads(bounded(sandbox, system, "doctor", "--json").stdout)
    rows = next(each["clauses"] for each in found["backends"] if each["name"] == "bwrap")
    assert {row["clause"]: row["effective"] for row in rows}["limits.memory"] == "50MiB"
    refused = bounded(sandbox, system, "exec", "--best-effort", "--", "true")
    assert refused.returncode == 125
    assert b"best_effort: the ceiling allows no --best-effort" in refused.stderr


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_what_the_ceiling_lets_a_job_see_is_what_it_sees(sandbox: Sandbox, system: Path, shared_tmp: Path) -> None:
    for name in ("open", "closed"):
        (shared_tmp / name).mkdir()
        (shared_tmp / name / "file").write_text(name)
    (system / "ceiling.yaml").write_text(
        "filesystem: {/usr: ro, /etc/alternatives: ro, /etc/ld.so.cache: ro, /tmp: tmpfs, "
        f"{shared_tmp}/open: ro}}\nworkspace: ro\n"
    )
    policy = shared_tmp / "lab.yaml"
    for name, code in (("open", 0), ("closed", 125)):
        policy.write_text(f"extends: command\nfilesystem: {{{shared_tmp}/{name}: ro}}\n")
        done = bounded(sandbox, system, "exec", "-p", str(policy), "--", "cat", f"{shared_tmp}/{name}/file")
        assert (done.returncode, done.stdout) == (code, name.encode() if code == 0 else b"")
    assert bounded(sandbox, system, "exec", "-C", f"{shared_tmp}/open:ro", "--", "cat", "file").stdout == b"open"
    assert bounded(sandbox, system, "exec", "-C", f"{shared_tmp}/open", "--", "true").returncode == 125


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_nothing_in_the_environment_leads_out_from_under_it(sandbox: Sandbox, system: Path, shared_tmp: Path) -> None:
    (system / "ceiling.yaml").write_text("limits: {memory: 50MiB}\n")
    mine = shared_tmp / "sandbox" / "ceiling.yaml"
    mine.parent.mkdir()
    mine.write_text("limits: {memory: 8GiB}\n")
    for directory in (shared_tmp, mine.parent):
        shutil.chown(directory, sandbox.account.uid, sandbox.account.gid)
    hostile = {"XDG_CONFIG_HOME": str(shared_tmp), "XDG_CONFIG_DIRS": str(shared_tmp), "HOME": str(shared_tmp)}
    environments = ({**hostile, "SANDBOX_CEILING": str(mine)}, {"XDG_CONFIG_HOME": "", "SANDBOX_CEILING_OFF": "1"})
    for environment in environments:
        found = result(sandbox, system, "exec", "--", "true", env=environment, cwd=mine.parent)
        row = next(row for row in found["receipt"]["clauses"] if row["clause"] == "limits.memory")
        assert row["effective"] == "50MiB", environment
    for value in ("", "/nonexistent/ceiling.yaml"):
        found = result(sandbox, system, "exec", "--", "true", env={"SANDBOX_CEILING": value}, cwd=mine.parent)
        assert found["status"] == "refused"
        assert "SANDBOX_CEILING" in found["error"]["message"]


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize(
    ("what", "mode", "says"),
    [
        ("ceiling.yaml", 0o600, "the file can't be read: Permission denied"),
        (".", 0o700, "it can't be told whether it is there: Permission denied"),
        ("ceiling.yaml", 0o666, "others than root can change it, so it is not used"),
        (".", 0o777, "can change {system}, so it is not used"),
    ],
)
def test_one_that_is_there_and_cannot_be_trusted_is_never_passed_over(
    sandbox: Sandbox, system: Path, what: str, mode: int, says: str
) -> None:
    (system / "ceiling.yaml").write_text("network: none\n")
    (system / what).chmod(mode)
    done = bounded(sandbox, system, "exec", "--", "true")
    assert done.returncode == 125
    assert says.format(system=system) in done.stderr.decode()


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_the_file_below_etc_binds_an_ordinary_user(sandbox: Sandbox, system: Path) -> None:
    """In a mount namespace of its own, where /etc is a copy."""
    subprocess.run(["cp", "-a", "/etc/.", str(system)], check=True)
    (system / "sandbox").mkdir(exist_ok=True)
    (system / "sandbox" / "ceiling.yaml").write_text("network: none\nlimits: {wall_time: 7s}\n")
    enter = (
        f"mount --bind {system} /etc && exec setpriv --reuid {sandbox.account.uid} --regid {sandbox.account.gid}"
        f" --clear-groups {' '.join(sandbox.command)} exec --json -- true"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", enter], capture_output=True, check=False, cwd="/",
        env=dict(sandbox.account.environment), timeout=60,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["status"] == "ok", found["error"]
    row = next(row for row in found["receipt"]["clauses"] if row["clause"] == "limits.wall_time")
    assert (row["effective"], row["note"]) == ("7s", "the ceiling allows no more (/etc/sandbox/ceiling.yaml:2)")
