"""What a policy means, clause by clause, in plain sentences. Pure: they are told from the merged policy alone."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from sandbox_cli.policy import units
from sandbox_cli.policy.document import document
from sandbox_cli.policy.mounts import ALWAYS, MADE, covering
from sandbox_cli.policy.order.mounts import told
from sandbox_cli.policy.requirements import REQUIRED, required, table_key
from sandbox_cli.policy.syscalls import SETS
from sandbox_cli.policy.words import NOTHING, of_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox_cli.policy.layers import Path
    from sandbox_cli.policy.model import Limit, Mount, Policy
    from sandbox_cli.result import Level

    Sentence = Callable[[Policy, Path], str]

# Of each limit: what the number counts.
_BOUNDED = {
    "wall_time": "{} from the program's start to its end",
    "cpu_time": "{} of CPU time, of all processes together",
    "memory": "{} of memory, for all processes together",
    "processes": "{} processes and threads at a time",
    "open_files": "{} open files in each process",
    "file_size": "{} in each file that is written",
    "scratch_size": "{} of files in scratch, the job's own directory",
    "scratch_files": "{} files and folders in scratch, the job's own directory",
    "tmp_size": "{} in each tmpfs, as in /tmp and /dev/shm",
    "output": "{} of output, stdout and stderr together",
    "cpus": "{} cores of the machine's, for all processes together",
}

# Of each value of `language`: what it means, and what it means that there is none.
_LANGUAGE: dict[Path, tuple[str, str]] = {
    ("name",): ("code is in {}", "the policy is for commands: code is in the language that -l names"),
    ("aliases",): ("-l takes {} for it as well", "-l knows it by no other name"),
    ("extensions",): ("a file whose name ends in {} is in it", "no name of a file says that it is in it"),
    ("file",): ("a snippet is written to {}", "a snippet has no file"),
    ("runtime", "command"): ("the host must have {} to run it", "it needs no runtime of the host"),
    ("runtime", "version"): ("{} asks the runtime which version it is", "no runtime is asked for its version"),
    ("runtime", "paths"): (
        "the runtime is looked for in {} too",
        "the runtime is looked for in PATH and where version managers put it",
    ),
    ("runtime", "package"): ("on Debian the package {} brings the runtime", "no package is known for the runtime"),
    ("compile", "run"): ("code is compiled first: {}", "nothing is compiled"),
    ("compile", "limits"): ("while it compiles, it has its own {}", "the compiler has the limits of the job"),
    ("run",): ("code is run so: {}", "there is nothing to run code with"),
    ("value",): ("with --value code is run so: {}", "--value gives nothing back"),
    ("selftest", "source"): ("it tries itself with a program: {}", "it does not try itself"),
    ("selftest", "args"): ("the program of the self-test is given {}", "the self-test gives no arguments"),
    ("selftest", "stdin"): ("the program of the self-test reads {}", "the self-test gives nothing to read"),
    ("selftest", "files"): ("beside the program of the self-test stands {}", "the self-test gives no files"),
    ("selftest", "stdout"): ("the program of the self-test must print {}", "the self-test prints nothing"),
}
LANGUAGE: tuple[Path, ...] = tuple(("language", *path) for path in _LANGUAGE)

IN_EVERY_JAIL = ("HOME", "LANG", "PATH")  # variables
_ENDS = {"errno": "fail with EPERM", "kill": "end the program", "log": "are let through, and logged"}
_NETWORK = {
    "none": "the job has none but a loopback of its own: it reaches no other machine, nor this one",
    "host": "the job has the host's: it reaches whatever this machine does, and what listens on it",
}
_WORKSPACE = {
    "none": "no directory of the caller's can be worked in: -C is refused",
    "ro": "with -C DIR a job works in a directory of the caller's, which it can only read",
    "rw": "with -C DIR a job works in a directory of the caller's, and may write there; with -C DIR:ro only read",
}
_LEVELS: dict[Level, str] = {
    "strict": "must be held strictly: the job as a whole can't exceed it",
    "sampled": "must at least be sampled: counted from outside, and the job killed where it exceeds it",
    "process": "must at least be held for each process",
    "none": "may go unheld",
}


def sentence(policy: Policy, path: Path) -> str:
    """What `policy` means at `path`, a clause of the grammar with the names that are open in it."""
    return _SENTENCES[path[0]](policy, path)


def _version(_policy: Policy, _path: Path) -> str:
    return "the policy is written in version 1 of the language of policies"


def _silence(_policy: Policy, _path: Path) -> str:
    return "what `sandbox policy check` is not to tell of each file, with the reason; it allows nothing"


def _extends(policy: Policy, _path: Path) -> str:
    if len(policy.files) == 1:
        return "the policy rests on no other"
    others = ", then ".join(PurePosixPath(file).stem for file in policy.files[1:])
    return f"what the policy doesn't say itself is said by {others}"


def _description(policy: Policy, _path: Path) -> str:
    text = " ".join(policy.description.split())
    return f"the policy says of itself: {text}" if text else "the policy says nothing of itself"


def _limit(policy: Policy, path: Path) -> str:
    return bounded(path[1], policy.limits[path[1]])


def bounded(name: str, limit: Limit) -> str:
    if limit.default is None:
        most = "any job may set one" if limit.max is None else f"a job may set one up to {_amount(name, limit.max)}"
        return f"not bounded; {most}"
    most = "at most " + _BOUNDED[name].format(_amount(name, limit.default))
    if limit.max is None:
        return f"{most}; a job may ask for any more"
    if limit.max == limit.default:
        return f"{most}; no job may ask for more"
    return f"{most}; a job may ask for up to {_amount(name, limit.max)}"


def _amount(name: str, value: float) -> str:
    return units.format_limit(name, value)


def _language(policy: Policy, path: Path) -> str:
    if path[1:3] == ("compile", "limits") and len(path) > 3:
        name, step = path[3], policy.language.compile if policy.language else None
        own = step.limits.get(name) if step else None
        return f"while it compiles, {bounded(name, own)}" if own else "while it compiles, the limit of the job holds"
    said, unsaid = _LANGUAGE[path[1:]]
    value: object = document(policy)["language"]
    for key in path[1:]:
        value = cast("Mapping[str, object]", value).get(key) if value else None
    return said.format(_listed(value)) if value else unsaid


def _listed(value: object) -> str:
    """Words one after the other, as a shell would take them; a text of several lines by their number."""
    words = list(cast("Sequence[str]", value)) if isinstance(value, list | dict) else [str(value)]
    return " ".join(_word(word) for word in words)


def _word(text: str) -> str:
    lines = text.count("\n")
    if lines > 1:
        return f"({lines} lines)"
    return text.rstrip("\n")


def _filesystem(policy: Policy, path: Path) -> str:
    if len(path) == 1:
        return f"a job sees {', '.join(policy.filesystem) or 'nothing of the host'}, and what is made for every job"
    return seen(path[1], policy)


def seen(path: str, policy: Policy) -> str:
    """What a job finds at a path of the jail."""
    if (always := made(path)) is not None:
        return always
    above = covering(path, policy.filesystem)
    if above is None:
        inner = [each for each in policy.filesystem if each.startswith(f"{path.rstrip('/')}/")]
        if inner:
            return f"a folder of the jail's own, with nothing in it but what leads to {', '.join(inner)}"
        there = told(path, policy.filesystem)
        return "not there: no clause of the policy shows it" if there == NOTHING else there
    shown = _mount(above, policy.filesystem[above], policy)
    return shown if above == path else f"a part of {above}, which is {shown}"


def is_missing(path: str, policy: Policy) -> bool:
    """Whether nothing stands there, not even a folder that leads to what is further down."""
    inner = any(each.startswith(f"{path.rstrip('/')}/") for each in policy.filesystem)
    return made(path) is None and not inner and told(path, policy.filesystem) == NOTHING


def made(path: str) -> str | None:
    """What stands at a path of every jail that no clause says."""
    if path in MADE:
        return "made anew for each job, and no clause"
    around = [why for always, why in ALWAYS.items() if path == always or path.startswith(f"{always}/")]
    return around[0] if around else None


def _mount(path: str, mount: Mount, policy: Policy) -> str:
    noexec = "; nothing there can be run" if mount.noexec else ""
    if mount.mode == "symlink":
        return f"a symbolic link to {mount.source}"
    if mount.mode == "tmpfs":
        most = policy.limits["tmp_size"].default
        size = "any size" if most is None else f"at most {_amount('tmp_size', most)} (limits.tmp_size)"
        return f"an empty directory in memory, of {size}, gone with the job{noexec}"
    source = "the host's own" if mount.source in {None, path} else f"the host's {mount.source}"
    how = "which a job may write" if mount.mode == "rw" else "which can only be read"
    where = ", where the host has it" if mount.optional else ""
    return f"{source}{where}, {how}{noexec}"


def _network(policy: Policy, _path: Path) -> str:
    if isinstance(policy.network, str):
        return _NETWORK[policy.network]
    return f"the job reaches {', '.join(policy.network['allow']) or 'nobody'}, and nobody else"


def _syscalls(policy: Policy, _path: Path) -> str:
    said = policy.syscalls
    listed = said.deny if said.allow is None else said.allow
    count = len({name for each in listed or () for name in SETS.get(each, (each,))})
    names = f"{', '.join(listed or ()) or 'none'} ({count} call{'s' * (count != 1)})"
    if said.allow is None:
        lists = f"all are let through but {names}, which {_ENDS[said.action]}"
    else:
        lists = f"none is let through but {names}; all others {_ENDS[said.action]}"
    rules = ", ".join(f"{of_rule(each)} ({each.action})" for each in said.rules)
    return f"{lists}; asked before that: {rules}" if rules else lists


def _privileges(_policy: Policy, _path: Path) -> str:
    return "none: no capability, none to be gained by a set-uid program, no nested namespace; no policy can grant any"


def _workspace(policy: Policy, _path: Path) -> str:
    return _WORKSPACE[policy.workspace]


def _environment(policy: Policy, path: Path) -> str:
    if len(path) == 1:
        names = ", ".join(dict.fromkeys([*IN_EVERY_JAIL, *policy.environment]))
        return f"{names} and what -e adds; nothing of the caller's own"
    value = policy.environment.get(path[1])
    if value is not None:
        return f"every program has it, with the value {value!r}"
    return (
        "every jail sets it, and the policy nothing else" if path[1] in IN_EVERY_JAIL else "the policy does not set it"
    )


def _artifacts(policy: Policy, path: Path) -> str:
    kept = policy.artifacts
    if path[1:] == ("max_files",):
        return f"at most {kept.max_files} files are returned"
    if path[1:] == ("max_bytes",):
        return f"the files that are returned hold at most {units.format_value('size', kept.max_bytes)} together"
    if not kept.collect:
        return "no file of scratch is returned, unless --collect names it"
    return f"files of scratch are returned whose path matches {', '.join(kept.collect)}"


def _require(policy: Policy, path: Path) -> str:
    if len(path) == 1:
        named = "".join(f"{clause} {level}, " for clause, level in policy.require.items())
        others = "others" if named else "all"
        return f"a run is refused where less is held than is required: {named}of {others} the default"
    clause = path[1]
    if table_key(clause) not in REQUIRED and clause not in policy.require:
        return "the default of each of its clauses holds"
    level = required(clause, policy.require)
    return f"{clause} {_LEVELS[level]}{'' if clause in policy.require else ' (by default)'}"


_SENTENCES: dict[str, Sentence] = {
    "version": _version,
    "silence": _silence,
    "extends": _extends,
    "description": _description,
    "language": _language,
    "limits": _limit,
    "filesystem": _filesystem,
    "network": _network,
    "syscalls": _syscalls,
    "privileges": _privileges,
    "workspace": _workspace,
    "environment": _environment,
    "artifacts": _artifacts,
    "require": _require,
}
