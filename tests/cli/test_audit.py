"""--audit: one line a job, whatever became of it, and nothing that the job brought or wrote; without it, no job."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.audit import AuditFile
from sandbox_cli.audit.line import AuditLine
from sandbox_cli.cli.schemas import json_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox
    from tests.cli.conftest import Command, Done

SECRET = "hunter2"
SH = ("-l", "sh", "-c")
ASKED = "the job can't be run as it was asked for"
NOT_ALLOWED = "it is not allowed, or nothing here can hold it"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Every line, each valid against the published schema."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for line in found:
        jsonschema.validate(line, json_schema(AuditLine))
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The user's configuration, as `command` has it."""
    folder = tmp_path / "config" / "sandbox"
    folder.mkdir(parents=True)
    return folder / "config.yaml"


def refused(done: Done, what: str) -> None:
    assert done.code == 125
    assert f"sandbox: audit: {what}" in done.err


def test_line_of_a_job_is_this_one(command: Command, log: Path) -> None:
    done = command("run", "--audit", str(log), "--json", *SH, "exit 3", "an argument")
    (line,) = lines_of(log)
    result = done.result
    assert line.pop("started") < line.pop("ended")
    assert (line.pop("pid"), line.pop("host")) == (os.getpid(), os.uname().nodename)
    assert line.pop("account")["uid"] == os.getuid()
    used = line.pop("usage")
    assert used == {name: result["usage"][name] for name in used}
    assert line == {
        "schema": "sandbox-audit/1",
        "id": result["id"],
        "kind": "run",
        "policy": result["policy"],
        "backend": {"name": result["receipt"]["backend"], "version": result["receipt"]["version"]},
        "language": "sh",
        "source": {"of": "code", "digest": digest(b"exit 3")},
        "status": "nonzero-exit",
        "exit_code": 3,
        "signal": None,
        "cause": None,
        "blame": None,
        "lowered": [],
        "compile": None,
    }


def test_line_of_a_command_has_the_digest_of_its_words(command: Command, log: Path) -> None:
    command("exec", "--audit", str(log), "--", "true", "a", "")
    (line,) = lines_of(log)
    assert (line["kind"], line["language"]) == ("exec", None)
    assert line["source"] == {"of": "command", "digest": digest(b"true\0a\0\0")}


def test_line_of_a_job_that_hit_a_limit_says_which_and_whose(command: Command, log: Path) -> None:
    assert command("run", "--audit", str(log), "--timeout", "200ms", *SH, "sleep 9").code == 124
    (line,) = lines_of(log)
    assert line["status"] == "wall-time-limit"
    assert line["cause"].startswith("limits.wall_time: ")
    assert line["blame"] == {"clause": "limits.wall_time", "source": "option", "file": None, "line": None}


def test_nothing_that_the_job_brought_or_wrote_is_told_but_the_digest_that_sha256sum_prints(
    command: Command, log: Path, tmp_path: Path
) -> None:
    folder = tmp_path / SECRET
    folder.mkdir()
    (folder / f"{SECRET}.sh").write_text(
        f"# {SECRET}\ncat; cat {SECRET}; echo $1; echo {SECRET} >&2; touch {SECRET}.out\n"
        f"echo '\"{SECRET}\"' >$SANDBOX_VALUE\n"
    )
    (folder / SECRET).write_text(SECRET)
    done = command(
        "run", "--audit", str(log), "--json", "-v", "-f", str(folder / SECRET), "--stdin", str(folder / SECRET),
        "-e", f"{SECRET}={SECRET}", "-o", str(folder / "out"), str(folder / f"{SECRET}.sh"), SECRET,
    )  # fmt: skip
    assert done.result["stdout"] == f"{SECRET}{SECRET}{SECRET}\n"
    assert (folder / "out" / f"{SECRET}.out").exists()
    (line,) = lines_of(log)
    assert (line["status"], line["source"]["digest"]) == ("ok", digest((folder / f"{SECRET}.sh").read_bytes()))
    assert SECRET not in log.read_text()


