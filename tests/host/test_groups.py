from __future__ import annotations

import json
import os
from pathlib import Path

from sandbox_cli.host.groups import look_at_groups
from tests.accounts import Account

LOOK = "import json; from sandbox_cli.host.groups import look_at_groups; print(json.dumps(look_at_groups()))"


def test_our_own_group_is_a_folder_that_lists_us() -> None:
    found = look_at_groups()
    assert found["own"] is not None
    assert str(os.getpid()) in (Path(found["own"]) / "cgroup.procs").read_text().split()


def test_nothing_is_left_where_groups_were_tried() -> None:
    found = look_at_groups()
    assert found["own"] is not None
    assert not list(Path(found["own"]).glob("sandbox-trial-*"))


def test_a_group_that_can_not_be_divided_is_not_said_to_be(as_user: Account) -> None:
    """The tests' ordinary account has no group of its own."""
    found = json.loads(as_user.run([as_user.python, "-c", LOOK]).stdout)
    own = found["own"]
    assert found["writable"] == [] or os.stat(own).st_uid == as_user.uid


def test_no_groups_at_all_is_told(as_root: Account) -> None:
    done = as_root.run(
        [
            "/usr/bin/unshare",
            "--mount",
            "/bin/sh",
            "-c",
            'umount -l -R /sys && exec "$@"',
            "-",
            as_root.python,
            "-c",
            LOOK,
        ]
    )
    assert json.loads(done.stdout) == {"version": None, "own": None, "writable": []}
