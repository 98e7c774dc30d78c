"""What a run is given beside its Plan: plain data, imported for the type checker alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.run.live import Show

    Target = int | Callable[[bytes], object] | None  # what is called must be quick, and must not raise

# (name below scratch, content | path on the host, mode). A mode with S_IFDIR means a folder and all that is in it;
# its name may be empty: then that is put right into scratch, beside what is named before it.
Input = tuple[bytes, bytes | str, int]


class Terminal(TypedDict):
    """The caller's terminal, for a job that gets one of its own; it is raw by then, and the Work's stdin."""

    fd: int
    modes: list[Any]  # as termios has them: the caller's before it was raw, and those that the job's begins with
    resized: int  # an fd; what can be read from it means that the size may be another


class Work(TypedDict):
    """One job's own part. Fds stay the caller's: they are used, never closed, and never reach the job."""

    id: str
    arguments: list[bytes]
    file: bytes | None  # the name of the job's program below scratch
    inputs: list[Input]
    environment: list[bytes]  # "K=V"; goes over the plan's
    stdin: int | bytes | None  # an fd that is relayed, the whole content, or nothing
    stdout: Target  # where output goes as it comes; None: it is only kept
    stderr: Target
    capture: int  # bytes that are kept of each stream
    collect: Literal["none", "inline", "save", "replace"]  # the last two below output_dir; "replace" over what is there
    output_dir: str | None  # an absolute path without links: a job may reach it, and put one there
    live: NotRequired[Show | None]  # told at intervals how a long job is doing
    keep: NotRequired[str | None]  # a directory to be made, where scratch is copied to when the job is over
    terminal: NotRequired[Terminal | None]  # None: the job gets pipes
    turns: NotRequired[int | None]  # an fd (turns.py): the program waits at its gate until it is its turn
    cancel: int | None  # an fd; a byte that can be read from it is the number of the signal that cancels the job
