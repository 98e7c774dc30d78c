"""One request to run something, as data: the names are those of batch lines, MCP arguments and the Python API.

Exactly one of `code`, `file` and `command` is given. Text that came from a command line may hold
surrogate escapes (PEP 383): it reaches the program byte for byte.
"""

from __future__ import annotations

from typing import TypedDict


class Job(TypedDict, total=False):
    """A job; every key may be left out, but one of `code`, `file`, `command` must be there."""

    id: str
    language: str | None  # "python", "python@3.12"
    code: bytes | None  # a snippet; it is named as the policy's language.file says
    file: str | None  # a path on the host; it keeps its own name in scratch
    command: list[str] | None  # a program and its arguments
    args: list[str]
    files: list[tuple[str, str]]  # (path on the host, path below scratch)
    workspace: str | None  # DIR or DIR:ro: the working directory, at its own path
    env: dict[str, str]
    venv: str | None  # a virtual environment of Python on the host: its packages can be imported
    policy: str | None  # a name, or a path (it holds a "/" or ends in ".yaml")
    locked: bool  # only a policy that is in the lock beside its file, as it stands there
    limits: dict[str, str]  # {"memory": "1GiB"}
    network: str | None  # "none": it can only tighten
    collect: list[str]  # globs of artifacts
    backend: str | None
    best_effort: bool
    audit: str | None  # a file on the host that gets one line about the job, beside those that are demanded anyway
    value: bool  # the value of the code's last expression is given back, where its language can
    terminal: bool  # somebody sits at one: of the limits on time and output it asks for the policy's maxima
