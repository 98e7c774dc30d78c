"""What `enter` does for root: groups, mounts of its own, and another account."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.launcher.protocol import NOBODYS
from tests.launcher.test_surroundings import status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.launcher.protocol import Enter

AS_ROOT = os.getuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="only root can")
ACCOUNT = ["-u", str(NOBODYS), "-G", str(NOBODYS)]
GROUPS = ("/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory", "/sys/fs/cgroup")


def shell(enter: Enter, arguments: list[str], script: str) -> list[str]:
    made = enter(*arguments, "--", "/bin/sh", "-c", script)
    assert (made.returncode, made.stderr) == (0, b""), made
    return made.stdout.decode().split()


@only_root
def test_account_is_taken_for_good(enter: Enter) -> None:
    status = status_of(enter(*ACCOUNT, "--", "/bin/cat", "/proc/self/status").stdout)
    assert status["Uid"].split() == status["Gid"].split() == [str(NOBODYS)] * 4
    assert status["Groups"].split() == []
    assert {status[name] for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {"0" * 16}


@only_root
def test_account_dies_with_its_supervisor_all_the_same(enter: Enter) -> None:
    """A change of uid clears the parent-death signal, so it must come after."""
    script = "import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n), 0, 0, 0); print(n.value)"
    assert enter(*ACCOUNT, "--", "/usr/bin/python3", "-ISc", script).stdout == b"9\n"


@only_root
def test_scratch_is_bounded_and_the_account_s_own(enter: Enter, shared_tmp: Path) -> None:
    options = f"size=1m,nr_inodes=10,mode=0700,uid={NOBODYS},gid={NOBODYS}"
    script = f"""cd {shared_tmp}
        stat -c '%a %u %g' .
        head -c 2000000 /dev/zero 2>&1 >big | grep -c 'No space'
        stat -c %s big
        for i in 1 2 3 4 5 6 7 8 9 10 11; do touch $i 2>/dev/null || echo full; done | sort -u
        grep -c ' {shared_tmp} .*nosuid,nodev' /proc/self/mountinfo"""
    seen = shell(enter, [*ACCOUNT, "-s", str(shared_tmp), "-o", options], script)
    assert seen == ["700", str(NOBODYS), str(NOBODYS), "1", str(1 << 20), "full", "1"]
    assert list(shared_tmp.iterdir()) == []
    assert str(shared_tmp) not in Path("/proc/self/mountinfo").read_text()


@only_root
def test_mounts_do_not_spread_to_a_host_that_shares_its_own(launcher: str, shared_tmp: Path) -> None:
    host = ["unshare", "-m", "--propagation", "shared", "sh", "-c", '"$@" && cat /proc/self/mountinfo', "sh"]
    argv = [launcher, "enter", "-s", str(shared_tmp), "-o", "size=1m", "--", "/bin/cat", "/proc/self/mountinfo"]
    made = subprocess.run([*host, *argv], capture_output=True, check=True)
    assert made.stdout.count(bytes(shared_tmp)) == len(["inside"])


@only_root
def test_what_the_host_mounts_later_is_not_in_the_jail(launcher: str, shared_tmp: Path) -> None:
    """It would be there with the host's own flags, writable below a directory that is shown read-only."""
    script = """
        mount -t tmpfs host "$1"; cd "$1"; mkdir late scratch; mkfifo started mounted
        "$2" enter -s "$1/scratch" -o size=1m -- /bin/sh -c ': >started; : <mounted; cat /proc/self/mountinfo' &
        : <started; mount -t tmpfs late late; : >mounted; wait"""
    host = ["unshare", "-m", "--propagation", "shared", "sh", "-ec", script, "sh", str(shared_tmp), launcher]
    seen = subprocess.run(host, capture_output=True, check=True, timeout=20).stdout.decode()
    assert f" {shared_tmp}/scratch " in seen
    assert f" {shared_tmp}/late " not in seen


@only_root
def test_options_that_the_kernel_refuses_start_nothing(enter: Enter, shared_tmp: Path) -> None:
    made = enter("-s", str(shared_tmp), "-o", "size=x", "--", "/bin/true")
    assert (made.returncode, made.stderr.decode()) == (125, f"launcher: enter: scratch {shared_tmp}: errno 22\n")


@only_root
def test_directories_are_bound_with_what_is_mounted_below(enter: Enter, shared_tmp: Path) -> None:
    for name in ("closed", "closed/with:colon", "one", "two"):
        (shared_tmp / name).mkdir()
    (shared_tmp / "closed/with:colon/file").write_text("content")
    (shared_tmp / "closed").chmod(0o700)
    binds = ["-b", f"{shared_tmp}/closed/with:colon:{shared_tmp}/one", "-b", f"/:{shared_tmp}/two"]
    script = f"cat {shared_tmp}/one/file; echo; test -d {shared_tmp}/two/proc/self && echo below"
    assert shell(enter, [*ACCOUNT, *binds], script) == ["content", "below"]
    assert list((shared_tmp / "one").iterdir()) == []


@only_root
def test_directory_that_is_not_there_starts_nothing(enter: Enter, shared_tmp: Path) -> None:
    made = enter("-b", f"/no/source:{shared_tmp}", "--", "/bin/true")
    assert (made.returncode, made.stderr) == (125, b"launcher: enter: bind /no/source: errno 2\n")


@pytest.fixture
def groups() -> Iterator[list[Path]]:
    """A group of each hierarchy that can be written to."""
    made: list[Path] = []
    for hierarchy in GROUPS:
        group = Path(hierarchy, f"launcher-test-{os.getpid()}")
        if Path(hierarchy, "cgroup.procs").exists():
            with contextlib.suppress(OSError):
                group.mkdir()
                made.append(group)
    if not made:
        pytest.skip("no cgroup hierarchy can be written to here")
    yield made
    for group in made:
        group.rmdir()


@only_root
def test_jailer_and_its_children_are_in_every_group(enter: Enter, groups: list[Path]) -> None:
    options = [word for group in groups for word in ("-g", f"{group}/cgroup.procs")]
    seen = shell(enter, [*ACCOUNT, *options], "(cat /proc/self/cgroup)")
    joined = [line for line in seen if line.endswith(f"/{groups[0].name}")]
    assert len(joined) == len(groups)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (ACCOUNT, "account: errno 1"),
        (["-s", "/tmp", "-o", "size=1m"], "mount namespace: errno 1"),
        (["-b", "/usr:/tmp"], "mount namespace: errno 1"),
    ],
)
def test_ordinary_user_can_do_none_of_it(launcher: str, arguments: list[str], complaint: str) -> None:
    account: dict[str, Any] = {"user": NOBODYS, "group": NOBODYS, "extra_groups": []} if AS_ROOT else {}
    with open(launcher, "rb") as program:
        argv = [f"/proc/self/fd/{program.fileno()}", "enter", *arguments, "--", "/bin/true"]
        made = subprocess.run(argv, capture_output=True, check=False, pass_fds=[program.fileno()], **account)
    assert (made.returncode, made.stderr.decode()) == (125, f"launcher: enter: {complaint}\n")
