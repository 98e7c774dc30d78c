"""What is said of how well clauses are held: by -v, by --best-effort, and where nothing can hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.conftest import one_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox


def test_verbose_tells_what_held_each_clause_on_stderr(sandbox: Sandbox) -> None:
    done = sandbox("run", "-v", "-l", "python", "-c", "print(1)")
    assert done.stdout == b"1\n"
    for word in (
        b"status ",
        b"ok (0)",
        b"wall_time_s",
        b"backend ",
        b"seal ",
        b"limits.memory",
        b"strict",
        b"enforced by",
    ):
        assert word.lower() in done.stderr.lower()


def test_lowered_clause_is_told_and_stands_in_the_receipt(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "hard.yaml").write_text("extends: python\nrequire: {limits.cpu_time: strict}\n")
    words = ("-p", str(shared_tmp / "hard.yaml"), "-c", "print(1)")
    refused = sandbox("run", *words)
    assert refused.returncode == 125
    assert b"limits.cpu_time" in refused.stderr
    done = sandbox("run", "--best-effort", *words)
    assert (done.returncode, done.stdout) == (0, b"1\n")
    assert done.stderr == b"sandbox: limits.cpu_time: lowered to `sampled` by --best-effort\n"
    clauses = sandbox.json("run", "--best-effort", *words)["receipt"]["clauses"]
    assert [row["clause"] for row in clauses if row["lowered"]] == ["limits.cpu_time"]


def test_limit_that_was_asked_for_and_is_not_held_is_told(sandbox: Sandbox, needs: Callable[[str], None]) -> None:
    needs("firejail")
    done = sandbox("exec", "-b", "firejail", "--limit", "tmp_size=1MiB", "--", "true")
    assert done.returncode == 0
    assert b"limits.tmp_size is not held here: " in done.stderr
    assert sandbox("exec", "-b", "firejail", "--", "true").stderr == b""


def test_refusal_lists_the_gap_of_each_backend(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "hard.yaml").write_text("extends: python\nrequire: {limits.cpu_time: strict}\n")
    done = sandbox("run", "--json", "-p", str(shared_tmp / "hard.yaml"), "-c", "print(1)")
    assert done.returncode == 125
    gaps = one_result(done.stdout)["error"]["gaps"]
    assert {gap["backend"] for gap in gaps} == {"bwrap", "nsjail", "firejail"}
    assert {gap["clause"] for gap in gaps if gap["backend"] == "bwrap"} == {"limits.cpu_time"}
