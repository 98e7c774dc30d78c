"""What is executed in the jail, under which name, and in which environment."""

from __future__ import annotations

import os
import posixpath
import stat
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import UsageError
from sandbox_cli.plan import view
from sandbox_cli.policy.bounds import of_compile
from sandbox_cli.policy.variables import expand, substitute
from sandbox_cli.slots import FILE, SCRATCH, STEM, VALUE_FILE, VALUE_VARIABLE, as_word
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sandbox_cli.host.runtimes import Found
    from sandbox_cli.job import Job
    from sandbox_cli.policy.model import Language, Limit, Mount, Policy

# Nothing of the caller's environment: a policy and the job's own options add the rest.
FIXED = {"HOME": SCRATCH, "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"}
VALUE = {VALUE_VARIABLE: f"{SCRATCH}/{VALUE_FILE}"}  # policies and jobs can't say another


class Command(NamedTuple):
    """`words`: a path and arguments. `argv0`: what it sees as its own name."""

    words: list[str]
    argv0: str


class Program(NamedTuple):
    """`compile` comes before `command`, where there is one. `file`: the name of the code in scratch."""

    command: Command
    compile: Command | None
    file: str | None
    environment: dict[str, str]


def of_job(
    job: Job,
    policy: Policy,
    runtime: Found | None,
    mounts: Mapping[str, Mount],
    *,
    in_scratch: bool = True,
    venv: str | None = None,
) -> Program:
    """The program of `job`: its own command, or what the policy's language runs code with.

    `in_scratch` says that it works there: else the code, which stands in scratch, is named by its whole path.
    `venv` is a virtual environment that is to be as if its `activate` had been called.
    """
    given = job.get("command")
    if VALUE_VARIABLE in job.get("env", {}):
        hint = "the program writes its value to the path that it finds there"
        raise UsageError(f"-e: {VALUE_VARIABLE} is set by the sandbox itself", hint=hint)
    values = variables(runtime, policy.limits, code=given is None, in_scratch=in_scratch)
    environment = FIXED | {name: substitute(value, values) for name, value in policy.environment.items()} | VALUE
    if venv is not None:
        environment |= {"VIRTUAL_ENV": venv, "PATH": f"{venv}/bin:{environment['PATH']}"}
    if given is not None:
        if not given or not given[0]:
            raise UsageError("there is no program to run", hint="name it behind the options: -- COMMAND [ARGS]...")
        words = [find(given[0], mounts, environment["PATH"]), *given[1:]]
        return Program(Command(words, given[0]), None, None, environment)
    language = policy.language
    assert language is not None  # request.resolve sees to it

    def command(words: Sequence[str], values: Mapping[str, str]) -> Command:
        name, *arguments = expand(words, values, _sources(job, language, values["file"]))
        return Command([find(name, mounts, environment["PATH"]), *arguments], name)

    main = command(_words(language, capturing=job.get("value", False)), values)
    # A compiler works in scratch whatever the program works in: what it makes is nobody else's.
    compiling = variables(runtime, of_compile(policy), code=True)
    first = command(language.compile.run, compiling) if language.compile else None
    return Program(main, first, file_name(job, language), environment)


def _sources(job: Job, language: Language, code: str) -> list[str]:
    """The files of `-f` that are written in the language, in their order, and the code's own last.

    So what needs another file comes after it, where that matters (ocaml).
    """
    names = [name for _, name in job.get("files", []) if name.endswith(tuple(language.extensions))]
    return [*(code.replace(FILE, as_word(name)) for name in names), code]


def _words(language: Language, *, capturing: bool) -> Sequence[str]:
    """What runs the code; `capturing`: and gives back the value of its last expression."""
    if not capturing:
        return language.run
    if not language.value:
        hint = f"have the program write JSON to the path in ${VALUE_VARIABLE}: that works in every language"
        raise UsageError(f"--value can't capture a value of {language.name}", hint=hint)
    return language.value


def variables(
    runtime: Found | None, bounds: Mapping[str, Limit], *, code: bool, in_scratch: bool = True
) -> dict[str, str]:
    """The values of a policy's variables; those that only the run knows are slots."""
    values = {"scratch": SCRATCH, "limits.memory": str(_memory_bytes(bounds))}
    if code:
        values |= {"file": FILE if in_scratch else f"{SCRATCH}/{FILE}", "file.stem": STEM}
    if runtime is not None:
        values |= {"runtime": runtime.path, "runtime.prefix": runtime.prefix, "runtime.version": runtime.version or ""}
    return values


def _memory_bytes(bounds: Mapping[str, Limit]) -> int:
    """What there is for a program; the machine's, where nothing bounds it."""
    most = bounds["memory"].default
    return int(most) if most is not None else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def file_name(job: Job, language: Language) -> str:
    """A FILE keeps its own name; a snippet gets the policy's."""
    file = job.get("file")
    if file is None:
        return language.file
    name = posixpath.basename(file)
    if name in {"", ".", ".."}:
        raise UsageError(f"{quoted(file)} names no file", hint="name the file itself")
    return name


def find(name: str, mounts: Mapping[str, Mount], path: str) -> str:
    """The first executable of that name on `path`, through what the jail shows.

    A name with a slash is taken as it is. One that is found nowhere stays bare: the run then ends as a shell's
    would, with 127, and needs no jail for that.
    """
    if "/" in name:
        return name
    for folder in path.split(":"):
        candidate = posixpath.join(folder, name)
        if folder.startswith("/") and is_executable(view.locate(candidate, mounts)):
            return candidate
    return name


def is_executable(file: Path | None) -> bool:
    if file is None:
        return False
    mode = file.stat().st_mode
    return stat.S_ISREG(mode) and bool(mode & 0o111)
