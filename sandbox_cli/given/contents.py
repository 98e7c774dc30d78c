"""Files that a job is given by their content: a name below scratch, and the bytes."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from sandbox_cli.errors import UsageError
from sandbox_cli.given.files import ITSELF, collide
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandbox_cli.run.model import Input

_BELOW = "a name is a path below the job's own directory, such as data/in.csv"
_LONGEST = 255  # bytes of one part of a path (NAME_MAX)
_LONGEST_PATH = 4095  # PATH_MAX, without its NUL


def names(given: Iterable[str]) -> dict[str, str]:
    """Each name as it is written in its shortest form. Raises UsageError for one that can't be a file of scratch."""
    normal: dict[str, str] = {}
    files, folders = set[str](), set[str]()
    for name in given:
        _check(name)
        path = posixpath.normpath(name)
        above = list(_above(path))
        if path in files:
            raise UsageError(f"files: {quoted(path)} is there twice", hint="give one of them another name")
        if both := next((each for each in (path, *above) if each in (folders if each == path else files)), None):
            message = f"files: {quoted(both)} can't be a file and a folder"
            raise UsageError(message, hint="give one of them another name")
        normal[name] = path
        files.add(path)
        folders.update(above)
    return normal


def _above(path: str) -> Iterator[str]:
    """The folders that a path leads through."""
    while path := posixpath.dirname(path):
        yield path


def inputs(given: Mapping[str, bytes], code: str | None) -> list[Input]:
    """What of `given` is put into scratch; `code` is the name that the job's code has there."""
    found: list[Input] = []
    for name, path in names(given).items():
        if code is not None and collide(path, code):
            raise UsageError(f"files: {quoted(code)} is the code's own name in scratch", hint="give it another name")
        found.append((os.fsencode(path), given[name], 0o644))
    return found


def _check(name: str) -> None:
    if len(os.fsencode(name)) > _LONGEST_PATH:
        raise UsageError(f"files: {quoted(name[:40])}... is longer than a path can be", hint=f"{_LONGEST_PATH} bytes")
    parts = name.split("/")
    if not name or "\0" in name or name.endswith("/") or posixpath.normpath(name) == ITSELF:
        raise UsageError(f"files: {quoted(name)} names no file", hint=_BELOW)
    if name.startswith("/") or ".." in parts:
        raise UsageError(f"files: {quoted(name)} leads out of scratch", hint=_BELOW)
    if any(len(os.fsencode(part)) > _LONGEST for part in parts):
        raise UsageError(f"files: {quoted(name[:40])}... is longer than a name can be", hint=f"{_LONGEST} bytes")
