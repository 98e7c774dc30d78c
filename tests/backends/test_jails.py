"""Real jails, looked at from inside: what every jailer makes alike, for the job of root and for that of a user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends.jail import HOSTS
from tests.backends.given import MIB, PLAIN, TMPFS, UNNAMEABLE, policy, ro, rw, system_here
from tests.backends.jails import Jailer, faults, look

if TYPE_CHECKING:
    from pathlib import Path

DEVICES = {"fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"}
CLOSED = {"Permission denied", "Read-only file system", "No such file or directory"}


def test_the_seal_finds_what_was_planned(jailer: Jailer, directory: str, tree: Path) -> None:
    for name in ("shown", "shared", "shared/kept"):
        (tree / name).mkdir()
        os.chown(tree / name, jailer.uid, jailer.gid)
    (tree / "file").write_text("text")
    mounts = {
        **system_here(jailer.host),
        "/etc/alternatives": ro("/etc/alternatives"),
        "/tmp": TMPFS,
        f"{tree}/file": ro(f"{tree}/file"),
        f"{tree}/shared": rw(f"{tree}/shared"),
        f"{tree}/shared/kept": ro(f"{tree}/shared/kept"),
        f"{tree}/shown": ro(f"{tree}/shown"),
    }
    given = policy(mounts)
    assert jailer.backend.gaps(given, jailer.host) == jailer.backend.gaps(policy(), jailer.host)
    seen = look(jailer, given, directory)
    assert faults(seen, jailer.backend.render(given, jailer.host), directory) == []


def test_nothing_but_the_policy_is_visible(jailer: Jailer, directory: str) -> None:
    mounts = {**system_here(jailer.host), "/tmp": TMPFS}
    more = """
def listed(name):
    if os.path.islink("/" + name) or name in given: return None
    return names("/" + name) if os.path.isdir("/" + name) else read("/" + name)
seen["content"] = {name: listed(name) for name in seen["top"]}
"""
    known = {path[1:] for path in mounts} | {"dev", "etc", "proc", "sandbox", "tmp"}
    seen = look(jailer, policy(mounts), directory, f"given = {known!r}" + more)
    if jailer.name == "firejail":
        known |= {"run"}  # with what firejail keeps there for itself
        others = {name: content for name, content in seen["content"].items() if name not in known}
        assert set(others.values()) - {None} == {"Permission denied"}  # their names stay listed
        assert seen["content"]["run"] == ["firejail"]
    else:
        assert set(seen["top"]) == known
    assert seen["etc"] == ["group", "hosts", "passwd"]


def test_the_devices_are_few_and_the_same(jailer: Jailer, directory: str) -> None:
    more = """
seen["devices"] = {}
for name in ("null", "zero", "full", "random", "urandom"):
    with open("/dev/" + name, "r+b", buffering=0) as device: seen["devices"][name] = len(device.read(4))
seen["terminal"] = os.isatty(os.openpty()[1])
"""
    seen = look(jailer, policy(system_here(jailer.host)), directory, more)
    assert set(seen["dev"]) - {"core"} == DEVICES
    assert seen["devices"] == {"null": 0, "zero": 4, "full": 4, "random": 4, "urandom": 4}
    assert seen["terminal"]


def test_only_scratch_and_tmpfs_are_writable(jailer: Jailer, directory: str) -> None:
    tried = look(jailer, policy({**system_here(jailer.host), "/tmp": TMPFS}), directory)["tried"]
    assert {path for path, answer in tried.items() if answer == "writable"} == {".", "/tmp", "/dev/shm"}
    assert set(tried.values()) - {"writable"} <= CLOSED


def test_the_job_is_its_account_and_has_no_rights(jailer: Jailer, directory: str) -> None:
    seen = look(jailer, policy(system_here(jailer.host)), directory)
    status = seen["status"]
    assert set(status["Uid"].split()) == {str(jailer.uid)}
    assert set(status["Gid"].split()) == {str(jailer.gid)}
    assert seen["groups"] in ([], [jailer.gid])
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert seen["uid_map"][0] == str(jailer.uid)
    assert seen["uid_map"][2:] == ["1"]


def test_the_jail_has_the_names_of_every_jail(jailer: Jailer, directory: str) -> None:
    seen = look(jailer, policy(system_here(jailer.host)), directory)
    assert seen["hostname"] == "sandbox"
    assert seen["cwd"] == (directory if jailer.name == "firejail" else "/sandbox")
    assert seen["made"]["hosts"] == HOSTS
    accounts = [line.split(":") for line in seen["made"]["passwd"].splitlines()]
    assert ([row[0] for row in accounts if row[2] == str(jailer.uid)] == ["sandbox"]) == (jailer.name != "firejail")
    assert any(row[2] == str(jailer.uid) for row in accounts)
    assert f":{jailer.gid}:" in seen["made"]["group"]


def test_the_jailer_sets_no_limits_of_its_own(jailer: Jailer, directory: str) -> None:
    more = """
