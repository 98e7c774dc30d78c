"""In the guest: become the account of a way, in its place among the groups, and run a command there.

`python -m tests.vm.guest WAY ACCOUNT SECONDS COMMAND...`, as root. The streams, the status and what the command
leaves in $VM_KEEP go to the results folder, which nobody but root can write.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT, RESULTS = Path("/srv"), Path("/mnt")  # every Debian has these two folders
GROUPS = Path("/sys/fs/cgroup")
KEEP = Path("/run/vm-keep")
PATIENCE_S = 30  # until the user's own systemd has made its socket
GRACE_S = 10  # to say where it was interrupted
OVERDUE = 124  # the status of a command that was, as timeout(1) has it


def main(way: str, account: str, seconds: str, *command: str) -> None:
    entry = pwd.getpwnam(account)
    env = os.environ | {"VM_WAY": way, "VM_KEEP": str(KEEP), "HOME": entry.pw_dir}
    env |= {"USER": entry.pw_name, "LOGNAME": entry.pw_name}
    group = delegated(entry) if way == "delegated" else None
    if way == "scope":
        env |= session(entry)
    if any(not path.stat().st_mode & 0o004 for path in (PROJECT, PROJECT / "pyproject.toml", Path(sys.prefix))):
        # Cloned or installed by a root with a strict umask.
        subprocess.run(["chmod", "-R", "a+rX", PROJECT], check=True)
    KEEP.mkdir()
    os.chown(KEEP, entry.pw_uid, entry.pw_gid)
    status = run(command, entry, env, group, float(seconds))
    for file in KEEP.iterdir():
        shutil.copyfile(file, RESULTS / file.name)
    (RESULTS / "status").write_text(str(status))  # last: with it the run has come back


def run(
    command: Sequence[str], entry: pwd.struct_passwd, env: Mapping[str, str], group: Path | None, timeout_s: float
) -> int:
    def become() -> None:
        if group is not None:
            # Nobody but root can move a process into the subtree from outside: the account's has to start in it.
            (group / "cgroup.procs").write_text("0")
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)

    with (RESULTS / "stdout").open("wb") as stdout, (RESULTS / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command,
            env=env,
            preexec_fn=become,  # noqa: PLW1509 (no threads here)
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            # What it has written is on the host only once a guest ends by itself.
            process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
        return OVERDUE


def delegated(entry: pwd.struct_passwd) -> Path:
    """A subtree for the account, as an administrator makes it."""
    for controller in (GROUPS / "cgroup.controllers").read_text().split():
        # One at a time: a kernel refuses the whole line for one that it can't enable.
        (GROUPS / "cgroup.subtree_control").write_text(f"+{controller}")
    subtree = GROUPS / "delegated"
    subtree.mkdir()
    for name in ("", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"):
        os.chown(subtree / name, entry.pw_uid, entry.pw_gid)
    return subtree


def session(entry: pwd.struct_passwd) -> dict[str, str]:
    """The account's own systemd, and the two variables with which `systemd-run --user` finds it."""
    subprocess.run(["loginctl", "enable-linger", entry.pw_name], check=True)
    subprocess.run(["systemctl", "start", f"user@{entry.pw_uid}.service"], check=True)
    folder = Path(f"/run/user/{entry.pw_uid}")
    deadline = time.monotonic() + PATIENCE_S
    while not (folder / "bus").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return {"XDG_RUNTIME_DIR": str(folder), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus"}


if __name__ == "__main__":
    main(*sys.argv[1:])
