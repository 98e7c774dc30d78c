"""What a jailer forces to be different, by the names of docs/backends.md. All else is alike, say the other tests."""

from __future__ import annotations

import re
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import BACKENDS
from tests.accounts import ROOT
from tests.contract import test_refused_mounts  # noqa: F401 (it has its part of the list)
from tests.contract.conftest import PYTHON
from tests.contract.differences import ASSERTED, SH, firejail, listed, receipt, said
from tests.contract.odd_programs import FILL_UNLINKED, SIGNAL_INIT, WRITE_HIDDEN

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

PAGE = ROOT / "docs" / "backends.md"


# ---- what the job sees ----


@listed("scratch-path")
def test_scratch_is_at_slash_sandbox_but_for_firejail(backend: str, driver: Driver) -> None:
    here, home = said(driver, backend, 'pwd; echo "$HOME"')
    assert here == home
    assert here.startswith("/tmp/sandbox-") if firejail(backend) else here == "/sandbox"


@listed("passwd")
def test_accounts_are_made_up_but_for_firejail(backend: str, driver: Driver) -> None:
    names = said(driver, backend, "id -un; cut -d: -f1 /etc/passwd")
    if firejail(backend):
        assert names[0] != "sandbox"
        assert names[0] in names[1:]
    else:
        assert names == ["sandbox", "root", "sandbox", "nobody"]


@listed("noexec-etc")
def test_nothing_below_etc_can_be_run_in_firejail_alone(backend: str, driver: Driver) -> None:
    mounts = said(driver, backend, "grep ' /etc/ld.so.cache ' /proc/self/mountinfo")
    assert mounts
    assert ("noexec" in mounts[-1].split(" ")[5].split(",")) is firejail(backend)


@listed("root-account")
def test_root_gives_each_job_an_account_of_its_own_but_for_firejail(backend: str, driver: Driver, account: str) -> None:
    uids = [int(said(driver, backend, "id -u")[0]) for _ in range(3)]
    assert 0 not in uids
    own = account == "root" and not firejail(backend)
    assert (min(uids) >= 1_900_000_000) is own


@listed("root-names", "closed-names")
def test_top_level_names_of_the_host_are_listed_by_firejail_alone(backend: str, driver: Driver) -> None:
    lines = said(driver, backend, "ls -d /root /srv 2>/dev/null; cat /root/x 2>&1; ls -A /home | wc -l")
    if firejail(backend):
        assert lines[:2] == ["/root", "/srv"]
        assert lines[2].endswith("Permission denied")
    else:
        assert lines[0].endswith("No such file or directory")
    assert lines[-1] == "0"


@listed("read-only-errno")
def test_writing_to_the_hosts_part_fails_with_another_error_in_firejail(backend: str, driver: Driver) -> None:
    for path in ("/x", "/dev/x", "/etc/x"):
        (line,) = said(driver, backend, f"touch {path} 2>&1")
        assert line.endswith("Permission denied" if firejail(backend) else "Read-only file system")


@listed("root-mode")
def test_folders_and_made_files_have_the_same_modes_but_for_the_root_of_nsjail(backend: str, driver: Driver) -> None:
    modes = said(driver, backend, "stat -c %a / /etc /dev /usr /etc/passwd /etc/hosts")
    assert modes == ["1777" if backend == "nsjail" else "755", "755", "755", "755", "644", "644"]


@listed("run", "dev-core")
def test_run_and_core_are_there_or_not(backend: str, driver: Driver) -> None:
    run, core = said(driver, backend, "test -d /run && echo yes || echo no; test -L /dev/core && echo yes || echo no")
    assert (run, core) == (("yes", "no") if firejail(backend) else ("no", "yes"))


@listed("machine-id")
def test_a_policy_that_shows_etc_does_not_tell_which_host_it_is(backend: str, driver: Driver, shared_tmp: Path) -> None:
    policy = shared_tmp / "policy.yaml"
    policy.write_text("extends: command\nfilesystem: {/etc: ro, /var/lib: ro}\n")
    paths = [path for path in ("/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostname") if Path(path).exists()]
    job = {"command": ["cat", *paths], "backend": backend, "policy": str(policy)}
    one, other = (driver.run(job)["stdout"].split() for _ in range(2))
    assert not {*one} & {word for path in paths for word in Path(path).read_bytes().split()}
    assert one == other or firejail(backend)
    assert (b"sandbox" in one) is not firejail(backend)


