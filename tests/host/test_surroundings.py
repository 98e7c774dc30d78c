from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.host.surroundings import look_around
from tests.accounts import Account

LOOK = (
    "import json; from dataclasses import asdict; from sandbox_cli.host.surroundings import look_around; "
    "print(json.dumps(asdict(look_around())))"
)


def look(account: Account, *before: str) -> dict[str, Any]:
    done = account.run([*before, account.python, "-c", LOOK])
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_switches_are_those_of_the_kernel() -> None:
    with open("/proc/sys/user/max_user_namespaces") as file:
        assert look_around().max_user_namespaces == int(file.read())


def test_no_new_privs_is_seen(as_user: Account) -> None:
    assert not look(as_user)["no_new_privs"]
    assert look(as_user, "/usr/bin/setpriv", "--no-new-privs")["no_new_privs"]


def test_a_user_namespace_is_seen(as_user: Account) -> None:
    assert not look(as_user)["nested"]
    assert look(as_user, "/usr/bin/unshare", "--map-root-user")["nested"]


@pytest.mark.parametrize("name", ["sys_admin", "sys_ptrace"])
def test_root_without_its_capability_is_seen(name: str, as_root: Account) -> None:
    assert look(as_root)["lacks"] == []
    found = look(as_root, "/usr/bin/setpriv", f"--bounding-set=-{name}")
    assert found["root"]
    assert found["lacks"] == [f"CAP_{name.upper()}"]


def test_a_mount_that_hides_a_part_of_proc_is_seen(as_root: Account) -> None:
    script = 'mount -t tmpfs none /proc/bus && exec "$@"'
    assert look(as_root)["proc_covered"] == []
    found = look(as_root, "/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "-")
    assert found["proc_covered"] == ["/proc/bus"]


def test_a_container_is_told_by_its_mark(as_root: Account) -> None:
    script = 'mount -t tmpfs none /run && touch /run/.containerenv && exec "$@"'
    found = look(as_root, "/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "-")
    assert found["container"] == "podman"


def test_a_chroot_to_a_plain_folder_is_seen(as_root: Account, trusted: Path) -> None:
    script = (
        'cd "$0" && for part in $(ls /); do if [ -L /$part ]; then cp -P /$part . ;'
        ' elif [ -d /$part ]; then mkdir $part && mount --rbind /$part $part; fi; done && exec chroot . "$@"'
    )
    assert not look(as_root)["chrooted"]
    found = look(as_root, "/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, str(trusted))
    assert found["chrooted"]
