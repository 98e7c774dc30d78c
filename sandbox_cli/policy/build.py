"""From what a chain of files says to the model: completed, checked as a whole, with its provenance and digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import mounts, rules, units, variables
from sandbox_cli.policy.document import digest
from sandbox_cli.policy.grammar import DEFAULTS
from sandbox_cli.policy.model import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox_cli.policy.layers import Path
    from sandbox_cli.policy.merge import Merged
    from sandbox_cli.policy.model import SyscallRule
    from sandbox_cli.policy.nodes import Spot
    from sandbox_cli.policy.scalars import Value
    from sandbox_cli.result import Blame

Plain = dict[str, Any]

_COMMANDS = (("language", "run"), ("language", "compile", "run"))


def build(merged: Merged, name: str, files: Sequence[str]) -> Policy:
    """The policy that `merged` says; `files` is its chain, nearest first."""
    _check(merged)
    return unchecked(merged, name, files)


def unchecked(merged: Merged, name: str, files: Sequence[str]) -> Policy:
    """The same of what doesn't have to be a whole: a ceiling says no more than what it bounds."""
    sources = _sources(merged)
    fields = _fields(merged) | {"name": name, "files": files, "sources": sources, "digest": ""}
    try:
        policy = Policy.model_validate(fields)
    except ValidationError as error:
        raise _translate(error, sources) from None
    return policy.model_copy(update={"digest": digest(policy)})


def _fields(merged: Merged) -> Plain:
    allow = merged.value("network", "allow")
    return {
        "description": merged.value("description"),
        "language": _language(merged) if merged.has("language") else None,
        "limits": {name: _limit(merged, "limits", name) for name in units.LIMITS},
        "filesystem": {path: mount(path, said) for path, said in merged.below("filesystem").items()},
        "network": merged.value("network") if allow is None else {"allow": allow},
        "syscalls": {key: merged.value("syscalls", key) for key in ("allow", "deny", "rules", "action")},
        "workspace": merged.value("workspace"),
        "environment": {name: said[""] for name, said in merged.below("environment").items()},
        "artifacts": {key: merged.value("artifacts", key) for key in ("collect", "max_files", "max_bytes")},
        "require": {clause: said[""] for clause, said in merged.below("require").items()},
    }


def _limit(merged: Merged, *path: str) -> Plain:
    return {"default": merged.value(*path, "default"), "max": merged.value(*path, "max")}


def mount(path: str, said: Mapping[str, Value]) -> Plain:
    if "symlink" in said:
        return {"mode": "symlink", "source": said["symlink"]}
    noexec = said.get("noexec", False)
    if said.get("mode") == "tmpfs":
        return {"mode": "tmpfs", "noexec": noexec}
    optional = said.get("optional", False)
    return {"mode": said.get("mode", "ro"), "source": said.get("from", path), "optional": optional, "noexec": noexec}


def _language(merged: Merged) -> Plain:
    def only(*path: str, keys: Sequence[str]) -> Plain | None:
        said = {key: merged.value(*path, key) for key in keys if merged.has(*path, key)}
        return said or None

    language = only("language", keys=("name", "aliases", "extensions", "file", "run", "value")) or {}
    step = only("language", "compile", keys=("run",))
    if step is not None:
        limits = merged.below("language", "compile", "limits")
        step["limits"] = {name: _limit(merged, "language", "compile", "limits", name) for name in limits}
    selftest = only("language", "selftest", keys=("source", "args", "stdin", "stdout"))
    if selftest is not None:
        selftest["files"] = {name: said[""] for name, said in merged.below("language", "selftest", "files").items()}
    return language | {
        "runtime": only("language", "runtime", keys=("command", "version", "paths", "package")),
        "compile": step,
        "selftest": selftest,
    }


def _check(merged: Merged) -> None:
    for name in merged.below("limits"):
        check_default(merged, "limits", name)
    for name in merged.below("language", "compile", "limits"):
        check_default(merged, "language", "compile", "limits", name)
        if name in units.OF_THE_JAIL:
            path = ("language", "compile", "limits", name)
            message = f"{name} bounds the compiler and the program together"
            raise cast("Spot", merged.spot(*path)).error(message, clause=".".join(path), hint=f"say limits.{name}")
    check_root(merged)
    if merged.has("language"):
        _need(merged, ("language",), ("file", "run"))
    for part, keys in (("runtime", ("command",)), ("compile", ("run",)), ("selftest", ("source", "stdout"))):
        if merged.has("language", part):
            _need(merged, ("language", part), keys)
    _check_files(merged)
    _check_variables(merged)
    _check_syscalls(merged)


def _check_syscalls(merged: Merged) -> None:
    """What a network of the job's own closes under every policy, nothing may claim to let through."""
    if merged.value("network") == "host":
        return
    allowed = cast("tuple[str, ...]", merged.value("syscalls", "allow") or ())
    written = cast("tuple[SyscallRule, ...]", merged.value("syscalls", "rules"))
    for key, name in (
        ("allow", rules.in_vain_without_a_network(allowed, ())),
        ("rules", rules.in_vain_without_a_network((), written)),
    ):
        if name is not None:
            path = ("syscalls", key)
            message = f"{name} as it stands here is refused unless the network is the host's: it would reach beyond it"
            hint = "take it out, or write network: host"
            raise merged.said[path].spot.error(message, clause=".".join(path), hint=hint)


