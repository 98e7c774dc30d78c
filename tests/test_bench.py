"""bench/batch.py measures what it says: it prints its tables, and no job of its loop fails unseen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from bench.recorded import FORMS, Loop
from sandbox_cli import plan
from tests.accounts import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox

ROWS = (*FORMS.values(), "`sandbox batch`")


def test_bench_of_batch_prints_what_each_part_costs(
    sandbox: Sandbox, needs: Callable[[str], None], shared_tmp: Path
) -> None:
    needs("bwrap")
    needs("cc")
    bench = shutil.copytree(ROOT / "bench", shared_tmp / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    script = str(bench / "batch.py")
    done = sandbox.account.run([sandbox.account.python, script, "--quick", "--jobs", "5", "-j", "2"], timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    tables = done.stdout.decode()
    shown = {row for row in ROWS if tables.count(f"\n| {row} |") == 2}  # of `true`, and of Python
    of_root = {FORMS["scratch"]} if sandbox.account.name == "root" else set()  # and groups, where they serve
    assert shown >= {FORMS["jailer"], FORMS["launcher"], "`sandbox batch`"} | of_root, tables
    assert "| 5 |" in tables


@pytest.mark.parametrize(
    ("of_the_jailer", "of_the_launcher"),
    [(b"/usr/bin/false", b"/usr/bin/nope"), (b"/usr/bin/nope", b"/usr/bin/test")],
    ids=["exit 1, execfail", "not found, exit 1"],
)
def test_a_job_of_the_loop_that_fails_is_an_error_in_every_form(
    of_the_jailer: bytes, of_the_launcher: bytes, needs: Callable[[str], None], launcher: Path, capfd: Any
) -> None:
    needs("bwrap")
    needs("cc")
    compiled = plan.compile({"command": ["/usr/bin/true"], "backend": "bwrap", "policy": "command"})
    with Loop(compiled, 2) as loop:
        for form in loop.forms:
            loop.run(form, 3)
        loop._program = [of_the_jailer]
        loop._slots = [
            slot._replace(message=[text.replace(b"/usr/bin/true", of_the_launcher) for text in slot.message])
            for slot in loop._slots
        ]
        for form in loop.forms:
            with pytest.raises(SystemExit, match=form):
                loop.run(form, 3)
            assert "a job failed" in capfd.readouterr().err
