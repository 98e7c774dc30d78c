"""`run`: each parameter does what it says."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import pytest

import sandbox_cli as sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Program

SHOW = "import sys; print(sys.argv[1:], sys.stdin.read())"


@pytest.fixture(autouse=True)
def built(launcher: Path) -> None:
    """The launcher is there."""


def python(code: str | bytes, **job: Any) -> sandbox.Result:
    return sandbox.run(code, language="python", **job).raise_for_status()


def test_code_is_run_and_its_output_returned() -> None:
    result = python("print(6 * 7)")
    assert (result.ok, result.stdout, result.stdout_raw, result.stdout_bytes) == (True, "42\n", b"42\n", 3)
    assert (result.exit_code, result.language, result.policy and result.policy.name) == (0, "python", "python")
    assert python(b"print(1)").stdout == "1\n"


@pytest.mark.parametrize("as_path", [str, lambda path: path])
def test_file_keeps_its_name_and_its_extension_says_the_language(tmp_path: Path, as_path: Any) -> None:
    (tmp_path / "mine.py").write_text("print(__file__)")
    assert sandbox.run(file=as_path(tmp_path / "mine.py")).stdout.endswith("mine.py\n")


def test_command_is_run_with_its_arguments() -> None:
    assert sandbox.run(command=("echo", "a b", "$c"), args=["d"]).stdout == "a b $c d\n"


@pytest.mark.parametrize("word", ["", "-x", "é", os.fsdecode(b"\xff")])
def test_arguments_arrive_byte_for_byte(word: str) -> None:
    assert sandbox.run(command=["printf", "%s", word]).stdout_raw == os.fsencode(word)


def test_stdin_is_text_bytes_a_file_an_fd_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"from a file")
    with (tmp_path / "in").open() as text, (tmp_path / "in").open("rb") as binary:
        fd = os.open(tmp_path / "in", os.O_RDONLY)
        given: dict[str, Any] = {
            "text": "text", "bytes": b"\xff", "file": text, "binary": binary, "fd": fd, "none": None,
            "memory": io.StringIO("kept"), "bytes in memory": io.BytesIO(b"kept"),
        }  # fmt: skip
        read = {name: sandbox.run(command=["cat"], stdin=source).stdout_raw for name, source in given.items()}
        os.close(fd)
    assert read == {
        "text": b"text", "bytes": b"\xff", "file": b"from a file", "binary": b"from a file", "fd": b"from a file",
        "none": b"", "memory": b"kept", "bytes in memory": b"kept",
    }  # fmt: skip


def test_files_are_text_bytes_and_copies_of_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "x").write_text("in a folder")
    (tmp_path / "y").write_bytes(b"copied\n")
    files: dict[str, Any] = {"a": "text\n", "sub/b": b"bytes\n", "c": tmp_path / "y", "d": tmp_path / "folder"}
    result = sandbox.run(command=["cat", "a", "sub/b", "c", "d/deep/x"], files=files)
    assert result.stdout == "text\nbytes\ncopied\nin a folder"
    assert result.artifacts == ()


def test_env_is_all_that_is_added() -> None:
    assert "MODE=fast\n" in sandbox.run(command=["env"], env={"MODE": "fast"}).stdout
    assert "MODE" not in sandbox.run(command=["env"]).stdout


def test_limits_are_texts_or_numbers() -> None:
    limits = {"memory": "64MiB", "processes": 8, "cpus": 0.5}
    clauses = {each.clause: each.effective for each in python("", limits=limits).receipt.clauses}
    assert (clauses["limits.memory"], clauses["limits.processes"], clauses["limits.cpus"]) == ("64MiB", "8", "0.5")


def test_network_can_be_taken_away() -> None:
    assert python("", network="none").ok


def test_collect_says_which_files_come_back(tmp_path: Path) -> None:
    result = sandbox.run(command=["sh", "-c", "echo 1 >a.txt; echo 2 >b"], collect=["*.txt"])
    (artifact,) = result.artifacts
    assert (artifact.path, artifact.content, artifact.media_type) == ("a.txt", b"1\n", "text/plain")
    assert result.artifact("a.txt").save(tmp_path / "mine").read_bytes() == b"1\n"
    with pytest.raises(KeyError):
        result.artifact("b")


@pytest.mark.parametrize("name", ["bwrap", "nsjail"])
def test_backend_is_the_one_that_is_named(name: str, needs: Any) -> None:
    needs(name)
    receipt = python("", backend=name).receipt
    assert (receipt.backend, receipt.chosen) == (name, "from --backend")


def test_value_is_that_of_the_last_expression() -> None:
    assert python("[1, {'a': None}]", value=True).value == [1, {"a": None}]
    assert "not JSON serializable" in python("{1}", value=True).value_error


def test_capture_bounds_what_is_kept_and_not_what_is_counted() -> None:
    for capture in (3, "3B"):
        result = python("print('x' * 99)", capture=capture)
        assert (result.stdout, result.stdout_bytes, result.stdout_truncated) == ("xxx", 100, True)


def test_policy_is_a_name_or_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text("extends: python\nenvironment: {MINE: yes}\n")
    show = "import os; print(os.environ.get('MINE'))"
    assert sandbox.run(show, policy="python").stdout == "None\n"
    assert sandbox.run(show, policy=str(tmp_path / "mine.yaml")).stdout == "yes\n"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "python").write_text("no policy")
    assert sandbox.run(show, policy=(tmp_path / "mine.yaml").relative_to(tmp_path)).stdout == "yes\n"


def test_policy_that_changed_on_disk_is_seen_by_the_next_run(tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    for word in ("one", "two"):
        policy.write_text(f"extends: command\nenvironment: {{WORD: {word}}}\n")
        assert sandbox.run(command=["sh", "-c", "echo $WORD"], policy=policy).stdout == f"{word}\n"


def test_id_is_the_callers_or_made() -> None:
    assert sandbox.run(command=["true"], id="mine").id == "mine"
    assert len(sandbox.run(command=["true"]).id) == 16


def test_audit_gets_a_line(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    sandbox.run(command=["true"], id="heard", audit=audit)
    with pytest.raises(sandbox.RefusedError):
        sandbox.run(command=["true"], limits={"memory": "1TiB"}, audit=audit)
    first, second = audit.read_text().splitlines()
    assert '"heard"' in first
    assert '"kind": "api"' in first.replace('":"', '": "')
    assert '"refused"' in second


def test_best_effort_and_locked_are_passed_on(tmp_path: Path) -> None:
    assert python("", best_effort=True).ok
    (tmp_path / "mine.yaml").write_text("extends: python\n")
    with pytest.raises(sandbox.SandboxError, match="lock"):
        sandbox.run("", policy=tmp_path / "mine.yaml", locked=True)


def test_workspace_keeps_files_between_runs_where_the_policy_allows_it(program: Program, shared_tmp: Path) -> None:
    kept = program(f"""
        if os.geteuid() == 0:
            os.chown({str(shared_tmp)!r}, 1000, 1000)
        box = sandbox.Sandbox("command", workspace=pathlib.Path({str(shared_tmp)!r}))
        box.run(command=["sh", "-c", "echo kept >a"]).raise_for_status()
        second = box.run(command=["cat", "a"]).stdout
        third = box.run(command=["sh", "-c", "echo >a"], workspace={str(shared_tmp)!r} + ":ro").exit_code
        print(json.dumps([second, third]))
    """)
    assert kept[0] == "kept\n"
    assert kept[1] != 0


def test_all_jobs_of_a_sandbox_run_under_the_policy_as_it_was_when_that_was_made(
    program: Program, shared_tmp: Path
) -> None:
    found = program(f"""
        path = pathlib.Path({str(shared_tmp)!r}) / "mine.yaml"
        text = "extends: command\\nlimits: {{memory: %s}}\\n"
        path.write_text(text % "64MiB")
        os.chmod(path, 0o644)
        box = sandbox.Sandbox(path)
        path.write_text(text % "4GiB")
        first, second = box.run(command=["true"]), box.run(command=["true"], env={{"OTHER": "plan"}})
        try:
            sandbox.Sandbox("nonesuch")
        except sandbox.PolicyError as error:
            refused = str(error)
        print(json.dumps([first.policy.digest == second.policy.digest, refused]))
    """)
    assert found == [True, "there is no policy 'nonesuch'"]


def test_hooks_of_a_repository_that_came_between_two_jobs_are_closed_to_the_second(
    program: Program, shared_tmp: Path
) -> None:
    """Whoever works there runs them outside of any jail."""
    closed, exit_code = program(f"""
        shared = {str(shared_tmp)!r}
        box = sandbox.Sandbox("command", workspace=shared)
        if os.geteuid() == 0:
            os.chown(shared, 1000, 1000)
        job = ["sh", "-c", "echo evil >.git/hooks/pre-commit"]
        box.run(command=job)
        os.makedirs(f"{{shared}}/.git/hooks")
        for name in ("HEAD", "config"):
            open(f"{{shared}}/.git/{{name}}", "w").close()
        for folder, names, files in os.walk(shared):
            for name in [*names, *files]:
                if os.geteuid() == 0:
                    os.chown(f"{{folder}}/{{name}}", 1000, 1000)
        result = box.run(command=job)
        print(json.dumps([not os.listdir(f"{{shared}}/.git/hooks"), result.exit_code]))
    """)
    assert closed
    assert exit_code != 0


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_workspace_of_roots_is_refused_in_words_without_options(program: Program, shared_tmp: Path) -> None:
    message, hint = program(f"""
        os.chown({str(shared_tmp)!r}, 0, 0)
        try:
            sandbox.run(command=["true"], workspace={str(shared_tmp)!r})
        except sandbox.RefusedError as error:
            print(json.dumps([str(error), error.hint]))
    """)
    assert message == f"workspace: {shared_tmp} belongs to root, who never enters a jail"
    assert "chown" in hint
