"""Names that no file can have, and files that can't be looked at: one sentence, whichever option names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox

LONG = "a" * 300

as_user = pytest.mark.parametrize("account", ["user"], indirect=True)


@as_user
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([LONG], 2),
        (["policy", "show", LONG], 2),
        (["policy", "check", LONG], 2),
        (["exec", "--venv", LONG, "true"], 125),
        (["exec", "--result", LONG, "true"], 125),
        (["exec", "--result", f"{LONG}/x", "true"], 125),
        (["exec", "-C", LONG, "true"], 125),
        (["exec", "-o", LONG, "true"], 125),
        (["run", f"{LONG}.py"], 125),
    ],
)
def test_a_name_that_is_too_long_is_told_as_any_other(sandbox: Sandbox, words: list[str], code: int) -> None:
    done = sandbox(*words)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert done.stderr.startswith(b"sandbox: ")


@as_user
def test_a_result_in_a_folder_that_is_closed_is_refused(sandbox: Sandbox, shared_tmp: Path) -> None:
    closed = shared_tmp / "closed"
    closed.mkdir(mode=0)
    try:
        done = sandbox("exec", "--result", f"{closed}/inner/result.json", "true")
    finally:
        closed.chmod(0o700)  # or nobody but root could remove it
    assert done.returncode == 125
    assert done.stderr.startswith(b"sandbox: can't write the result to ")
    assert b"Permission denied" in done.stderr
