"""What lines ask for: an object, strictly, and an id that nobody else has."""

from __future__ import annotations

import pytest

from sandbox_cli.batch.jobs import Asked, Jobs
from sandbox_cli.batch.lines import Line
from sandbox_cli.batch.seen import Seen


def asked(*texts: bytes | None, finished: tuple[str, ...] = ()) -> list[Asked]:
    with Seen() as seen, Seen() as before:
        for each in finished:
            before.add(each)
        return list(Jobs([Line(number, text) for number, text in enumerate(texts, 1)], seen, before))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"nothing", "it is no JSON: expecting value at column 1"),
        (b'{"a": 1} {"b": 2}', "it is no JSON: extra data at column 10"),
        (b'{"a": 1', "it is no JSON: expecting ',' delimiter at column 8"),
        (b'{"a": "\x01"}', "it is no JSON: invalid control character at at column 8"),
        (b"\xff\xfe{\x00}\x00", "it is not UTF-8: byte 0xff at 1"),
        (b'{"code": "\xe4"}', "it is not UTF-8: byte 0xe4 at 11"),
        (b"[]", "it is no JSON object"),
        (b'"text"', "it is no JSON object"),
        (b"NaN", "NaN is no JSON"),
        (b'{"limits": {"memory": -Infinity}}', "-Infinity is no JSON"),
        (b'{"code": "1", "code": "2"}', "key 'code' is there twice"),
        (b'{"env": {"A": "1", "A": "1"}}', "key 'A' is there twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "it is no JSON that can be read: a number is too long"),
        (b"[" * 100_000, "it is no job: it is nested too deeply"),
        (None, "it is longer than 64 MiB"),
    ],
    ids=range(15),
)
def test_what_is_no_job_is_known_by_its_line_and_takes_no_jobs_number(text: bytes | None, problem: str) -> None:
    first, second, third = asked(b'{"code": "1"}', text, b'{"code": "3"}')
    assert (first.problem, third.problem) == (None, None)
    assert (second.id, second.line, str(second.problem)) == ("line 2", 2, problem)


def test_mark_at_the_beginning_of_a_file_is_no_mistake() -> None:
    (found,) = asked(b'\xef\xbb\xbf{"id": "a", "code": "1"}')
    assert (found.id, found.problem) == ("a", None)


def test_job_without_an_id_is_known_by_its_line() -> None:
    found = asked(b'{"id": "a", "code": "1"}', b"", b"  \t", b'{"code": "2"}', b'{"id": null, "code": "3"}')
    assert [(each.id, each.line, each.request and (each.request.id, each.request.code)) for each in found] == [
        ("a", 1, ("a", "1")),
        ("4", 4, ("4", "2")),
        ("5", 5, ("5", "3")),
    ]


@pytest.mark.parametrize("given", [b"7", b'""', b'"\\ud800"', b'"' + b"x" * 201 + b'"'])
def test_what_can_be_no_id_makes_a_line_no_job(given: bytes) -> None:
    (found,) = asked(b'{"code": "1", "id": ' + given + b"}")
    assert (found.id, found.request) == ("line 1", None)
    assert "id" in str(found.problem)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b'{"id": "k", "command": ["true"], "bogus": 1}', "there is no key 'bogus' in a job"),
        (b'{"id": "k", "command": "true"}', "command: input should be a valid list"),
        (b'{"id": "k"}', "a job is exactly one of code, file and command, and none is given"),
        (
            b'{"id": "k", "code": "1", "file": "x"}',
            "a job is exactly one of code, file and command, and code and file are given",
        ),
    ],
    ids=["key", "type", "nothing", "two"],
)
def test_line_that_is_no_job_leaves_its_id_to_the_one_that_is_mended(document: bytes, problem: str) -> None:
    first, second = asked(document, b'{"id": "k", "code": "1"}')
    assert (first.id, str(first.problem)) == ("line 1", problem)
    assert (second.id, second.problem) == ("k", None)
    (mended,) = asked(b'{"id": "k", "code": "1"}', finished=("line 1",))
    assert mended.id == "k"


def test_second_use_of_an_id_is_a_problem_with_an_id_of_its_own() -> None:
    found = asked(
        b'{"id": "a", "code": "1"}',
        b'{"id": "4", "code": "1"}',
        b'{"id": "a", "code": "1"}',
        b'{"code": "1"}',
        b'{"id": "line 3", "code": "1"}',
        b"not this",
    )
    assert [(each.id, each.problem and str(each.problem)) for each in found] == [
        ("a", None),
        ("4", None),
        ("line 3", "id 'a' was used before"),
        ("line 4", "id '4' was used before"),
        ("line 5", "id 'line 3' was used before"),
        ("line 6", "it is no JSON: expecting value at column 1"),
    ]


def test_every_line_that_has_a_result_is_passed_over_the_next_time() -> None:
    texts = (
        b'{"id": "a", "code": "1"}',
        b'{"id": "4", "code": "1"}',
        b'{"id": "a", "code": "1"}',
        b'{"code": "1"}',
        b'{"id": "line 3", "code": "1"}',
        b"not this",
        None,
        b'{"id": 3, "code": "1"}',
    )
    ids = [each.id for each in asked(*texts)]
    assert len(set(ids)) == len(texts)
    for one in range(len(ids)):
        assert [each.id for each in asked(*texts, finished=(*ids[:one], *ids[one + 1 :]))] == [ids[one]]


def test_key_among_many_that_is_there_twice_is_named() -> None:
    keys = ", ".join(f'"a{number}": 0' for number in range(100_000))
    (found,) = asked(f'{{{keys}, "a7": 0}}'.encode())
    assert str(found.problem) == "key 'a7' is there twice"
