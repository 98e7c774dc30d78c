"""A system call is judged by what the policy decides of it, and by what it does without a jail."""

from __future__ import annotations

import pytest

from sandbox_cli import policy
from sandbox_cli.verify.calls import UNTRIED, Answer, Call, call
from sandbox_cli.verify.filtering import Clause
from sandbox_cli.verify.syscalls import tried

OK, EPERM, EINVAL, EBADF, ENOSYS = Answer((0,)), Answer((-1,)), Answer((-22,)), Answer((-9,)), Answer((-38,))
KILLED, CRASHED = Answer(signal=31), Answer(signal=11)


@pytest.mark.parametrize(
    ("each", "inside", "outside", "verdict"),
    [
        (call("getpid"), OK, OK, "works"),
        (call("getpid"), EINVAL, EINVAL, "works"),
        (call("getpid"), EINVAL, OK, "works"),  # the kernel says no for reasons of its own
        (call("getpid"), EPERM, EPERM, "works"),
        (call("getpid"), EPERM, OK, "broken"),
        (call("getpid"), ENOSYS, OK, "broken"),
        (call("getpid"), KILLED, OK, "broken"),
        (call("getpid"), UNTRIED, OK, "untried"),
        (call("ptrace"), EPERM, EINVAL, "held"),
        (call("ptrace"), EPERM, EPERM, "held"),
        (call("ptrace"), EINVAL, EINVAL, "escaped"),
        (call("ptrace"), KILLED, EINVAL, "escaped"),  # it is to be refused, not to end the program
        (call("ptrace"), UNTRIED, EINVAL, "untried"),
        (call("clone3"), ENOSYS, EINVAL, "held"),
        (call("clone3"), EPERM, EINVAL, "escaped"),
        (Call("32:20"), EPERM, OK, "held"),
        (Call("32:20"), OK, OK, "escaped"),
        (Call("32:20"), CRASHED, CRASHED, "held"),  # a kernel that runs no 32-bit programs
        (Call("32:20"), EBADF, EBADF, "held"),
        (Call("32:20"), EBADF, OK, "escaped"),
    ],
)
def test_call_is_judged_by_what_is_decided_and_by_what_it_does_without_a_jail(
    each: Call, inside: Answer, outside: Answer, verdict: str
) -> None:
    made = tried("it", each, Clause.of(policy.load("command")))
    assert made.judge(inside, outside)[1] == verdict