import resource
seen["limits"] = {n: resource.getrlimit(getattr(resource, n)) for n in dir(resource) if n.startswith("RLIMIT_")}
"""
    import resource

    limits = look(jailer, policy(system_here(jailer.host)), directory, more)["limits"]
    assert limits == {name: list(resource.getrlimit(getattr(resource, name))) for name in limits}


def test_the_priority_stays_the_callers(jailer: Jailer, directory: str) -> None:
    assert look(jailer, policy(system_here(jailer.host)), directory)["nice"] == os.nice(0)


def test_a_closed_network_has_its_own_loopback_alone(jailer: Jailer, directory: str) -> None:
    more = """
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
"""
    assert look(jailer, policy(system_here(jailer.host)), directory, more)["interfaces"] == ["lo"]


def test_the_hosts_network_is_the_hosts(jailer: Jailer, directory: str) -> None:
    seen = look(jailer, policy(system_here(jailer.host), network="host"), directory)
    assert seen["interfaces"] == sorted(os.listdir("/sys/class/net"))


def test_every_promised_namespace_is_a_new_one(jailer: Jailer, directory: str) -> None:
    more = 'seen["ns"] = {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")}'
    given = policy(system_here(jailer.host))
    promised = jailer.backend.render(given, jailer.host)["seal"]["namespaces"]
    seen = look(jailer, given, directory, more)["ns"]
    assert [name for name in promised if seen[name] == os.readlink(f"/proc/self/ns/{name}")] == []
    assert set(promised) >= {"user", "pid", "mnt", "net", "ipc", "uts"}


@pytest.mark.parametrize("jailer", ["bwrap", "bwrap-wheel", "firejail"], indirect=True)
def test_no_further_user_namespace_can_be_made(jailer: Jailer, directory: str) -> None:
    more = """
import ctypes
seen["unshare"] = ctypes.CDLL(None).unshare(0x10000000)
"""
    assert look(jailer, policy(system_here(jailer.host)), directory, more)["unshare"] == -1


def test_odd_names_come_through(jailer: Jailer, directory: str, tree: Path) -> None:
    names = sorted(PLAIN if jailer.name == "firejail" else PLAIN + UNNAMEABLE)
    mounts = system_here(jailer.host)
    for index, name in enumerate(names):
        (tree / name).mkdir()
        (tree / name / "which").write_text(str(index))
        mounts[f"{tree}/{name}"] = ro(f"{tree}/{name}")
    given = policy(mounts)
    more = f"seen['names'] = {{name: read({str(tree)!r} + '/' + name + '/which') for name in names({str(tree)!r})}}"
    seen = look(jailer, given, directory, more)
    assert seen["names"] == {name: str(index) for index, name in enumerate(names)}
    assert faults(seen, jailer.backend.render(given, jailer.host), directory) == []


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_scratch_without_bounds_is_made_too(jailer: Jailer, directory: str) -> None:
    limits = {"scratch_size": None, "scratch_files": None, "tmp_size": None}
    more = "seen['room'] = os.statvfs('.').f_files in (0, 1 + (1 << 40))"
    assert look(jailer, policy(system_here(jailer.host), limits=limits), directory, more)["room"]


def test_a_mount_is_as_writable_as_it_says(jailer: Jailer, directory: str, tree: Path) -> None:
    for name in ("open", "shut", "shut/open", "open/shut"):
        (tree / name).mkdir()
        os.chown(tree / name, jailer.uid, jailer.gid)
    for name in ("rw.txt", "ro.txt"):
        (tree / name).write_text("before")
        os.chown(tree / name, jailer.uid, jailer.gid)
    mounts = {
        **system_here(jailer.host),
        f"{tree}/open": rw(f"{tree}/open"),
        f"{tree}/open/shut": ro(f"{tree}/open/shut"),
        f"{tree}/ro.txt": ro(f"{tree}/ro.txt"),
        f"{tree}/rw.txt": rw(f"{tree}/rw.txt"),
        f"{tree}/shut": ro(f"{tree}/shut"),
        f"{tree}/shut/open": rw(f"{tree}/shut/open"),
    }
    more = f"""
os.chdir({str(tree)!r})
for name in ("open", "open/shut", "shut", "shut/open"):
    seen["tried"][name] = tried(name)
