"""What the start of the command does not do, for that is what a user waits for each time."""

from __future__ import annotations

import subprocess
import sys

from sandbox_cli.cli.app import COMMANDS
from tests.accounts import ROOT

COUNTED = """
import atexit, gc, sys
looks = []
gc.callbacks.append(lambda phase, info: looks.append(info) if phase == "start" else None)
atexit.register(lambda: print(len(looks), gc.get_freeze_count() > 10_000, file=sys.stderr))
from sandbox_cli.__main__ import main
sys.argv[1:] = ["policy", "list"]
main()
"""

IMPORTED = """
import sys
sys.argv[1:] = ["exec", "--help"]
import atexit
atexit.register(lambda: print(*(name for name in sys.modules if name.startswith("sandbox_cli.")), file=sys.stderr))
from sandbox_cli.__main__ import main
main()
"""


def test_no_other_command_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    others = {f"sandbox_cli.cli.{name}" for name in COMMANDS} - {"sandbox_cli.cli.exec", "sandbox_cli.cli.run"}
    assert "sandbox_cli.cli.exec" in done.stderr.split()
    assert others & set(done.stderr.split()) == set()


def test_what_it_makes_is_not_looked_through_for_garbage_again_and_again() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTED], cwd=ROOT, capture_output=True, text=True, check=True)
    looks, frozen = done.stderr.split()
    assert int(looks) < 10
    assert frozen == "True"