def check_root(merged: Merged) -> None:
    """The root of a jail is the jailer's own: what it shows comes from a folder."""
    if (link := merged.said.get(("filesystem", "/", "symlink"))) is not None:
        raise link.spot.error("the root of the jail can't be a symbolic link", clause="filesystem./", hint="write from")
    if (mode := merged.said.get(("filesystem", "/", "mode"))) is not None and mode.value == "tmpfs":
        raise mounts.no_root_of_its_own(mode.spot, "filesystem./")


def check_default(merged: Merged, *path: str) -> None:
    """The default of a limit is within its maximum."""
    default, most = merged.said.get((*path, "default")), merged.said.get((*path, "max"))
    if most is None or most.value is None:
        return
    clause, name = ".".join(path), path[-1]
    top = units.format_limit(name, cast("float", most.value))
    if default is None or default.value is None:
        where = f"{most.spot.file}:{most.spot.line}"
        hint = f"give a default too, or write {name}: none"
        spot = default.spot if default else most.spot
        raise spot.error(f"not bounded by default, but at most {top} ({where})", clause=clause, hint=hint)
    if cast("float", default.value) > cast("float", most.value):
        value = units.format_limit(name, cast("float", default.value))
        lines = [f"{spot.file}:{spot.line}" for spot in (default.spot, most.spot)]
        message = f"the default {value} ({lines[0]}) is more than the max {top} ({lines[1]})"
        hint = f"write {name}: {{default: {value}, max: {value}}}, or lower the default"
        raise default.spot.error(message, clause=clause, hint=hint)


def _check_files(merged: Merged) -> None:
    """The files of a self-test stand beside each other and the source: no two can be one, nor one in the other."""
    path = ("language", "selftest", "files")
    names = list(merged.below(*path))
    for index, name in enumerate(names):
        for other in [cast("str", merged.value("language", "file")), *names[:index]]:
            if f"{name}/".startswith(f"{other}/") or f"{other}/".startswith(f"{name}/"):
                spot = merged.said[*path, name].spot
                message = f"{name} and {other} can't both be files in scratch"
                raise spot.error(message, clause=".".join((*path, name)), hint="give one of them another name")


def _need(merged: Merged, path: Path, keys: Sequence[str]) -> None:
    for key in keys:
        if (*path, key) not in merged.said:
            spot = cast("Spot", merged.spot(*path))
            hint = f"say {'.'.join((*path, key))}, or remove {path[-1]}"
            raise spot.error(f"needs `{key}`", clause=".".join(path), hint=hint)


def _check_variables(merged: Merged) -> None:
    """A variable that no job of this policy could have a value for is a mistake."""
    for path, said in merged.said.items():
        values = said.value if isinstance(said.value, tuple) else (said.value,)
        texts = [each for each in values if isinstance(each, str)]
        for text in texts:
            if variables.SOURCES not in variables.names_in(text):
                continue
            if path not in _COMMANDS or not variables.is_whole_word(text):
                hint = "make it an item of its own, of language.run or language.compile.run"
                message = f"{text!r} is one word, and {{{{ sources }}}} stands for several"
                raise said.spot.error(message, clause=".".join(path), hint=hint)
        for name in sorted(frozenset[str]().union(*(variables.names_in(text) for text in texts))):
            if (part := _unmet(merged, name)) is not None:
                message = f"{{{{ {name} }}}} has no value: the policy has no {part}"
                raise said.spot.error(message, clause=".".join(path), hint=f"say {part}, or write the value out")


def _unmet(merged: Merged, variable: str) -> str | None:
    if variable in {"file", "file.stem", variables.SOURCES}:
        return None if merged.has("language") else "language"
    if variable.startswith("runtime"):
        return None if merged.has("language", "runtime") else "language.runtime"
    return None


def _sources(merged: Merged) -> dict[str, Blame]:
    """Where each clause was said: the parts of one have the places of their own, the whole that of its last word."""
    sources: dict[str, Blame] = {}
    for path in [*DEFAULTS, *(("limits", name) for name in units.LIMITS)]:
        for length in range(1, len(path) + 1):
            clause = ".".join(path[:length])
            sources[clause] = _blame(clause, merged.spot(*path[:length]))
    for path, said in merged.said.items():
        for length in range(1, len(path) + 1):
            clause = ".".join(path[:length])
            sources[clause] = _blame(clause, said.spot)
    for path, said in merged.said.items():
        if path[-1] == "default" and "limits" in path:  # what holds is the default, whichever was said last
            clause = ".".join(path[:-1])
            sources[clause] = _blame(clause, said.spot)
    return sources


def _blame(clause: str, spot: Spot | None) -> Blame:
    if spot is None:
        return {"clause": clause, "source": "default", "file": None, "line": None}
    return {"clause": clause, "source": "file", "file": spot.file, "line": spot.line}


def _translate(error: ValidationError, sources: Mapping[str, Blame]) -> PolicyError:
    """The first finding of the model, in our words, at the nearest clause around it."""
    finding = error.errors(include_url=False, include_context=False, include_input=False)[0]
    clause = said = ".".join(str(part) for part in finding["loc"])
    while said and said not in sources:
        said = said.rpartition(".")[0]
    blame = sources.get(said)
    message = f"{finding['msg'][:1].lower()}{finding['msg'][1:]}"
    return PolicyError(message, file=blame and blame["file"], line=blame and blame["line"], clause=clause or None)
