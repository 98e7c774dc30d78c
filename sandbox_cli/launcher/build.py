"""Compiles the launcher, and the probe of `sandbox verify`; neither needs a C library. Stdlib only.

setup.py runs it too; by itself it is `python sandbox_cli/launcher/build.py`.

The compiler is $CC, else cc, gcc or clang, else the `ziglang` package from PyPI, which brings its own C library.
"""

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
PROBE = HERE.parent / "verify"
FLAGS = [
    "-std=gnu11", "-Os", "-static", "-s",
    "-Wall", "-Wextra", "-Werror",
    "-Wl,--build-id=none",  # the same bytes from any directory
]  # fmt: skip
FREESTANDING = ["-ffreestanding", "-nostdlib", "-fno-stack-protector"]
# The launcher starts without a C library, too, but for zig's: that is musl, which is as quick (bare.c).
BARE = ["-DBARE", "-U_FORTIFY_SOURCE", *FREESTANDING]
MACHINES = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def compiler() -> list[str]:
    """The command that compiles C for this machine, or SystemExit with one sentence that says what to install."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-target", f"{MACHINES[platform.machine()]}-linux-musl"]
    raise SystemExit("no C compiler for the launcher: install gcc or clang, set CC, or `pip install ziglang`")


def build_all(root: Path) -> None:
    """Both programs, in the folders below `root` where they are looked for."""
    build(root / HERE.name / "launcher")
    build(root / PROBE.name / "probe", PROBE, FREESTANDING)


def build(target: Path, folder: Path = HERE, flags: Sequence[str] = BARE) -> None:
    """Compile the sources of `folder` to `target`, which appears whole or not at all.

    Others may be building, or running, the one before.
    """
    if platform.machine() not in MACHINES:
        raise SystemExit(f"the launcher knows x86_64 and aarch64, and this is {platform.machine()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    sources = sorted(path.name for path in folder.glob("*.c"))
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as directory:
        made = Path(directory).absolute() / target.name
        program = compiler()
        own = () if flags is BARE and "ziglang" in program else flags
        command = [*program, *FLAGS, *own, "-o", str(made), *sources]
        try:
            subprocess.run(command, cwd=folder, check=True)
        except FileNotFoundError as error:
            raise SystemExit(f"the C compiler of $CC is not there: {error.filename}") from error
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"the {target.name} does not compile: {shlex.join(command)}") from error
        made.chmod(0o755)
        made.replace(target)


if __name__ == "__main__":
    build_all(HERE.parent)
