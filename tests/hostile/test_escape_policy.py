"""A policy pulled from a hostile repository: it is refused in one sentence, soon and in little memory, and nothing of
it is evaluated, shown or started. The control of each case is the same file without what is hostile in it."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import SandboxError
from tests.hostile.policies import FIELDS, GOOD, HOSTILE, TEMPLATES, Attempt, many
from tests.hostile.test_limits import SLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox
    from tests.cli.conftest import Command

LONGEST_S = 2 * SLOW
GROWTH_KIB = 200 << 10
SECRET = "root:$y$j9T$sandbox-secret-token:20228:0:99999:7:::"


class Told(NamedTuple):
    error: str
    hint: str
    took_s: float
    grew_kib: int


def told(path: Path | str) -> Told:
    """What loading it says ("": it loads), in a process of its own, so that no cache and no heap is there before."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(measured(str(path))).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as stream:
        said = stream.read()
    assert os.waitpid(child, 0)[1] == 0
    return Told(*json.loads(said))


def measured(path: str) -> Told:
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    before, began = peak_kib(), time.process_time()  # what it takes, whatever else this machine does
    error = hint = ""
    try:
        policy.load(path)
    except SandboxError as refusal:
        error, hint = str(refusal), refusal.hint or ""
    except BaseException as bug:  # noqa: BLE001 (whatever it is, the test is to say)
        error = f"Traceback: {bug!r}"[:1000]
    return Told(error, hint, time.process_time() - began, peak_kib() - before)


def peak_kib() -> int:
    found = re.search(r"^VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def check(said: Told, says: str) -> None:
    assert says in said.error, said
    assert "Traceback" not in said.error
    assert len(said.error) < 1000
    assert said.took_s < LONGEST_S
    assert said.grew_kib < GROWTH_KIB


@pytest.mark.parametrize("attempt", HOSTILE.values(), ids=[name.replace(" ", "-") for name in HOSTILE])
def test_a_hostile_policy_is_refused_soon_and_in_little_memory(tmp_path: Path, attempt: Attempt) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(attempt.text if isinstance(attempt.text, bytes) else attempt.text.encode())
    check(told(path), attempt.says)
    path.write_text(attempt.good, encoding="utf-8")
    control = told(path)
    assert control.error == ""
    assert control.took_s < LONGEST_S


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_a_policy_is_a_template(tmp_path: Path, field: str) -> None:
    path = tmp_path / "p.yaml"
    for template in TEMPLATES:
        path.write_text(f"extends: python\n{field.replace('@', template.replace(chr(39), chr(39) * 2))}\n")
        error = told(path).error
        assert error.startswith(f"{path}:2:") or "a second time" in error, error
        assert "49" not in error.replace(str(path), "")
    path.write_text("extends: python\nenvironment: {A: '{{ scratch }}', B: '{ {7*7} }', C: '${HOME}$(id)`id`%s'}\n")
    assert told(path).error == ""


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(1 << 30)


def in_memory(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def in_a_circle(path: Path) -> None:
    path.symlink_to(path.name)


def to_a_secret(path: Path) -> None:
    (path.parent / "shadow").write_text(SECRET)
    path.symlink_to(path.parent / "shadow")


def to_the_environment(path: Path) -> None:
    path.symlink_to("/proc/self/environ")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (sparse, "larger than 1 MiB"),
        (os.mkfifo, "not a regular file"),
        (endless, "not a regular file"),
        (Path.mkdir, "a directory, not a file"),
        (in_a_circle, "Too many levels of symbolic links"),
        (to_a_secret, "no policy by its name"),
        (to_the_environment, "no policy by its name"),
        (in_memory, "no policy by its name"),
    ],
)
@pytest.mark.parametrize("by", ["itself", "extends", "name"])
def test_what_is_no_file_of_a_policy_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], says: str, by: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SANDBOX_TESTS_SECRET", SECRET)
    folder = tmp_path / "sandbox" / "policies"
    folder.mkdir(parents=True)
    hostile, over = folder / "hostile.yaml", folder / "over.yaml"
    over.write_text("extends: ./hostile.yaml\n")
    what = {"itself": str(hostile), "extends": str(over), "name": "hostile"}[by]
    make(hostile)
    said = told(what)
    # What is in a place of policies is refused by its mode before anything else: /dev/zero is everybody's.
    check(said, "can change it, so it is not used" if make is endless else says)
    assert SECRET[:12] not in said.error + said.hint
    if hostile.is_dir() and not hostile.is_symlink():
        hostile.rmdir()
    hostile.unlink(missing_ok=True)
    hostile.write_text(GOOD)
    assert told(what).error == ""


