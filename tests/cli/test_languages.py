"""`sandbox languages` lists what can be run here, and says why not what can't."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox

SLOW = '#include <unistd.h>\nint main(void) { sleep(1); return write(1, "slow 1.5\\n", 9) != 9; }'
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "languages.schema.json"


def listed(sandbox: Sandbox, **options: Any) -> dict[str, dict[str, Any]]:
    answer = sandbox.json("languages", **options)
    jsonschema.validate(answer, json.loads(SCHEMA.read_text()))
    return {each["name"]: each for each in answer["languages"]}


def test_every_language_has_a_default_runtime_or_the_reason_why_not(sandbox: Sandbox) -> None:
    languages = listed(sandbox)
    assert {"python", "sh", "bash"} <= set(languages)
    for each in languages.values():
        assert [runtime["default"] for runtime in each["runtimes"]].count(True) == bool(each["runtimes"])
        assert (each["missing"] is None) == bool(each["runtimes"])


def test_a_version_is_the_runtimes_own_and_no_other_number_of_its_answer(sandbox: Sandbox) -> None:
    """None of what is shipped is older than its version 1: 0.012 were the seconds that Free Pascal began with."""
    told = {
        (name, runtime["version"])
        for name, each in listed(sandbox).items()
        for runtime in each["runtimes"]
        if runtime["version"] is not None
    }
    assert {(name, version) for name, version in told if version.startswith("0.")} == set()


def test_default_runtime_is_the_one_that_a_job_gets(sandbox: Sandbox) -> None:
    runtime = next(each for each in listed(sandbox)["python"]["runtimes"] if each["default"])
    got = sandbox.json("run", "-l", "python", "-c", "pass")["runtime"]
    assert got == {"path": runtime["path"], "version": runtime["version"]}


def test_language_without_a_runtime_says_what_is_missing_and_what_brings_it(sandbox: Sandbox, shared_tmp: Path) -> None:
    folder = shared_tmp / "sandbox" / "policies"
    folder.mkdir(parents=True)
    said = "extends: _base\nlanguage: {file: x, runtime: {command: no-such-%s%s}, run: [x]}\n"
    (folder / "cobol.yaml").write_text(said % ("cobol", ", package: gnucobol4"))
    (folder / "algol.yaml").write_text(said % ("algol", ""))
    (folder / "broken.yaml").write_text("limits: 3\n")
    environment = {"XDG_CONFIG_HOME": str(shared_tmp)}
    languages = listed(sandbox, env=environment)
    told = sandbox("languages", env=environment)
    assert told.returncode == 0
    for name, missing in {
        "cobol": "there is no no-such-cobol here: apt-get install gnucobol4",
        "algol": "there is no no-such-algol here",
    }.items():
        assert (languages[name]["runtimes"], languages[name]["missing"]) == ([], missing)
        assert missing.encode() in told.stdout
    refused = sandbox("run", "-l", "cobol", "-c", "x", env=environment)
    assert (refused.returncode, refused.stderr.decode().splitlines()[1]) == (125, "hint: apt-get install gnucobol4")


def test_languages_are_asked_beside_each_other(
    sandbox: Sandbox, shared_tmp: Path, needs: Callable[[str], None]
) -> None:
    """One after the other the twelve would take twelve seconds."""
    folder = shared_tmp / "sandbox" / "policies"
    folder.mkdir(parents=True)
    (shared_tmp / "bin").mkdir()
    slow = shared_tmp / "slow"
    needs("cc")
    subprocess.run(["cc", "-x", "c", "-o", slow, "-"], input=SLOW.encode(), check=True)
    for number in range(12):
        said = f"extends: _base\nlanguage: {{file: x, runtime: {{command: slow{number}}}, run: [x]}}\n"
        (folder / f"slow{number}.yaml").write_text(said)
        shutil.copy(slow, shared_tmp / "bin" / f"slow{number}")
    path = f"{shared_tmp}/bin:{sandbox.account.environment['PATH']}"
    begun = time.monotonic()
    languages = listed(sandbox, env={"XDG_CONFIG_HOME": str(shared_tmp), "PATH": path})
    assert {languages[f"slow{number}"]["runtimes"][0]["version"] for number in range(12)} == {"1.5"}
    assert time.monotonic() - begun < 8


def test_runtime_with_two_names_is_listed_once(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "bin").mkdir()
    shutil.copy("/usr/bin/env", shared_tmp / "bin" / "two")
    (shared_tmp / "bin" / "two9.1").hardlink_to(shared_tmp / "bin" / "two")
    shutil.copy("/usr/bin/env", shared_tmp / "bin" / "two8.1")
    folder = shared_tmp / "config" / "sandbox" / "policies"
    folder.mkdir(parents=True)
    (folder / "two.yaml").write_text("extends: _base\nlanguage: {file: x, runtime: {command: two}, run: [x]}\n")
    path = f"{shared_tmp}/bin:{sandbox.account.environment['PATH']}"
    found = listed(sandbox, env={"XDG_CONFIG_HOME": str(shared_tmp / "config"), "PATH": path})["two"]["runtimes"]
    assert [Path(each["path"]).name for each in found] == ["two", "two8.1"]


def test_runtime_that_tells_no_version_is_shown_as_unknown(sandbox: Sandbox, shared_tmp: Path) -> None:
    folder = shared_tmp / "sandbox" / "policies"
    folder.mkdir(parents=True)
    said = "extends: _base\nlanguage: {file: x, runtime: {command: env, version: -V}, run: [x]}\n"
    (folder / "mute.yaml").write_text(said)
    told = sandbox("languages", env={"XDG_CONFIG_HOME": str(shared_tmp)}).stdout.decode()
    (row,) = [line.split() for line in told.splitlines() if line.startswith("mute ")]
    assert row[1] == "unknown"


def test_words_have_a_line_for_each_language(sandbox: Sandbox) -> None:
    done = sandbox("languages")
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == ["LANGUAGE", "ALSO", "VERSION", "RUNTIME"]
    expected = [
        (each, last)
        for each, said in listed(sandbox).items()
        for last in [runtime["path"] for runtime in said["runtimes"]] or [said["missing"].split()[-1]]
    ]
    assert [(line.split()[0], line.split()[-1]) for line in lines[1:]] == expected
    assert done.stderr == b""
