"""firejail: set-uid root; everything is said in a profile, which hides parts of the host's own tree."""

from __future__ import annotations

from sandbox_cli.backends import firejail_gaps, firejail_paths, jail, reports
from sandbox_cli.slots import CONTROL_FD, DATA_FD, LAUNCHER_FD, SCRATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.backends.base import Invocation, JailerReport, Shortfall, Wheel
    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.model import SealedMount
    from sandbox_cli.policy.model import Policy

NAME: str = "firejail"
PROGRAMS: Sequence[str] = ("firejail",)
MINIMUM: tuple[int, ...] = (0, 9, 72)
QUESTION: str = "--version"
ANSWER: str = r"firejail version (\d+(?:\.\d+)+)"
INSTALL: str | None = "apt install firejail"
WHEEL: Wheel | None = None
SET_UID: bool = True
WATCHED: bool = True  # its set-uid bit clears the parent-death signal
DIFFERENCES: Sequence[str] = (
    "scratch-path",
    "passwd",
    "root-names",
    "run",
    "dev-core",
    "tmp",
    "tmp-size",
    "pids",
    "cgroup-namespace",
)
LEFTOVERS: Sequence[str] = ()

_FAILURE = 1  # its exit status for every failure of its own

_ASSERTION = "firejail: "  # it was aborted, or couldn't be loaded
_NO_JAIL = "existing sandbox was detected"
_NO_USER_NAMESPACE = "cannot create a new user namespace"
_HINTS = (
    (_NO_JAIL, "firejail makes no jail inside a container or another sandbox: use bwrap or nsjail"),
    ("not allowed to use Firejail", "sudo firecfg --add-users ACCOUNT, or use bwrap or nsjail"),
    ("getpwuid", "firejail needs an account with a passwd entry"),
    ("cannot mount tmpfs on", "firejail needs an account with a home of its own"),
    ("/.none", "firejail needs an account with a home of its own"),
    ("feature is disabled in Firejail configuration", "allow it in /etc/firejail/firejail.config"),
    ("is disabled in Firejail configuration", "allow it in /etc/firejail/firejail.config"),
    (
        "cannot create /run/firejail",
        "firejail has to be set-uid root and started without no_new_privs, and /run be writable",
    ),
    ("cannot find the program in the path", "firejail has to be set-uid root: chmod u+s, or reinstall it"),
    ("EUID_USER", "firejail can't be used in a user namespace: use bwrap or nsjail"),
    ("Assertion `s.st_uid == 0'", "firejail can't be used in a user namespace: use bwrap or nsjail"),
    (
        "create_empty_dir_as_root: Read-only",
        "firejail keeps its state in /run: mount that writable, or use bwrap or nsjail",
    ),
    ("is invalid", "this firejail is too old: 0.9.72 is needed"),
    ("too many arguments", "firejail takes 128 arguments at most"),
    ("private working directory", "the scratch directory must be below /tmp, and the job's own"),
)


def gaps(policy: Policy, host: Host) -> list[Shortfall]:
    """What firejail can't hold: bounds on directories, and mounts that aren't the host's own tree."""
    return firejail_gaps.gaps(policy, host)


def render(policy: Policy, host: Host) -> Invocation:
    """A short command and the profile; what `gaps` names of the file system is left out of it."""
    from sandbox_cli.backends import rendering

    rendering.check_paths(policy)
    own_network = jail.own_network(policy)
    mounts = firejail_paths.shown(policy, host)
    hidden = firejail_paths.hidden(mounts, host)
    masked = [*(path for paths in jail.masked(host) for path in paths), jail.BOOT_ID_FILE[0]]
    made = [path for path, _ in jail.made_files(policy)]
    own_hosts = "/etc/hosts" in made  # passwd and group are firejail's own, made from the host's
    profile = rendering.fill(
        "firejail.profile.j2",
        str,
        {
            "hostname": jail.HOSTNAME,
            "machine_id": any(path.endswith("/machine-id") for path, _ in jail.identity_files(mounts, host)),
            "own_network": own_network,
            "control_fd": CONTROL_FD,
            "launcher_fd": LAUNCHER_FD,
            "scratch": SCRATCH,
            "directory": policy.directory or SCRATCH,
            "hosts_fd": DATA_FD + 1 if own_hosts else None,
            "masked": masked,
            "made": [] if "/etc" in mounts else made,
            "flags": firejail_paths.flags(mounts, host),
            "commands": firejail_paths.commands(mounts, policy, host),
            "hidden": [firejail_paths.pattern(name) for name in hidden],
        },
    )
    # Without --quiet: its warnings tell why there is no jail. With "--" it would put a shell of its own in between.
    argv = [host.jailers[NAME].program, f"--profile=/proc/self/fd/{DATA_FD}", *jail.INIT]
    return {
        "argv": argv,
        "data": [profile.encode(errors="surrogateescape"), *([jail.HOSTS.encode()] if own_hosts else [])],
        "environ": [],
        "scratch": jail.scratch(policy, made_by="run", tmpfs=host.root, shown=True),
        "seal": {
            "first": False,
            # The cgroup namespace is the host's; the links of the others belong to root, as firejail does.
            "namespaces": ["user", "pid", "mnt", "ipc", "uts", *(["net"] if own_network else [])],
            "hidden_namespaces": not host.root,
            "interfaces": ["lo"] if own_network else None,
            "mounts": [
                jail.scratch_mount(policy, SCRATCH) if host.root else {"path": SCRATCH, "flags": ["rw"]},
                {"path": "/proc", "flags": ["rw", *jail.CLOSED, "noexec"], "kind": "proc"},
                {"path": "/proc/sys", "flags": ["ro"], "kind": "proc"},
                {"path": "/dev", "flags": ["rw", "nosuid"], "kind": "tmpfs"},
                {"path": "/run", "flags": ["rw"], "kind": "tmpfs"},
                {"path": "/tmp", "flags": ["rw"], "kind": "tmpfs"},  # noqa: S108
                *firejail_paths.modes(mounts),
                *(_closed(path) for path in (*(f"/{name}" for name in hidden), *masked)),
            ],
            "whole": False,  # the host's whole tree is below, with firejail's own mounts
        },
        "spare_tasks": 2,  # firejail's own PID 1, and the launcher's init
    }


def _closed(path: str) -> SealedMount:
    """What it puts over a path that it hides: an empty folder or file of its own that nobody may open."""
    return {"path": path, "flags": ["ro"], "part": ["/firejail/firejail.ro.dir", "/firejail/firejail.ro.file"]}


def by_hand(scratch: str | None, variables: Sequence[str]) -> list[str]:
    """Its scratch is always the host's directory already."""
    del scratch
    return [f"--env={pair}" for pair in variables]


def read(exit_status: int | None, report: bytes) -> JailerReport:
    """firejail says `Error WHY`, and ends with 0 where it ran the program with no jail at all."""
    said = reports.lines(report)
    for line in said:
        if _NO_JAIL in line or line.startswith((reports.LAUNCHER, "Error", _ASSERTION)):
            return reports.failed(line, _HINTS)
    if any(_NO_USER_NAMESPACE in line for line in said):
        return {"failed": None, "hint": "firejail could make no user namespace: raise user.max_user_namespaces"}
    return reports.silent(NAME, exit_status, _FAILURE)
