"""Runs targets under atheris: `python -m tests.fuzz SECONDS [TARGET]...`, all of them by default, two at a time.

What a target finds stands in build/fuzz/TARGET/crash-*, and is printed. What it learns stays in build/fuzz/TARGET.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.accounts import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BUILD, CORPUS = ROOT / "build" / "fuzz", ROOT / "tests" / "fuzz" / "corpus"
SLOWEST_S = 10  # that one input may take
LONGEST = 4096


def main(seconds: int, names: list[str]) -> int:
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: it has wheels for Linux on x86_64 alone, and for some versions of Python")
        return int(os.environ.get("CI") == "true")
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(2) as two:
        codes = list(two.map(lambda name: start(name, seconds, temporary), names))
    return int(any(codes))


def start(name: str, seconds: int, temporary: str) -> int:
    """In a process of its own, whose words are told where it found something."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", str(seconds), "--only", name],
        cwd=ROOT, env={**os.environ, "TMPDIR": temporary}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False,
    )  # fmt: skip
    lines = done.stdout.decode(errors="replace").splitlines()
    said = [line for line in lines if not line.startswith(("INFO: Instrumenting", "WARNING: Failed to find"))]
    if done.returncode:
        print(f"{name}: FOUND SOMETHING", *said[-60:], reproducer(name), sep="\n", flush=True)
    else:
        print(f"{name}: {next((line for line in reversed(said) if line.startswith('Done')), 'done')}", flush=True)
    return done.returncode


def reproducer(name: str) -> str:
    found = sorted((BUILD / name).glob("*-*"), key=lambda path: path.stat().st_mtime)
    crashes = [path for path in found if path.name.startswith(("crash-", "timeout-", "oom-"))]
    if not crashes:
        return "no reproducer was left: it failed by itself"
    how = (
        f"keep it: base64 -d > tests/fuzz/corpus/{name}/NAME <<< {base64.b64encode(crashes[-1].read_bytes()).decode()}"
    )
    return f"{crashes[-1]}: `pytest tests/fuzz` tries what lies in tests/fuzz/corpus\n{how}"


def fuzz(name: str, seconds: int) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["sandbox_cli", "json", "yaml"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    folder = BUILD / name
    arguments = [
        name, f"-max_total_time={seconds}", f"-timeout={SLOWEST_S}", f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}/",
        f"-dict={written(folder / 'words', target.words)}", "-rss_limit_mb=2048", "-verbosity=1",
        "-print_final_stats=0",
        *map(str, folders(folder, target.seeds())), *(map(str, [CORPUS / name] if (CORPUS / name).exists() else [])),
    ]  # fmt: skip
    mutate = target.mutated

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        if seed % 3 == 0 or mutate is None:
            return bytes(atheris.Mutate(data, len(data)))
        return mutate(data, random.Random(seed), most)

    atheris.Setup(arguments, target.check, **({"custom_mutator": mutated} if mutate else {}))
    atheris.Fuzz()


def written(path: Path, words: Sequence[str]) -> Path:
    """A dictionary as libFuzzer reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"' for word in words)
    path.write_text("\n".join(lines) + "\n")
    return path


def folders(folder: Path, seeds: Sequence[bytes]) -> list[Path]:
    """Where it keeps what it learns, and where it begins."""
    learned, begins = folder / "learned", folder / "seeds"
    for each in (learned, begins):
        each.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (begins / str(number)).write_bytes(seed)
    return [learned, begins]


if __name__ == "__main__":
    if sys.argv[2:3] == ["--only"]:
        fuzz(sys.argv[3], int(sys.argv[1]))
    from tests.fuzz.targets import TARGETS

    sys.exit(main(int(sys.argv[1]), sys.argv[2:] or list(TARGETS)))