@pytest.mark.parametrize(
    ("words", "status", "cause"),
    [
        (["exec", "--", SECRET], "cannot-start", "the program was not found"),
        (["exec", "--", f"/usr/{SECRET}"], "cannot-start", "the program was not found"),
        (["run", f"{SECRET}.sh"], "refused", ASKED),
        (["run", f"{SECRET}.{SECRET}"], "refused", ASKED),
        (["run", "-l", SECRET, "-c", ""], "refused", ASKED),
        (["run", "-p", SECRET, *SH, ""], "refused", "the policy can't be used"),
        (["run", "--limit", f"{SECRET}=1", *SH, ""], "refused", "limits: " + ASKED),
        (["run", "--memory", SECRET, *SH, ""], "refused", "limits.memory: " + ASKED),
        (["run", "--memory", "1TiB", *SH, SECRET], "refused", "limits.memory: " + NOT_ALLOWED),
        (["run", "-e", SECRET, *SH, ""], "refused", ASKED),
        (["run", "-C", SECRET, *SH, ""], "refused", "workspace: " + ASKED),
        (["exec", "--venv", SECRET, "--", "true"], "refused", None),
        (["run", "-b", SECRET, *SH, ""], "refused", ASKED),
        (["run", "--collect", f"../{SECRET}", "--json", *SH, ""], "refused", None),
        (["run", "-f", SECRET, *SH, ""], "refused", ASKED),
        (["run", "--stdin", SECRET, *SH, ""], "refused", ASKED),
        (["run", "-l", "c", "-c", f"{SECRET}!"], "compile-error", "language.compile: the compiler failed"),
        (["shell", "--result", SECRET], "refused", ASKED),
    ],
)  # fmt: skip
def test_no_refusal_and_no_failure_quotes_what_was_typed(
    command: Command, log: Path, words: list[str], status: str, cause: str | None
) -> None:
    done = command(words[0], "--audit", str(log), *words[1:])
    assert done.code != 0
    (line,) = lines_of(log)
    assert (line["status"], line["kind"]) == (status, words[0])
    assert cause is None or line["cause"] == cause
    assert line["cause"]
    assert SECRET not in log.read_text()


def test_refused_job_has_the_policy_that_it_would_have_run_under(command: Command, log: Path) -> None:
    done = command("run", "--audit", str(log), "--json", "--memory", "1TiB", *SH, "true")
    (line,) = lines_of(log)
    assert (line["policy"]["name"], line["language"], line["id"]) == ("sh", "sh", done.result["id"])
    command("run", "--audit", str(log), *SH, "true")
    assert line["policy"] == lines_of(log)[1]["policy"]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_job_that_a_signal_cancels_has_its_line(sandbox: Sandbox, shared_tmp: Path) -> None:
    log = shared_tmp / "audit.jsonl"
    process = sandbox.popen("exec", "--audit", str(log), "--", "sleep", "60")
    while not log.exists() and process.poll() is None:  # the signal may come while the job is prepared, too
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    (line,) = lines_of(log)
    assert (line["status"], line["signal"], line["cause"]) == ("cancelled", "SIGTERM", "cancelled by SIGTERM")


def test_what_is_no_job_has_no_line(command: Command, log: Path) -> None:
    assert command("run", "--audit", str(log), "--no-such-option", *SH, "").code == 125
    assert command("run", "--audit", str(log), "--help").code == 0
    assert command("render", "--audit", str(log), *SH, "true").code == 0
    assert not log.exists()


