"""Which tests there are: those beside each policy, and its language's self-test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli import policy as policies
from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import folders, places, reading
from sandbox_cli.policy.testfile import Expected, PolicyTest, Words, read_tests
from sandbox_cli.run.tree import FOLDER, open_file
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox_cli.policy.model import Policy

SELFTEST = "selftest"


class Suite(NamedTuple):
    """The tests of one policy. `policy` is its name or path, as a job takes it; `contents` are those of their files."""

    policy: str
    tests: Sequence[PolicyTest]
    contents: Mapping[str, bytes]


def suites(named: Sequence[str]) -> list[Suite]:
    """Those of the named policies, test files and folders; of none, those of all policies that go by name.

    PolicyError for a test that can't be one, UsageError for a policy without any.
    """
    if named:
        each = dict.fromkeys(policy for word in named for policy in _policies(word))
        return [_suite(policy, asked=True) for policy in each]
    tried = [each.name for each in policies.available() if os.path.lexists(_beside(Path(each.path)))]
    found = [_suite(name, asked=False) for name in tried]
    if not found:
        raise UsageError("no policy has tests", hint=f"write them beside one: NAME{places.TESTS}{places.SUFFIX}")
    return found


def _policies(word: str) -> Iterable[str]:
    """What an argument stands for: itself, the policy of a test file, or every policy of a folder that has tests."""
    if folders.is_folder(word):
        files = [Path(word, name) for name in folders.names_in(word) if places.is_tests(name)]
        if not files:
            hint = f"tests stand beside their policy: NAME{places.TESTS}{places.SUFFIX}"
            raise UsageError(f"{quoted(word)} holds no tests", hint=hint)
        return [_tested(each) for each in files]
    return [_tested(Path(word)) if places.is_path(word) and places.is_tests(Path(word).name) else word]


def _suite(policy: str, *, asked: bool) -> Suite:
    loaded = policies.load(policy)
    file = Path(loaded.files[0])
    beside = _beside(file)
    tests = _selftest(loaded)
    if os.path.lexists(beside):
        own = read_tests(beside, guarded=places.by_path(beside).guarded)
        _check_names(tests, own)
        tests += own
    if asked and not tests:
        raise UsageError(f"policy {loaded.name} has no tests", hint=f"write them into {beside}")
    folder = beside.parent
    return Suite(policy, tests, {each.file: _content(folder, each) for each in tests if each.file is not None})


def _check_names(given: Sequence[PolicyTest], own: Sequence[PolicyTest]) -> None:
    taken = {each.name for each in given}
    for each in own:
        if each.name in taken:
            hint = "it is tried anyway: give this test another name"
            raise PolicyError(
                f"the name {each.name} is that of the policy's own self-test",
                file=each.source, line=each.line, clause=f"tests.{each.name}", hint=hint,
            )  # fmt: skip


def _selftest(policy: Policy) -> list[PolicyTest]:
    """What `language.selftest` says, as a test: its whole output, nothing on stderr, and nothing left in scratch."""
    given = policy.language.selftest if policy.language is not None else None
    if given is None:
        return []
    said = policy.sources.get("language.selftest.source")
    return [
        PolicyTest(
            name=SELFTEST,
            source=(said["file"] if said else None) or policy.files[0],
            line=said["line"] if said else None,
            expected=Expected(status="ok", stdout=Words(given.stdout), stderr=Words(""), artifacts={}),
            code=given.source,
            args=given.args,
            stdin=given.stdin.encode(),
            files={name: text.encode() for name, text in given.files.items()},
            collect=("**",),
        )
    ]


def _beside(policy: Path) -> Path:
    """python.yaml -> python.test.yaml."""
    return policy.with_name(f"{policy.stem}{places.TESTS}{policy.suffix}")


def _tested(tests: Path) -> str:
    """python.test.yaml -> python.yaml. In a form that is a path, whatever the folder."""
    policy = tests.with_name(tests.stem.removesuffix(places.TESTS) + tests.suffix)
    if not os.path.exists(policy):  # noqa: PTH110 (pathlib's raises for what stands behind a closed folder)
        hint = f"tests stand beside their policy, and {policy.name} is not there"
        raise UsageError(f"{quoted(str(tests))} has no policy", hint=hint)
    return str(policy) if places.is_path(str(policy)) else f"./{policy}"


def _content(folder: Path, test: PolicyTest) -> bytes:
    """Of a file that a test names. No link is followed: whoever writes a test can't have another file of the host's."""
    assert test.file is not None
    try:
        top = os.open(folder, FOLDER & ~os.O_NOFOLLOW)
        try:
            descriptor = open_file(top, os.fsencode(test.file))
        finally:
            os.close(top)
        try:
            content = os.read(descriptor, reading.LARGEST + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unusable(test, f"can't be read: {error.strerror}") from None
    if len(content) > reading.LARGEST:
        raise _unusable(test, "is larger than 1 MiB")
    return content


def _unusable(test: PolicyTest, why: str) -> PolicyError:
    hint = "name a regular file that stands beside the tests; links are not followed"
    clause = f"tests.{test.name}.file"
    return PolicyError(
        f"the file {quoted(test.file or '')} {why}", file=test.source, line=test.line, clause=clause, hint=hint
    )
