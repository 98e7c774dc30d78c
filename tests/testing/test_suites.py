"""Which tests there are, and that a test file can't have another file of the host's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import places
from sandbox_cli.testing.suites import suites

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[str, str], Path]

ALLOWED = "tests: {works: {code: x, expect: allowed}}\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """A file in the current directory, on a machine without policies of its own."""
    monkeypatch.setattr(places, "SYSTEM", tmp_path / "etc")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def written(name: str, text: str) -> Path:
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


def named(*words: str) -> dict[str, list[str]]:
    return {each.policy: [test.name for test in each.tests] for each in suites(words)}


def test_the_selftest_of_a_language_is_a_test_of_every_policy_that_inherits_it(write: Write) -> None:
    write("mine.yaml", "extends: python\n")
    assert named("./mine.yaml") == {"./mine.yaml": ["selftest"]}
    write("mine.test.yaml", ALLOWED)
    assert named("./mine.yaml") == {"./mine.yaml": ["selftest", "works"]}


def test_without_a_name_every_policy_that_has_tests_is_tried() -> None:
    found = named()
    assert found.keys() == {path.stem for path in places.built_in()}
    assert all(found.values())


@pytest.mark.parametrize("word", ["./", "./mine.test.yaml", "mine.test.yaml", "./mine.yaml"])
def test_a_folder_a_test_file_and_a_policy_lead_to_the_same_tests(write: Write, word: str) -> None:
    write("mine.yaml", "extends: _base\n")
    write("other.yaml", "extends: _base\n")
    write("mine.test.yaml", ALLOWED)
    assert list(named(word).values()) == [["works"]]


def test_what_is_named_twice_is_tried_once(write: Write) -> None:
    write("mine.yaml", "extends: _base\n")
    write("mine.test.yaml", ALLOWED)
    assert len(suites(["./mine.yaml", "./mine.yaml"])) == 1


@pytest.mark.parametrize(
    ("word", "told"),
    [("./none.yaml", "policy none has no tests"), ("./empty/", "holds no tests"), ("./x.test.yaml", "has no policy")],
)
def test_where_there_are_no_tests_that_is_said(write: Write, word: str, told: str) -> None:
    write("none.yaml", "extends: _base\n")
    write("x.test.yaml", ALLOWED)
    write("empty/other.yaml", "extends: _base\n")
    with pytest.raises(UsageError, match=told):
        suites([word])


def test_a_test_that_is_called_as_the_selftest_is_refused(write: Write) -> None:
    write("mine.yaml", "extends: python\n")
    path = write("mine.test.yaml", "tests:\n  selftest: {code: x, expect: allowed}\n")
    with pytest.raises(PolicyError, match="own self-test") as caught:
        suites(["./mine.yaml"])
    assert (caught.value.file, caught.value.line) == (str(path), 2)


def test_a_file_that_stands_beside_the_tests_is_read(write: Write) -> None:
    write("mine.yaml", "extends: python\n")
    write("mine.test.yaml", "tests: {works: {file: programs/x.py, expect: allowed}}\n")
    write("programs/x.py", "print(1)\n")
    (found,) = suites(["./mine.yaml"])
    assert found.contents == {"programs/x.py": b"print(1)\n"}


@pytest.mark.parametrize("kind", ["missing", "link", "linked folder", "fifo", "directory", "device", "large"])
def test_what_is_no_plain_file_beside_the_tests_is_refused_with_its_place(
    write: Write, tmp_path: Path, kind: str
) -> None:
    write("mine.yaml", "extends: python\n")
    name = "folder/secret" if kind == "linked folder" else "x.py"
    tests = write("mine.test.yaml", f"tests:\n  works: {{file: {name}, expect: allowed}}\n")
    secret = tmp_path / "secret"
    secret.write_text("what only the host may see\n")
    here = tests.parent
    match kind:
        case "link":
            (here / "x.py").symlink_to(secret)
        case "linked folder":
            (here / "folder").symlink_to(tmp_path)
        case "fifo":
            os.mkfifo(here / "x.py")
        case "directory":
            (here / "x.py").mkdir()
        case "device":
            (here / "x.py").symlink_to("/dev/zero")
        case "large":
            (here / "x.py").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(PolicyError) as caught:
        suites(["./mine.yaml"])
    assert (caught.value.file, caught.value.line) == (str(tests), 2)
    assert "only the host" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["yaml", "yml"])
def test_the_current_folder_is_one_too(write: Write, suffix: str) -> None:
    write(f"mine.{suffix}", "extends: _base\n")
    write(f"mine.test.{suffix}", ALLOWED)
    assert list(named(".").values()) == [["works"]]


@pytest.mark.parametrize("word", ["./" + "x" * 300, "x" * 300 + ".test.yaml", "here", "./here"])
def test_what_leads_to_no_tests_is_a_mistake_of_the_caller(write: Write, word: str) -> None:
    write("here/mine.yaml", "extends: _base\n")
    with pytest.raises((UsageError, PolicyError)):
        named(word)
