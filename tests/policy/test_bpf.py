"""The instructions, on the interpreter."""

from __future__ import annotations

from sandbox_cli.policy import bpf
from tests.policy.machine import ALLOW, EPERM, I386, X86_64, run

END = [bpf.answer(bpf.ALLOW)]
NO = [bpf.answer(bpf.ERRNO | 1)]


def test_an_instruction_is_a_sock_filter() -> None:
    assert bpf.answer(0x7FFF0000) == b"\x06\x00\x00\x00\x00\x00\xff\x7f"
    assert bpf.load_argument(1) == b"\x20\x00\x00\x00\x18\x00\x00\x00"


def test_when_equal_takes_its_branch_for_that_value_alone() -> None:
    program = b"".join([bpf.load_number(), *bpf.when_equal(7, NO), *END])
    assert [run(program, number) for number in (6, 7, 8)] == [ALLOW, EPERM, ALLOW]


def test_unless_equal_takes_its_branch_for_every_other_value() -> None:
    program = b"".join([bpf.load_architecture(), *bpf.unless_equal(X86_64, NO), *END])
    assert (run(program, 1, X86_64), run(program, 1, I386)) == (ALLOW, EPERM)


def test_when_at_least_includes_its_value() -> None:
    program = b"".join([bpf.load_number(), *bpf.when_at_least(7, NO), *END])
    assert [run(program, number) for number in (6, 7, 0xFFFFFFFF)] == [ALLOW, EPERM, EPERM]


def test_when_any_bit_looks_at_the_low_half_of_an_argument() -> None:
    program = b"".join([bpf.load_argument(2), *bpf.when_any_bit(0b110, NO), *END])
    answers = [run(program, 0, args=(7, 7, value)) for value in (0, 1, 2, 4, 7, 6 << 32)]
    assert answers == [ALLOW, ALLOW, EPERM, EPERM, EPERM, ALLOW]
