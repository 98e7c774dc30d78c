"""What can be said of a job from Python. Each name means the same in JSON (docs/job.schema.json)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import IO, Literal, TypedDict

OnOutput = Callable[[Literal["stdout", "stderr"], bytes], object]

Words = Sequence[str]
Path = str | PathLike[str]


class SandboxOptions(TypedDict, total=False):
    """What a `Sandbox` may say for all of its jobs. None is as if it were left out."""

    language: str | None  # of the code: "python", or "python@3.12"
    limits: Mapping[str, str | float] | None  # within the policy's maxima: {"memory": "1GiB", "processes": 8}
    env: Mapping[str, str] | None  # variables of the program, which has none of the caller's
    files: Mapping[str, str | bytes | PathLike[str]] | None  # name -> content, or the path of a file or folder to copy
    network: str | None  # "none" takes away the network that a policy gives
    collect: Words | None  # globs of the files that come back; default: the policy's
    backend: str | None  # bwrap, nsjail or firejail; default: the first that serves
    workspace: Path | None  # a directory to work in, which keeps its files: DIR, or "DIR:ro"
    value: bool  # have the value of the code's last expression given back
    capture: str | int  # how much of each stream is kept: "1MiB", or a number of bytes; default: 1MiB
    venv: Path | None  # a virtual environment of Python whose packages can be imported
    best_effort: bool  # accept that limits are held less well than the policy requires
    locked: bool  # only a policy that stands in the lock beside its file


class JobOptions(SandboxOptions, total=False):
    """What one job says beside. Exactly one of `code`, `file` and `command` is given."""

    file: Path | None  # a file of this machine with the program's text, in place of `code`
    command: Words | None  # a program that the jail shows, and its arguments, in place of `code`
    args: Words | None  # arguments of the program
    stdin: str | bytes | IO[str] | IO[bytes] | int | None  # content, an open file or an fd; None: nothing to read
    on_output: OnOutput | None  # called with ("stdout" or "stderr", bytes) as they come
    id: str | None  # what the result is known by; else it is made


class RunOptions(JobOptions, total=False):
    """What a job of its own says, without a `Sandbox`."""

    policy: Path | None  # a name, or a path: it holds a / or ends in .yaml; default: the language's, or `command`
    audit: Path | None  # a file that gets a line about the job
