"""Building the launcher, and finding what was built."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox_cli import launcher as package
from sandbox_cli.errors import HostError

SOURCES = Path(package.HERE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the launcher's folder with nothing built in it, where path() looks; the probe's stands beside it."""
    copy = tmp_path / "launcher"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("launcher", "__pycache__"))
    (tmp_path / "verify").mkdir()
    shutil.copy(SOURCES.parent / "verify" / "probe.c", tmp_path / "verify")
    monkeypatch.setattr(package, "HERE", str(copy))
    return copy


def build(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(folder / "build.py")]
    return subprocess.run(argv, env={**os.environ, **env}, cwd="/", capture_output=True, text=True, check=False)


def has_interpreter(program: bytes) -> bool:
    """Whether an ELF file has a PT_INTERP: whether it needs a dynamic linker."""
    (table,), (size, count) = struct.unpack_from("=Q", program, 32), struct.unpack_from("=HH", program, 54)
    return any(struct.unpack_from("=I", program, table + size * number)[0] == 3 for number in range(count))


def test_what_is_not_built_says_what_to_run(folder: Path) -> None:
    with pytest.raises(HostError, match=r"^the launcher is not built$") as raised:
        package.path()
    assert raised.value.hint == "run `make launcher`"


@pytest.mark.parametrize("name", ["launcher.c", "init.c", "launcher.h"])
def test_source_that_is_newer_says_what_to_run(folder: Path, name: str) -> None:
    (folder / "launcher").touch()
    assert package.path() == str(folder / "launcher")
    later = (folder / "launcher").stat().st_mtime + 1
    os.utime(folder / name, (later, later))
    with pytest.raises(HostError, match=f"^the launcher is older than {name}$") as raised:
        package.path()
    assert raised.value.hint == "run `make launcher`"


def test_build_makes_a_static_program_and_nothing_else(folder: Path) -> None:
    before = set(folder.iterdir())
    made = build(folder)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    assert {path.name for path in set(folder.iterdir()) - before} == {"launcher"}
    assert package.path() == str(folder / "launcher")
    assert (folder / "launcher").stat().st_mode & 0o777 == 0o755
    program = (folder / "launcher").read_bytes()
    assert not has_interpreter(program)
    assert len(program) < 40_000  # that of a C library, whose start takes longer than all that the launcher does
    assert str(folder).encode() not in program


@pytest.mark.parametrize(
    ("cc", "sentence"),
    [("/no/cc", "the C compiler of $CC is not there: /no/cc"), ("false", "the launcher does not compile: false ")],
)
def test_compiler_that_fails_leaves_what_was_built_and_one_sentence(folder: Path, cc: str, sentence: str) -> None:
    (folder / "launcher").write_text("before")
    made = build(folder, CC=cc)
    assert made.returncode == 1
    assert made.stderr.startswith(sentence)
    assert made.stderr.count("\n") == 1
    assert (folder / "launcher").read_text() == "before"
    assert not list(folder.glob(".launcher-*"))


def test_no_compiler_at_all_says_what_to_install(folder: Path) -> None:
    made = build(folder, CC="", PATH="/nonexistent")
    assert made.returncode == 1
    assert made.stderr == "no C compiler for the launcher: install gcc or clang, set CC, or `pip install ziglang`\n"


@pytest.mark.parametrize("program", ["launcher", "verify"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_compilers_have_nothing_to_say(compiler: str, program: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Wundef", "-Wconversion", "-fsyntax-only"]
    sources = [*(SOURCES.parent / program).glob("*.c")]
    for bare in ([], ["-DBARE"]):
        made = subprocess.run([compiler, *flags, *bare, *sources], capture_output=True, text=True, check=False)
        assert (made.returncode, made.stderr) == (0, "")


def test_probe_needs_no_library_and_is_small(folder: Path) -> None:
    assert build(folder).returncode == 0
    program = (folder.parent / "verify" / "probe").read_bytes()
    assert not has_interpreter(program)
    assert len(program) < 20_000


def test_import_is_light() -> None:
    code = (
        "import sys; before = set(sys.modules); import sandbox_cli.launcher; print(*sorted(set(sys.modules) - before))"
    )
    argv = [sys.executable, "-ISc", f"import sys; sys.path.insert(0, {str(SOURCES.parent.parent)!r}); {code}"]
    loaded = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    light = {
        "os",
        "stat",
        "_stat",
        "posixpath",
        "genericpath",
        "os.path",
        "_collections_abc",
        "abc",
        "_abc",
        "__future__",
        "types",  # of the package itself, whose class keeps `run` a function
    }
    assert set(loaded) - light <= {"sandbox_cli", "sandbox_cli.errors", "sandbox_cli.launcher"}