for name in ("ro.txt", "rw.txt"):
    try:
        with open(name, "w") as file: seen["tried"][name] = file.write("after")
    except OSError as error: seen["tried"][name] = error.strerror
"""
    tried = look(jailer, policy(mounts), directory, more)["tried"]
    assert [tried[name] for name in ("open", "shut/open")] == ["writable"] * 2
    assert [tried[name] for name in ("shut", "open/shut", "ro.txt")] == ["Read-only file system"] * 3
    assert (tree / "rw.txt").read_text() == "after"
    assert (tree / "ro.txt").read_text() == "before"


@pytest.mark.parametrize("jailer", ["bwrap", "bwrap-wheel", "nsjail"], indirect=True)
def test_a_tmpfs_may_stand_in_a_read_only_mount(jailer: Jailer, directory: str, tree: Path) -> None:
    (tree / "cache").mkdir()
    (tree / "cache" / "old").write_text("")
    mounts = {**system_here(jailer.host), "/data": ro(str(tree)), "/data/cache": TMPFS}
    more = 'seen["cache"] = [names("/data"), names("/data/cache"), tried("/data"), tried("/data/cache")]'
    seen = look(jailer, policy(mounts), directory, more)
    assert seen["cache"] == [["cache"], [], "Read-only file system", "writable"]
    assert (tree / "cache" / "old").exists()


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_what_the_host_mounted_below_a_read_only_mount_is_read_only(jailer: Jailer, directory: str, tree: Path) -> None:
    (tree / "below").mkdir()
    given = policy({**system_here(jailer.host), str(tree): ro(str(tree))})
    more = f"seen['tried'] = [tried({str(tree)!r}), tried('{tree}/below'), names('{tree}/below')]"
    before = f"mount -t tmpfs -o mode=1777 below {tree}/below && touch {tree}/below/shown"
    seen = look(jailer, given, directory, more, before=before)
    assert seen["tried"] == ["Read-only file system", "Read-only file system", ["shown"]]
    assert faults(seen, jailer.backend.render(given, jailer.host), directory) == []


def test_scratch_is_bounded_as_well_as_the_gaps_say(jailer: Jailer, directory: str) -> None:
    given = policy(system_here(jailer.host), limits={"scratch_size": 3 * MIB, "scratch_files": 50})
    more = """
made = 0
try:
    while made < 60:
        open(str(made), "x").close()
        made += 1
except OSError: pass
for name in range(made): os.unlink(str(name))
written = 0
try:
    with open("big", "wb", buffering=0) as file:
        while written < 5 << 20: written += file.write(bytes(4096))
except OSError: pass
os.unlink("big")
seen["bounds"] = [made, written]
"""
    seen = look(jailer, given, directory, more)
    gaps = {gap["clause"]: gap["level"] for gap in jailer.backend.gaps(given, jailer.host)}
    made, written = seen["bounds"]
    assert (made == 50) == ("limits.scratch_files" not in gaps)
    assert (written == 3 * MIB) == ("limits.scratch_size" not in gaps)
    assert seen["scratch_mode"] == 0o700


def test_a_tmpfs_is_bounded_as_well_as_the_gaps_say(jailer: Jailer, directory: str) -> None:
    given = policy({**system_here(jailer.host), "/tmp": TMPFS}, limits={"tmp_size": 2 * MIB})
    more = """
def room(path):
    with open(path + "/big", "wb", buffering=0) as file:
        try:
            while file.tell() < 4 << 20: file.write(bytes(4096))
        except OSError: pass
        return file.tell()
seen["room"] = [room("/tmp"), room("/dev/shm")]
"""
    held = not any(gap["clause"] == "limits.tmp_size" for gap in jailer.backend.gaps(given, jailer.host))
    assert look(jailer, given, directory, more)["room"] == [(2 if held else 4) * MIB] * 2


def test_spare_tasks_leave_the_job_exactly_its_own(jailer: Jailer, directory: str) -> None:
    """As the launcher does it: init forks, and the child has the limit."""
    given = policy(system_here(jailer.host))
    limit = 10 + jailer.backend.render(given, jailer.host)["spare_tasks"]
    more = f"""
import resource, time
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_NPROC, ({limit}, {limit}))
    tasks = 1
    try:
        while tasks < 40:
            if os.fork() == 0:
                time.sleep(60)
            tasks += 1
    except OSError: pass
    os.write(writer, b"%d" % tasks)
    os.killpg(0, 9)
seen["tasks"] = int(os.read(reader, 9))
os.wait()
"""
    assert look(jailer, given, directory, more)["tasks"] == 10
