"""The instructions, on the interpreter."""

from __future__ import annotations

import pytest

from sandbox_cli.policy import bpf
from tests.policy.machine import ALLOW, EPERM, I386, X86_64, run

END = [bpf.answer(bpf.ALLOW)]
NO = [bpf.answer(bpf.ERRNO | 1)]


def test_an_instruction_is_a_sock_filter() -> None:
    assert bpf.answer(0x7FFF0000) == b"\x06\x00\x00\x00\x00\x00\xff\x7f"
    assert bpf.load_argument(1) == b"\x20\x00\x00\x00\x18\x00\x00\x00"
    assert bpf.load_argument(1, high=True) == b"\x20\x00\x00\x00\x1c\x00\x00\x00"


@pytest.mark.parametrize("length", [1, 2, 255, 256, 3000])
def test_when_equal_takes_its_branch_for_that_value_alone_however_long_it_is(length: int) -> None:
    program = b"".join([bpf.load_number(), *bpf.when_equal(7, [bpf.load_number()] * (length - 1) + NO), *END])
    assert [run(program, number) for number in (6, 7, 8)] == [ALLOW, EPERM, ALLOW]


def test_unless_equal_takes_its_branch_for_every_other_value() -> None:
    program = b"".join([bpf.load_architecture(), *bpf.unless_equal(X86_64, NO), *END])
    assert (run(program, 1, X86_64), run(program, 1, I386)) == (ALLOW, EPERM)


def test_when_at_least_includes_its_value() -> None:
    program = b"".join([bpf.load_number(), *bpf.when_at_least(7, NO), *END])
    assert [run(program, number) for number in (6, 7, 0xFFFFFFFF)] == [ALLOW, EPERM, EPERM]


@pytest.mark.parametrize("values", [(3,), (3, 5), (3, 5, 9, 0)])
def test_skips_look_at_each_of_their_values(values: tuple[int, ...]) -> None:
    unless = b"".join([bpf.load_number(), *bpf.skip_unless(values, 1), *NO, *END])
    unlike = b"".join([bpf.load_number(), *bpf.skip_if(values, 1), *NO, *END])
    for number in range(11):
        assert run(unless, number) == (EPERM if number in values else ALLOW)
        assert run(unlike, number) == (ALLOW if number in values else EPERM)


def test_keep_bits_drops_the_others() -> None:
    program = b"".join([bpf.load_argument(2), bpf.keep_bits(0b110), *bpf.when_equal(4, NO), *END])
    answers = [run(program, 0, args=(7, 7, value)) for value in (0, 1, 4, 5, 6, 4 | 6 << 32)]
    assert answers == [ALLOW, ALLOW, EPERM, EPERM, ALLOW, EPERM]