def test_job_does_not_start_where_its_line_could_not_be_written(command: Command, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    done = command(
        "run", "--audit", str(tmp_path / "no" / "a"), "-o", str(tmp_path / "out"), *SH, "touch made; echo ran"
    )
    refused(done, f"'{tmp_path}/no/a' can't be written: No such file or directory")
    assert (done.out, (tmp_path / "out").exists()) == ("", False)
    refused(command("run", "--audit", "", *SH, ""), "--audit names no file")


def test_other_files_have_a_line_of_the_job_that_one_file_refused(command: Command, log: Path, config: Path) -> None:
    config.write_text(f"audit: {log}\n")
    done = command("run", "--audit", "/no/such/a", "--json", *SH, "true")
    assert done.result["blame"] == {"clause": "audit", "source": "option", "file": None, "line": None}
    (line,) = lines_of(log)
    assert line["cause"] == f"audit: {NOT_ALLOWED}"


def test_file_of_the_configuration_has_every_job_and_an_option_only_adds_one(
    command: Command, log: Path, config: Path, tmp_path: Path
) -> None:
    config.write_text(f"audit: {log}\n")
    command("run", *SH, "true")
    command("run", "--audit", str(tmp_path / "b"), *SH, "true")
    command("run", "--audit", str(log), *SH, "true")
    assert [line["status"] for line in lines_of(log)] == ["ok"] * 3
    assert lines_of(tmp_path / "b") == lines_of(log)[1:2]
    config.write_text(f"audit: {tmp_path}/no/such\n")
    done = command("run", "--json", *SH, "true")
    assert done.result["blame"] == {"clause": "audit", "source": "file", "file": str(config), "line": 1}


def test_line_that_is_lost_when_the_job_has_run_is_told_and_ends_with_125(
    command: Command, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AuditFile, "append", fail)
    done = command("run", "--audit", str(log), *SH, "echo ran")
    assert (done.code, done.out) == (125, "ran\n")
    assert f"audit: '{log}' did not get the line of this job: No space left on device" in done.err


def test_job_can_not_write_its_own_audit(command: Command, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "logs").mkdir(parents=True)
    (tmp_path / "link").symlink_to(project)
    (tmp_path / "p.yaml").write_text(f"extends: command\nfilesystem: {{/srv: {{from: {project}, mode: rw}}}}\n")
    for file in (project / "a", project / "logs" / "a", tmp_path / "link" / "a"):
        words = ("exec", "--audit", str(file), "-p", str(tmp_path / "p.yaml"), "--", "true")
        refused(command(*words), f"the job could write in {file}: /srv is writable to it")
    elsewhere = ("exec", "--audit", str(tmp_path / "a"), "-p", str(tmp_path / "p.yaml"), "--", "true")
    done = command(*elsewhere)
    assert "the job could write" not in done.err


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_directory_of_the_jobs_own_holds_no_audit_unless_it_is_read_only(sandbox: Sandbox, shared_tmp: Path) -> None:
    words = ("exec", "--audit", "audit.jsonl", "-C")
    done = sandbox(*words, ".", "--", "true", cwd=shared_tmp)
    assert done.returncode == 125
    assert f"audit: the job could write in {shared_tmp}/audit.jsonl" in done.stderr.decode()
    assert sandbox(*words, ".:ro", "--", "true", cwd=shared_tmp).returncode == 0
    assert [line["status"] for line in lines_of(shared_tmp / "audit.jsonl")] == ["refused", "ok"]


def test_result_and_saved_files_never_replace_an_audit(command: Command, log: Path) -> None:
    command("run", "--audit", str(log), *SH, "true")
    refused(command("run", "--audit", str(log), "--result", str(log), *SH, "true"), "--result would replace")
    folder = str(log.parent)
    words = ("run", "--audit", str(log), "--force", "-o", folder, *SH, "echo {} >audit.jsonl")
    refused(command(*words), "-o with --force would replace")
    assert [line["status"] for line in lines_of(log)] == ["ok", "refused", "refused"]


def test_ceiling_demands_a_line_of_every_job_and_an_option_only_adds_a_file(
    command: Command, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demanding = tmp_path / "ceiling.yaml"
    demanding.write_text(f"limits: {{memory: 1GiB}}\naudit: {log}\n")
    monkeypatch.setenv("SANDBOX_CEILING", str(demanding))
    result = command("run", "--json", "--audit", str(tmp_path / "b"), *SH, "true").result
    command("run", "--memory", "2GiB", *SH, "true")
    ran, other = lines_of(log)
    assert [ran] == lines_of(tmp_path / "b")
    assert ran["policy"] == other["policy"] == result["policy"]
    assert ran["policy"]["ceiling"].startswith("sha256:")
    demanding.write_text(f"audit: {tmp_path}/no/such\n")
    done = command("run", "--json", "--audit", str(tmp_path / "b"), *SH, "true")
    assert (done.code, done.result["status"]) == (125, "refused")
    assert done.result["blame"] == {"clause": "audit", "source": "ceiling", "file": str(demanding), "line": 1}
    assert lines_of(tmp_path / "b")[1]["id"] == done.result["id"]


def test_each_test_of_a_policy_has_its_line_and_runs_only_with_one(
    command: Command, log: Path, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "p.yaml").write_text("extends: sh\n")
    (tmp_path / "p.test.yaml").write_text(
        "tests:\n"
        "  one: {code: exit 3, expect: {exit_code: 3}}\n"
        "  two: {command: [no-such-program], expect: {status: cannot-start}}\n"
    )
    config.write_text(f"audit: {log}\n")
    command("policy", "test", "-b", "bwrap", str(tmp_path / "p.yaml"))
    found = {(line["kind"], line["status"], *line["source"].values()) for line in lines_of(log)}
    assert ("test", "nonzero-exit", "code", digest(b"exit 3")) in found
    assert ("test", "cannot-start", "command", digest(b"no-such-program\0")) in found
    config.write_text("audit: /no/such/file\n")
    done = command("policy", "test", "-b", "bwrap", str(tmp_path / "p.yaml"))
    assert done.code == 125
    assert "audit: '/no/such/file' can't be written" in done.err
