"""The shipped policies: what they allow, and what their self-tests are made of (tests/languages runs those)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.policy import places, units

if TYPE_CHECKING:
    from tests.policy.conftest import Site

NAMES = [path.stem for path in places.built_in()]
LANGUAGES = [name for name in NAMES if name not in {"_base", "command", "shell"}]

LIMITS = {
    "wall_time": ("10s", "10min"), "cpu_time": ("10s", "10min"), "memory": ("512MiB", "8GiB"),
    "processes": ("64", "1024"), "open_files": ("256", "4096"), "file_size": ("64MiB", "4GiB"),
    "scratch_size": ("256MiB", "8GiB"), "scratch_files": ("10000", "1000000"), "tmp_size": ("64MiB", "1GiB"),
    "output": ("1MiB", "4GiB"),
}  # fmt: skip
POOLS = {"processes": ("256", "1024")}  # of threads, as large as the host has cores
OWN = {
    "csharp": POOLS,
    "go": POOLS | {"tmp_size": ("256MiB", "1GiB")},
    "java": POOLS,
    "shell": {"wall_time": ("12h", "12h"), "cpu_time": ("1h", "1h")},  # for somebody who sits there
}


def test_the_first_languages_are_shipped() -> None:
    assert set(NAMES) >= {
        "_base", "command", "awk", "bash", "c", "cpp", "csharp", "go", "haskell", "java", "lua", "node", "ocaml",
        "octave", "perl", "php", "prolog", "python", "r", "ruby", "rust", "scheme", "sh", "sqlite", "tcl", "typescript",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_names_only_what_is_held_everywhere(site: Site, name: str) -> None:
    loaded = policy.load(name)
    assert loaded.require == {}
    assert loaded.network == "none"
    assert loaded.syscalls.deny == ("@default-deny",)
    assert loaded.limits["cpus"].default is None
    assert {mount.mode for mount in loaded.filesystem.values()} <= {"ro", "tmpfs"}
    assert {path for path, mount in loaded.filesystem.items() if not mount.optional} == {"/usr", "/tmp"}
    assert loaded.description


@pytest.mark.parametrize("name", [name for name in NAMES if name != "shell"])  # somebody's day is no job
def test_a_shipped_policy_has_the_documented_limits(site: Site, name: str) -> None:
    limits = policy.load(name).limits
    assert limits.keys() == units.LIMITS.keys()
    for limit, (default, most) in (LIMITS | OWN.get(name, {})).items():
        assert units.format_limit(limit, limits[limit].default or 0) == default
        assert units.format_limit(limit, limits[limit].max or 0) == most


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_says_why_what_its_letters_do_not_say(name: str) -> None:
    text = (places.BUILT_IN / f"{name}.yaml").read_text()
    assert text.startswith(("version: 1\n", "#"))
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_is_named_for_its_file_and_found_by_its_extension(site: Site, name: str) -> None:
    language = policy.load(name).language
    assert language is not None
    assert language.name == name
    assert language.extensions
    assert language.file.endswith(tuple(language.extensions))
    assert all(policy.language_index()[word] == name for word in (name, *language.aliases, *language.extensions))


def test_no_two_languages_claim_the_same_word(site: Site) -> None:
    claimed = [
        word
        for name in LANGUAGES
        if (language := policy.load(name).language)
        for word in (language.name, *language.aliases, *language.extensions)
    ]
    assert len(claimed) == len(set(claimed))


@pytest.mark.parametrize("name", ["_base", "command", "shell"])
def test_what_is_no_language_has_none(site: Site, name: str) -> None:
    assert policy.load(name).language is None


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_selftest_proves_that_all_that_a_program_is_given_reaches_it(name: str) -> None:
    """Standard input, two arguments, data and a second source, each of which its output depends on."""
    language = policy.load(name).language
    assert language is not None
    assert language.selftest is not None
    given = language.selftest
    assert len(given.args) == 2
    assert any(" " in word for word in given.args)
    assert given.stdin
    assert len(given.files) > 1
    assert given.stdout


def test_the_documented_example_of_a_policy_loads(site: Site) -> None:
    loaded = site.load("""\
        version: 1
        extends: _base
        description: CPython scripts without network.
        language:
          aliases: [py, python3]
          extensions: [.py]
          file: main.py
          runtime: {command: python3, version: "--version"}
          compile: null
          run: ["{{ runtime }}", -B, "{{ file }}"]
          selftest: {source: 'print("OK")', stdout: "OK\\n"}
        limits:
          wall_time: {default: 10s, max: 10min}
          memory: {default: 512MiB, max: 8GiB}
          processes: {default: 64, max: 1024}
        filesystem:
          /usr: ro
          /etc/ssl/certs: {from: /etc/ssl/certs, mode: ro, optional: true}
          /tmp: tmpfs
        network: none
        syscalls: {deny: ["@default-deny"], action: errno}
        workspace: rw
        environment: {PYTHONDONTWRITEBYTECODE: "1"}
        artifacts: {collect: ["**"], max_files: 1000, max_bytes: 64MiB}
        require: {limits.memory: strict}
        """)
    assert loaded.require == {"limits.memory": "strict"}
    assert loaded.language is not None
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", loaded.digest)