@listed("boot-id")
def test_each_job_has_a_boot_id_of_its_own_but_in_firejail_which_has_none(backend: str, driver: Driver) -> None:
    lines = [said(driver, backend, "cat /proc/sys/kernel/random/boot_id 2>&1")[0] for _ in range(2)]
    if firejail(backend):
        assert all(line.endswith("Permission denied") for line in lines)
    else:
        host = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert len({host, *lines}) == 3
        assert {uuid.UUID(line).version for line in lines} == {4}


@listed("tmp")
def test_tmp_is_empty_but_for_scratch_in_firejail(backend: str, driver: Driver) -> None:
    names = said(driver, backend, "ls -A /tmp; stat -c %U /tmp")
    own = [name for name in names[:-1] if name != ".X11-unix"]  # which firejail keeps where the host has one
    assert [name.startswith("sandbox-") for name in own] == ([True] if firejail(backend) else [])
    assert (names[-1] == "sandbox") is not firejail(backend)


@listed("tmp-size")
@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_temporary_files_are_bounded_but_by_firejail(folder: str, backend: str, driver: Driver) -> None:
    fill = [*SH, f"dd if=/dev/zero of={folder}/big bs=64k count=64 status=none"]
    outcome = driver.run({"command": fill, "backend": backend, "limits": {"tmp_size": "1MiB"}})
    assert (outcome["status"] == "ok") is firejail(backend)
    assert receipt(outcome, "limits.tmp_size")[0] == ("none" if firejail(backend) else "strict")


@listed("pids")
def test_the_program_is_the_second_process_but_in_firejail(backend: str, driver: Driver) -> None:
    own, parent, first = said(driver, backend, "echo $$; echo $PPID; tr '\\0' ' ' </proc/1/cmdline; echo")
    if firejail(backend):
        assert int(own) > int(parent) > 1
        assert first.startswith("/usr/bin/firejail ")
    else:
        assert (own, parent) == ("2", "1")
        assert "init 3" in first


@listed("cgroup-namespace")
def test_every_namespace_but_time_is_new_and_cgroup_not_by_firejail(backend: str, driver: Driver) -> None:
    names = ["user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time"]
    inside = said(driver, backend, f"cd /proc/self/ns; for n in {' '.join(names)}; do readlink $n; done")
    outside = [str(Path(f"/proc/self/ns/{name}").readlink()) for name in names]
    shared = {name for name, ours, theirs in zip(names, outside, inside, strict=True) if ours == theirs}
    assert shared == ({"time", "cgroup"} if firejail(backend) else {"time"})


# ---- what happens to the job ----


@listed("scratch-full")
def test_a_full_scratch_is_an_error_to_the_job_where_it_is_strict_and_a_limit_where_it_is_sampled(
    backend: str, account: str, driver: Driver
) -> None:
    fill = [*SH, "dd if=/dev/zero of=big bs=64k count=64 status=none 2>/dev/null; sleep 0.5; echo ended"]
    outcome = driver.run({"command": fill, "backend": backend, "limits": {"scratch_size": "1MiB"}})
    assert outcome["limit_hits"] == {"scratch_size": 1}
    if backend == "firejail" and account == "user":
        assert (outcome["status"], outcome["blame"]["clause"]) == ("scratch-limit", "limits.scratch_size")
        assert receipt(outcome, "limits.scratch_size") == ("sampled", "sampler")
    else:
        assert (outcome["status"], outcome["stdout"]) == ("ok", b"ended\n")
        assert receipt(outcome, "limits.scratch_size") == ("strict", "mount")


@listed("scratch-full")
def test_too_many_files_are_an_error_where_they_are_strict_and_a_limit_where_they_are_sampled(
    backend: str, account: str, driver: Driver
) -> None:
    make = [*PYTHON, "import time\nfor i in range(300): open(str(i), 'w').close()\ntime.sleep(5)"]
    outcome = driver.run({"command": make, "backend": backend, "limits": {"scratch_files": "100"}}, {"collect": "none"})
    assert outcome["limit_hits"] == {"scratch_files": 1}
    if account == "root" or backend == "nsjail":
        assert outcome["status"] == "nonzero-exit"
        assert b"No space left on device" in outcome["stderr"]
        assert receipt(outcome, "limits.scratch_files") == ("strict", "mount")
    else:
        assert (outcome["status"], outcome["blame"]["clause"]) == ("scratch-limit", "limits.scratch_files")
        assert receipt(outcome, "limits.scratch_files") == ("sampled", "sampler")


