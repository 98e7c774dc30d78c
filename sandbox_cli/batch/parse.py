"""A line of JSON as a document: strictly, since what two readers understand differently is no job."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn, cast

from sandbox_cli.errors import UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from sandbox_cli.batch.lines import Line

_ONE_OBJECT = 'a line is one JSON object, such as {"language": "python", "code": "print(1)"}'
_MOST_ID = 200  # characters, as docs/job.schema.json has it


def document_of(line: Line) -> dict[str, Any]:
    """Raises UsageError for what is no JSON object."""
    if line.text is None:
        raise UsageError("it is longer than 64 MiB", hint="give large data in a file: `workspace` shows a directory")
    try:
        document: object = _DECODER.decode(line.text.decode("utf-8-sig"))  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        at = f"byte 0x{line.text[error.start]:02x} at {error.start + 1}"
        raise UsageError(f"it is not UTF-8: {at}", hint='bytes go in as {"base64": "..."}') from None
    except json.JSONDecodeError as error:
        words = f"{error.msg[:1].lower()}{error.msg[1:]}"
        raise UsageError(f"it is no JSON: {words} at column {error.colno}", hint=_ONE_OBJECT) from None
    except ValueError:  # an integer of thousands of digits
        raise UsageError("it is no JSON that can be read: a number is too long", hint=_ONE_OBJECT) from None
    except RecursionError:
        raise UsageError("it is no job: it is nested too deeply", hint=_ONE_OBJECT) from None
    if not isinstance(document, dict):
        raise UsageError("it is no JSON object", hint=_ONE_OBJECT)
    return cast("dict[str, Any]", document)


def id_of(document: dict[str, Any]) -> str | None:
    """The id that a job gives itself, where it is one."""
    given = document.get("id")
    if not isinstance(given, str) or not 1 <= len(given) <= _MOST_ID:
        return None
    try:
        given.encode()
    except UnicodeEncodeError:
        return None
    return given


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise UsageError(f"key {quoted(twice)} is there twice", hint="leave one of them out")
    return found


def _no_number(word: str) -> NoReturn:
    raise UsageError(f"{word} is no JSON", hint="JSON has no such number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number)
