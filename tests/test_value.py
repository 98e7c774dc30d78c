"""A value that a stranger wrote: strict JSON within bounds, or one sentence that says why not."""

from __future__ import annotations

import json
import time

import pytest

from sandbox_cli.cli.output import as_line
from sandbox_cli.result import as_json
from sandbox_cli.value import DEEPEST, MOST_DIGITS, parse
from tests.test_result import outcome

MIB = 1 << 20


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"null", None),
        (b' {"a": [1, -2.5e3, true, "\xc3\xa4"]}\r\n', {"a": [1, -2500.0, True, "ä"]}),
        (b'"\\u00e4\\n\\ud83d\\ude00"', "ä\n😀"),
        (b"9" * MOST_DIGITS, 10**MOST_DIGITS - 1),
        (b"1e-999999", 0.0),
        (b"[" * DEEPEST + b"]" * DEEPEST, json.loads("[" * DEEPEST + "]" * DEEPEST)),
        (b'"' + b"[" * MIB + b'"', "[" * MIB),
        (b'"' + b'\\\\\\"[' * 1000 + b'"', '\\"[' * 1000),
    ],
    ids=range(8),
)
def test_json_is_the_value_that_it_says(content: bytes, value: object) -> None:
    assert parse(content) == (value, None)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" ", "is not JSON: expecting value (line 1, column 2)"),
        (b"{'a': 1}", "is not JSON: expecting property name"),
        (b"[1,]", "is not JSON"),
        (b"1 2", "is not JSON: extra data (line 1, column 3)"),
        (b"{}\n{}", "is not JSON: extra data (line 2, column 1)"),
        (b"1\0", "is not JSON: extra data"),
        (b'"\0"', "is not JSON: invalid control character"),
        (b'"a', "is not JSON: unterminated string"),
        (b"\xef\xbb\xbf1", "is not JSON: unexpected UTF-8 BOM"),
        (b"\xff\xfe1\0", "is not UTF-8: byte 0xff at 0"),
        (b'"\xed\xa0\x80"', "is not UTF-8: byte 0xed at 1"),
        (b"[NaN]", "NaN is no number of JSON"),
        (b"-Infinity", "-Infinity is no number of JSON"),
        (b"[1e999999]", "a number that is too large"),
        (b"9" * (MOST_DIGITS + 1), f"a number of more than {MOST_DIGITS} digits"),
        (b"0." + b"9" * MIB, f"a number of more than {MOST_DIGITS} digits"),
        (b'{"a": 1, "a": 1}', "a key stands twice in one object"),
        (b'{"a": 1, "\\u0061": 1}', "a key stands twice in one object"),
        (b"[" * MIB, f"nested deeper than {DEEPEST} levels"),
        (b'{"a":' * (DEEPEST + 1), f"nested deeper than {DEEPEST} levels"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), f"nested deeper than {DEEPEST} levels"),
    ],
    ids=range(22),
)
def test_whatever_is_not_strict_json_is_no_value_and_one_line_says_why(content: bytes, why: str) -> None:
    value, error = parse(content)
    assert value is None
    assert error is not None
    assert error.startswith("$SANDBOX_VALUE ")
    assert why in error
    assert error.isprintable()
    assert len(error) < 200


def test_a_program_without_a_value_may_say_why_and_no_more_than_a_line() -> None:
    assert parse(b"!Object of type set\n is no JSON\xff") == (
        None,
        r"the program says: Object of type set is no JSON\xff",
    )
    assert len(parse(b"!" + b"x" * MIB)[1] or "") < 400


@pytest.mark.parametrize(
    "content",
    [b"[" + b"[]," * (MIB // 3) + b"1]", b'"' + b'\\"' * (MIB // 2 - 2), b'"' * MIB, b"9" * MIB, b'{"":' * (MIB // 4)],
    ids=["many lists", "an open string", "quotes", "digits", "open objects"],
)
def test_a_megabyte_made_to_be_slow_takes_no_time(content: bytes) -> None:
    began = time.process_time()
    parse(content)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'"\\udcff"', r"\xff"),
        (b'{"\\ud800": [1]}', {r"\xed\xa0\x80": [1]}),
        (b'[1, {"a": null}]', [1, {"a": None}]),
        (b"9" * MOST_DIGITS, 10**MOST_DIGITS - 1),
    ],
)
def test_a_value_reaches_the_result_as_every_reader_can_have_it(content: bytes, value: object) -> None:
    result = json.loads(as_line(as_json(outcome(value=content))))
    assert (result["value"], result["value_error"]) == (value, None)


def test_a_result_has_why_there_is_no_value() -> None:
    assert as_json(outcome(value=b"{"))["value_error"] is not None
    told = as_json(outcome(value_error="$SANDBOX_VALUE is no regular file"))
    assert (told["value"], told["value_error"]) == (None, "$SANDBOX_VALUE is no regular file")
