"""The value that a job gives back: JSON by the letter of its standard, since a stranger wrote it. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, NoReturn

from sandbox_cli.slots import VALUE_VARIABLE
from sandbox_cli.text import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

DEEPEST = 100  # lists and objects within one another: what reads the result has to go as deep
MOST_DIGITS = 4300  # of a number: what Python itself reads where nobody told it otherwise
NO_VALUE = b"!"  # begins what a program writes that has no value and says why: no JSON begins so
_LONGEST_REASON = 300
_IT = f"${VALUE_VARIABLE}"
# A string (with its end, if it has one: so that no two looks begin in the same one), or what goes a level down or up.
_LEVELS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


def parse(content: bytes) -> tuple[object, str | None]:
    """The value that `content` says, or None and why it says none."""
    if content.startswith(NO_VALUE):
        said = " ".join(readable(content[1:]).split())
        return None, f"the program says: {said[:_LONGEST_REASON]}"
    if not content:
        return None, f"{_IT} is empty"
    try:
        text = content.decode()
        _check_depth(text)
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_number
        ), None
    except UnicodeDecodeError as error:
        return None, f"{_IT} is not UTF-8: byte 0x{content[error.start]:02x} at {error.start}"
    except json.JSONDecodeError as error:
        return (
            None,
            f"{_IT} is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (line {error.lineno}, column {error.colno})",
        )
    except ValueError as error:
        return None, f"{_IT} is not JSON as all read it: {error}"


def _check_depth(text: str) -> None:
    depth = 0
    for found in _LEVELS.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST} levels")
        elif found[0] in "]}":
            depth -= 1


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of more than {MOST_DIGITS} digits")
    return int(digits)


def _number(text: str) -> float:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of more than {MOST_DIGITS} digits")
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number that is too large")
    return number
