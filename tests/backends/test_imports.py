"""`run` imports every backend for its `read`: that must cost next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("typing", "dataclasses", "re", "json", "pathlib", "subprocess", "logging", "jinja2", "pydantic", "enum")
ASK = """
import sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import sandbox_cli.backends
print([name for name in sys.argv[2:] if name in set(sys.modules) - before])
"""


def test_importing_the_backends_imports_nothing_heavy() -> None:
    folder = str(Path(__file__).resolve().parents[2])
    done = subprocess.run([sys.executable, "-I", "-S", "-c", ASK, folder, *HEAVY], capture_output=True, check=True)
    assert done.stdout == b"[]\n"
