"""What is said of how well clauses are held: by -v, by --best-effort, and where nothing can hold them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.cli.conftest import one_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox

NO_CAP = "the kernel has no cap on the CPU seconds of a whole job"


def cells(line: str) -> list[str]:
    """A row of a table that is not drawn: its columns stand two blanks apart."""
    return re.split(r" {2,}", line)


def test_verbose_tells_what_held_each_clause_on_stderr(sandbox: Sandbox) -> None:
    done = sandbox("run", "-v", "-l", "python", "-c", "print(1)")
    assert done.stdout == b"1\n"
    for word in (
        b"status ",
        b"ok (0)",
        b"wall_time ",
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
    first, columns, row = done.stderr.decode().splitlines()
    assert first == "sandbox: --best-effort holds limits.cpu_time less well than policy hard requires"
    assert cells(columns) == ["BACKEND", "CLAUSE", "WHY", "FIX"]
    assert cells(row) == [
        "bwrap",
        "limits.cpu_time",
        f"strict is required ({shared_tmp}/hard.yaml:2), it would be sampled: {NO_CAP}",
        "accept less in the policy: `require: {limits.cpu_time: sampled}`",
    ]
    clauses = sandbox.json("run", "--best-effort", *words)["receipt"]["clauses"]
    assert [row["clause"] for row in clauses if row["lowered"]] == ["limits.cpu_time"]


def test_limit_that_was_asked_for_and_is_not_held_is_told(sandbox: Sandbox, needs: Callable[[str], None]) -> None:
    needs("firejail")
    done = sandbox("exec", "-b", "firejail", "--limit", "tmp_size=1MiB", "--", "true")
    assert done.returncode == 0
    assert b"limits.tmp_size is not held here: " in done.stderr
    assert sandbox("exec", "-b", "firejail", "--", "true").stderr == b""


def test_refusal_is_one_sentence_and_a_table_of_what_each_backend_lacks(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "hard.yaml").write_text("extends: python\nrequire: {limits.cpu_time: strict}\n")
    done = sandbox("run", "-p", str(shared_tmp / "hard.yaml"), "-c", "print(1)")
    first, columns, *rows, hint = done.stderr.decode().splitlines()
    assert first == (
        "sandbox: require.limits.cpu_time: no jailer can hold limits.cpu_time here as policy hard requires"
    )
    assert cells(columns) == ["BACKEND", "CLAUSE", "WHY", "FIX"]
    told = [cells(row) for row in rows]
    assert {backend for row in told for backend in row[0].split(", ")} == {"bwrap", "nsjail", "firejail"}
    (row,) = [row for row in told if "bwrap" in row[0]]
    fix = "accept less in the policy: `require: {limits.cpu_time: sampled}`, or for one run --best-effort"
    assert row[1:] == [
        "limits.cpu_time",
        f"strict is required ({shared_tmp}/hard.yaml:2), it would be sampled: {NO_CAP}",
        fix,
    ]
    assert hint == f"hint: {fix}"


def test_refusal_of_a_named_backend_tells_each_clause_that_it_lacks(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "hard.yaml").write_text("extends: python\nrequire: {limits: strict}\nlimits: {cpus: none}\n")
    done = sandbox("run", "-b", "nsjail", "-p", str(shared_tmp / "hard.yaml"), "-c", "print(1)")
    first, _, *rows, _ = done.stderr.decode().splitlines()
    assert first.startswith("sandbox: require.limits: nsjail can't hold limits.cpu_time ")
    assert {cells(row)[0] for row in rows} == {"nsjail"}
    assert "limits.cpu_time" in [cells(row)[1] for row in rows]


def test_refusal_lists_the_gap_of_each_backend(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "hard.yaml").write_text("extends: python\nrequire: {limits.cpu_time: strict}\n")
    done = sandbox("run", "--json", "-p", str(shared_tmp / "hard.yaml"), "-c", "print(1)")
    assert done.returncode == 125
    gaps = one_result(done.stdout)["error"]["gaps"]
    assert {gap["backend"] for gap in gaps} == {"bwrap", "nsjail", "firejail"}
    assert {gap["clause"] for gap in gaps if gap["backend"] == "bwrap"} == {"limits.cpu_time"}
