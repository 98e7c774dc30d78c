"""The launcher under test, twice: built into the package where it is missing or old, and under the sanitizers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import launcher as package
from sandbox_cli.errors import HostError
from tests.conftest import CI
from tests.launcher.protocol import Init

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.launcher.protocol import Enter, Start

HERE, SOURCES = Path(__file__).parent, Path(package.HERE)
SANITIZERS = (
    "-std=gnu11",
    "-g",
    "-O1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-I",
    str(SOURCES),
)


@pytest.fixture(scope="session", params=["built", "sanitized"])
def launcher(request: pytest.FixtureRequest) -> str:
    """The path of the launcher: as it is built, and the whole of it under the sanitizers, whose findings end it."""
    made: str = request.getfixturevalue(f"{request.param}_launcher")
    return made


@pytest.fixture(scope="session")
def built_launcher() -> str:
    """Workers that build it at once do no harm: it is put in place by a rename."""
    with contextlib.suppress(HostError):
        return package.path()
    subprocess.run([sys.executable, SOURCES / "build.py"], check=True)
    return package.path()


@pytest.fixture
def start(launcher: str) -> Iterator[Start]:
    """`start(...)` is Init(launcher, ...), ended with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(Init(options.pop("program", launcher), **options))


@pytest.fixture
def enter(launcher: str) -> Enter:
    """`enter(*arguments)`: `launcher enter`, run to the end of what it becomes; streams as bytes."""

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([launcher, "enter", *arguments], capture_output=True, check=False, timeout=30, **options)

    return run


def compile_with_sanitizers(target: Path, sources: list[Path]) -> Path:
    """Compile under AddressSanitizer and UBSan; skip where this machine has no libasan, fail in CI."""
    made = subprocess.run(["cc", *SANITIZERS, "-o", target, *sources], capture_output=True, text=True, check=False)
    if "libasan" in made.stderr or "lasan" in made.stderr:
        (pytest.fail if CI else pytest.skip)("this compiler has no libasan")
    assert made.returncode == 0, made.stderr
    return target


@pytest.fixture(scope="session")
def sanitized_launcher(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its errors end it with 99, be it before the jailer, as init or as the child that becomes the job."""
    target = tmp_path_factory.mktemp("sanitized") / "launcher"
    return str(compile_with_sanitizers(target, [*SOURCES.glob("*.c"), HERE / "sanitizers.c"]))


@pytest.fixture(scope="session")
def sanitized_parser(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The message parser alone, under the sanitizers, reading messages from stdin (fuzz_message.c)."""
    target = tmp_path_factory.mktemp("sanitized") / "fuzz_message"
    return str(compile_with_sanitizers(target, [HERE / "fuzz_message.c", SOURCES / "message.c"]))