@listed("scratch-unlinked")
def test_a_file_without_a_name_fills_scratch_but_in_firejail_of_an_ordinary_user(
    backend: str, account: str, driver: Driver
) -> None:
    limits = {"scratch_size": "8MiB"}
    outcome = driver.run({"command": [*PYTHON, FILL_UNLINKED], "backend": backend, "limits": limits})
    if backend == "firejail" and account == "user":
        assert outcome["status"] == "ok", outcome
    else:
        assert outcome["status"] == "nonzero-exit"
        assert b"No space left on device" in outcome["stderr"]


@listed("scratch-on-disk")
def test_scratch_is_in_memory_but_in_firejail_of_an_ordinary_user(backend: str, account: str, driver: Driver) -> None:
    (here,) = said(driver, backend, "stat -f -c %T .")
    if backend == "firejail" and account == "user":
        host = subprocess.run(["stat", "-f", "-c", "%T", "/tmp"], stdout=subprocess.PIPE, text=True, check=True)
        assert here == host.stdout.strip()
    else:
        assert here == "tmpfs"


@listed("hidden-memory")
def test_memory_in_a_file_without_a_name_is_seen_but_in_a_set_uid_jail_of_an_ordinary_user(
    backend: str, account: str, driver: Driver
) -> None:
    limits = {"memory": "64MiB", "file_size": "1GiB", "wall_time": "1500ms"}
    outcome = driver.run({"command": [*PYTHON, WRITE_HIDDEN], "backend": backend, "limits": limits})
    grouped = receipt(outcome, "limits.memory")[0] == "strict"
    hidden = backend == "firejail" and account == "user" and not grouped
    assert outcome["status"] == ("wall-time-limit" if hidden else "memory-limit")


@listed("signals-to-init")
def test_the_launcher_is_out_of_reach_but_for_a_pidfd_below_firejail(backend: str, driver: Driver) -> None:
    outcome = driver.run({"command": [*PYTHON, SIGNAL_INIT], "backend": backend})
    if firejail(backend):
        assert (outcome["status"], outcome["signal"]) == ("signalled", "SIGKILL")
    else:
        assert (outcome["status"], outcome["exit_code"]) == ("nonzero-exit", 5)


@listed("left-behind")
@pytest.mark.parametrize("backend", ["nsjail"], indirect=True)
def test_nsjail_leaves_one_empty_directory_for_an_ordinary_user_and_none_for_root(
    backend: str, account: str, driver: Driver
) -> None:
    left = Path(f"/tmp/nsjail.{said(driver, backend, 'id -u')[0]}.root")
    assert left.exists() is (account == "user")
    assert account == "root" or list(left.iterdir()) == []


# ---- what is inspected ----


@listed("hidden-namespaces")
def test_the_receipt_says_where_namespaces_could_not_be_inspected(backend: str, account: str, driver: Driver) -> None:
    outcome = driver.run({"command": ["true"], "backend": backend})
    hidden = backend == "firejail" and account == "user"
    assert ("namespaces" in outcome["receipt"]["seal"]) is not hidden


@listed("unplanned-mounts")
def test_a_mount_that_nobody_planned_closes_the_gate_but_in_firejail(backend: str, driver: Driver) -> None:
    plan = driver.plan({"command": ["true"], "backend": backend})
    plan["seal"]["mounts"] = [mount for mount in plan["seal"]["mounts"] if mount["path"] != "/usr"]
    outcome = driver.run(plan=plan)
    assert outcome["status"] == ("ok" if firejail(backend) else "sandbox-error")


def test_every_listed_difference_is_asserted_here() -> None:
    page = PAGE.read_text()
    names = set(re.findall(r"^\| `([a-z-]+)` \|", page[page.index("## The listed differences") :], re.MULTILINE))
    assert names == ASSERTED


def test_what_a_backend_says_of_itself_is_on_the_page() -> None:
    assert {name for each in BACKENDS.values() for name in each.DIFFERENCES} <= ASSERTED
