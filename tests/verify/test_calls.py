"""What the probe is sent and what it answers, as data."""

from __future__ import annotations

import pytest

from sandbox_cli.verify.calls import UNTRIED, Answer, Of, Out, answer, call, line


def test_attempt_is_a_letter_and_calls_by_their_number() -> None:
    calls = [call("openat", -100, "/é", 0), call("read", Of(0), Out(8), 8), call("execve", b"\x01/", ("a", ""), 0)]
    wanted = b"a 257 -100 x2fc3a9 0 ; 0 r0 o8 8 ; 59 x012f v61, 0\n"
    assert line(calls, "x86_64", "a") == wanted
    assert line([call("openat", 0)], "aarch64", "n") == b"n 56 0\n"


def test_call_that_a_machine_lacks_makes_no_attempt() -> None:
    assert line([call("open", "/", 0)], "aarch64", "a") is None


def test_call_of_a_32_bit_program_says_so() -> None:
    assert line([call("32:20")], "x86_64", "a") == b"a 32:20\n"


@pytest.mark.parametrize(
    ("said", "wanted", "calls", "word"),
    [
        (b"3 8 =6162 ", Answer((3, 8), (b"ab",)), 2, "ok"),
        (b"-13 ", Answer((-13,)), 2, "EACCES"),
        (b"-4000 ", Answer((-4000,)), 1, "errno 4000"),
        (b"!31", Answer(signal=31), 1, "SIGSYS"),
        (b"3 !25", Answer((3,), signal=25), 2, "SIGXFSZ"),
        (b".7", Answer(exited=7), 1, "exit 7"),
        (b"", Answer(), 1, "no answer"),
        (b"?", UNTRIED, 1, "not tried"),
    ],
)
def test_answer_tells_how_far_the_attempt_came(said: bytes, wanted: Answer, calls: int, word: str) -> None:
    found = answer(said)
    assert found == wanted
    assert found.word(calls) == word
    assert found.failed(calls) == (word != "ok")