def test_a_chain_of_a_thousand_files_is_refused_and_one_of_sixty_is_not(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.yaml").write_text(f"extends: ./{number + 1}.yaml\n")
    (tmp_path / "1000.yaml").write_text(GOOD)
    check(told(tmp_path / "0.yaml"), "more than 64 files")
    assert told(tmp_path / "940.yaml").error == ""


def test_sixty_files_that_are_each_within_their_bound_are_too_much_together(tmp_path: Path) -> None:
    for number in range(60):
        mounts = many(f"/m{number}x{{}}: tmpfs", 2400)
        (tmp_path / f"{number}.yaml").write_text(f"extends: ./{number + 1}.yaml\nfilesystem: {{{mounts}}}\n")
    (tmp_path / "60.yaml").write_text(GOOD)
    check(told(tmp_path / "0.yaml"), "more than 5000 values together")
    assert told(tmp_path / "60.yaml").error == ""


@pytest.mark.parametrize(
    "name",
    ["../policies/python", "..", "a/../../b.yaml", "\x1b[2J\x1b[Hpython", "py\u202enoht", "p\u0443thon", "py\nthon",
     " python", "python ", "$(id)", "`id`", "-p", "python\\", "{{ 7*7 }}", "x" * 5000, "\udcff", "\U000e0001python",
     "CON:", "/"],
)  # fmt: skip
def test_no_name_of_a_policy_is_more_than_a_name(command: Command, name: str) -> None:
    Path("marker.yaml").write_text(GOOD)
    done = command("exec", f"--policy={name}", "--", "touch", "x")
    assert done.code == 125
    first, *more = done.err.splitlines()
    assert first.startswith("sandbox: "), done.err
    assert more[-1].startswith("hint: "), done.err
    assert all(" " <= letter <= "~" for letter in done.err.replace("\n", "")), done.err
    assert "Traceback" not in done.err
    result = command("exec", "--json", f"--policy={name}", "--", "touch", "x").result
    assert (result["status"], result["receipt"]) == ("refused", None)
    assert command("policy", "show", f"--json={name}").code == 2
    assert command("policy", "check", "./marker.yaml").code == 0


@pytest.mark.parametrize("words", [["exec", "--", "true"], ["run", "-l", "python", "-c", ""], ["policy", "show"]])
def test_a_refused_policy_says_one_sentence_and_a_hint(command: Command, words: list[str]) -> None:
    hostile = Path("\x1b]0;owned\x07\u202elmay.yaml")
    hostile.write_text('netw\u043erk: "\u05d0"\n', encoding="utf-8")
    given = [words[0], "-p", f"./{hostile}", *words[1:]] if words[0] != "policy" else [*words, f"./{hostile}"]
    done = command(*given)
    assert done.code == (2 if words[0] == "policy" else 125)
    first, hint = done.err.splitlines()
    assert first.startswith("sandbox: "), done.err
    assert first.endswith(r"\x1b]0;owned\x07\u202elmay.yaml:1:1: unknown key 'netw\u043erk'"), done.err
    assert hint == "hint: did you mean `network`?"
    assert done.err.isascii()


def test_nothing_runs_under_a_policy_that_is_refused(sandbox: Sandbox, shared_tmp: Path) -> None:
    """What would run leaves a file in a directory that the policy hands it."""
    drop, file = shared_tmp / "drop", shared_tmp / "p.yaml"
    drop.mkdir()
    drop.chmod(0o777)
    good = f"extends: command\nfilesystem: {{{drop}: rw}}\n"
    words = ("exec", "-b", "bwrap", "--json", "-p", str(file), "--", "/bin/touch", f"{drop}/marker")
    for hostile in ("netwrk: host\n", "network: !x host\n", "network: {{ 7 }}\n", "filesystem: {}\n"):
        file.write_text(good + hostile)
        done = sandbox(*words)
        result = json.loads(done.stdout)
        assert (done.returncode, done.stderr, result["status"]) == (125, b"", "refused")
        assert result["receipt"] is result["usage"] is result["exit_code"] is None
        assert result["error"]["hint"]
        assert not list(drop.iterdir())
    file.write_text(good)
    assert sandbox(*words).returncode == 0
    assert [path.name for path in drop.iterdir()] == ["marker"]
