"""`sandbox run` and `sandbox exec` for real: what goes in, what comes out, and the exit code."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import one_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox

PYTHON = ("-l", "python", "-c")
ARGUMENTS = "import os, sys; print([os.fsencode(word) for word in sys.argv[1:]])"


# ---- streams and exit codes ----


def test_streams_and_exit_code_are_the_programs_own(sandbox: Sandbox) -> None:
    code = "import sys; sys.stdout.buffer.write(b'out\\xff'); print(sys.stdin.read(), file=sys.stderr); sys.exit(42)"
    done = sandbox("run", *PYTHON, code, stdin=b"in")
    assert (done.returncode, done.stdout, done.stderr) == (42, b"out\xff", b"in\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["run", *PYTHON, "pass"], 0, b""),
        (["run", *PYTHON, "import os; os.kill(os.getpid(), 11)"], 139, b"SIGSEGV"),
        (["run", "--timeout", "300ms", *PYTHON, "while True: pass"], 124, b"limits.wall_time"),
        (["run", "--limit", "output=1kB", *PYTHON, "while True: print('x' * 1000)"], 153, b"limits.output"),
        (["exec", "--", "no-such-program"], 127, b"no-such-program"),
        (["exec", "--", "/usr"], 126, b"/usr: not executable\nhint: it must be a file "),
        (["exec", "--", "sh", "-c", "exit 3"], 3, b""),
    ],
)
def test_exit_code_tells_how_it_ended_and_stderr_why(
    sandbox: Sandbox, words: list[str], code: int, says: bytes
) -> None:
    done = sandbox(*words)
    assert done.returncode == code
    assert (says in done.stderr) if says else done.stderr == b""


def test_limit_that_ended_a_job_comes_with_the_line_to_change(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "quick.yaml").write_text("extends: python\nlimits:\n  wall_time: 300ms\n")
    done = sandbox("run", "-p", str(shared_tmp / "quick.yaml"), "-c", "while True: pass")
    assert done.returncode == 124
    assert f"hint: limits.wall_time is set in {shared_tmp}/quick.yaml:3".encode() in done.stderr


@pytest.mark.parametrize("account", ["user"], indirect=True)  # root's scratch is a sized tmpfs
def test_limit_that_ended_a_job_is_told_once(sandbox: Sandbox, needs: Callable[[str], None]) -> None:
    needs("firejail")
    given = ("-b", "firejail", "--limit", "scratch_size=128KiB")
    done = sandbox("run", *given, *PYTHON, "import time; open('big', 'wb').write(bytes(300_000)); time.sleep(5)")
    assert done.returncode == 153
    first, hint = done.stderr.decode().splitlines()
    assert re.fullmatch(r"sandbox: limits.scratch_size: \d{3}KiB in use; 128KiB allowed", first)
    assert hint.startswith("hint: ")


def test_output_comes_as_it_is_written(sandbox: Sandbox) -> None:
    code = "import time; print('first', flush=True); time.sleep(60)"
    process = sandbox.popen("run", "--timeout", "90s", *PYTHON, code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 143


def test_exec_is_bound_by_the_policy_command(sandbox: Sandbox) -> None:
    assert sandbox.json("exec", "--", "true")["policy"]["name"] == "command"


# ---- what is handed to the program ----


@pytest.mark.parametrize("words", [["run", *PYTHON, ARGUMENTS, "--"], ["run", *PYTHON, ARGUMENTS]])
def test_arguments_arrive_byte_for_byte(sandbox: Sandbox, words: list[str]) -> None:
    arguments = [b"first", b"", b"--json", b"-c", b"--", b"\xff\xfe", b"a b'\"\n", "ü".encode(), b"-"]
    done = sandbox(*words, *arguments)
    assert done.stdout.decode().strip() == str(arguments)


def test_words_after_a_command_are_its_own(sandbox: Sandbox) -> None:
    done = sandbox("exec", "sh", "-c", 'printf "%s|" "$0" "$@"', "--json", "", b"\xff", "--", "-p")
    assert done.stdout == b"--json||\xff|--|-p|"


def test_file_keeps_its_name_and_its_arguments_follow(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "the tool.py").write_text("import os, sys; print(sys.argv, os.listdir())\n")
    done = sandbox("run", "the tool.py", "-v", "--", "x", cwd=shared_tmp)
    assert done.stdout.decode() == "['the tool.py', '-v', '--', 'x'] ['the tool.py']\n"
    assert done.stderr == b""


@pytest.mark.parametrize("name", [b"-x.py", b"\xff.py", b"a\nb.py"])
def test_file_may_have_any_name(sandbox: Sandbox, shared_tmp: Path, name: bytes) -> None:
    (shared_tmp / os.fsdecode(name)).write_text("import os; print(os.listdir(b'.'))\n")
    done = sandbox("run", "--", name, cwd=shared_tmp)
    assert done.stdout.decode() == f"{[name]}\n"


def test_empty_code_runs(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "empty.py").touch()
    assert sandbox("run", "empty.py", cwd=shared_tmp).returncode == 0
    assert sandbox("run", *PYTHON, "").returncode == 0


def test_code_from_stdin_leaves_the_program_none(sandbox: Sandbox) -> None:
    code = b"import sys; print(sys.argv[1:], repr(sys.stdin.read()))"
    assert sandbox("run", "-l", "python", "-", "a", stdin=code).stdout == b"['a'] ''\n"


def test_code_from_stdin_and_stdin_from_a_file(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "in").write_bytes(b"\xff")
    code = b"import sys; print(sys.stdin.buffer.read())"
    assert sandbox("run", "-l", "python", "--stdin", "in", "-", stdin=code, cwd=shared_tmp).stdout == b"b'\\xff'\n"


def test_code_from_stdin_that_is_not_utf8_is_refused(sandbox: Sandbox) -> None:
    done = sandbox("run", "-l", "python", "-", stdin=b"print(1)\n\xff")
    assert done.returncode == 125
    assert b"standard input is not UTF-8: byte 0xff in line 2" in done.stderr


def test_variables_and_files_arrive(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "a").write_bytes(b"\xff")
    (shared_tmp / "tool").write_text("#!/bin/sh\n")
    (shared_tmp / "tool").chmod(0o755)
    (shared_tmp / "c:d").write_text("")
    code = (
        "import os; print(os.environb[b'A'], os.environ['EMPTY'] == '', open('in/a', 'rb').read(),"
        " os.access('tool', os.X_OK), os.access('in/a', os.X_OK), sorted(os.listdir()))"
    )
    done = sandbox(
        "run", "-e", b"A=x=\xff y", "-e", "EMPTY=", "-f", "a:in/a", "-f", "tool", "-f", "c:d", *PYTHON, code,
        cwd=shared_tmp,
    )  # fmt: skip
    assert done.stdout == b"b'x=\\xff y' True b'\\xff' True False ['c:d', 'in', 'main.py', 'tool']\n"


def test_nothing_of_the_callers_environment_arrives(sandbox: Sandbox) -> None:
    assert b"SECRET" not in sandbox("exec", "env", env={"SECRET": "1"}).stdout


def test_network_can_be_taken_away(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "open.yaml").write_text("extends: python\nnetwork: host\n")
    words = (
        "-p",
        str(shared_tmp / "open.yaml"),
        "-c",
        "import socket; print([name for _, name in socket.if_nameindex()])",
    )
    assert sandbox("run", "--network", "none", *words).stdout == b"['lo']\n"
    assert (
        sandbox("run", "--network", "host", *words).stdout.decode()
        == f"{[name for _, name in socket.if_nameindex()]}\n"
    )


# ---- results ----

MADE = "import os, sys; os.mkdir('d'); open('d/a.txt', 'w').write('x'); open('b.png', 'w').close(); print('done')"


def test_json_is_one_object_and_nothing_else(sandbox: Sandbox) -> None:
    done = sandbox("run", "--json", *PYTHON, MADE + "; print('err', file=sys.stderr); sys.exit(3)")
    assert (done.returncode, done.stderr) == (3, b"")
    found = one_result(done.stdout)
    assert (found["status"], found["exit_code"], found["stdout"], found["stderr"]) == (
        "nonzero-exit", 3, "done\n", "err\n",
    )  # fmt: skip
    assert {each["path"]: base64.b64decode(each["content"]) for each in found["artifacts"]} == {
        "d/a.txt": b"x", "b.png": b"",
    }  # fmt: skip


def test_result_file_stands_beside_the_streams(sandbox: Sandbox, shared_tmp: Path) -> None:
    done = sandbox("run", "--result", "r.json", *PYTHON, MADE, cwd=shared_tmp)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done\n", b"")
    assert one_result((shared_tmp / "r.json").read_bytes())["stdout"] == "done\n"
    assert os.listdir(shared_tmp) == ["r.json"]


def test_result_file_that_is_a_pipe_is_written_into(sandbox: Sandbox, shared_tmp: Path) -> None:
    os.mkfifo(shared_tmp / "pipe")
    os.chown(shared_tmp / "pipe", sandbox.account.uid, -1)
    with subprocess.Popen(["cat", shared_tmp / "pipe"], stdout=subprocess.PIPE) as reader:
        done = sandbox("run", "--result", "pipe", *PYTHON, "print(1)", cwd=shared_tmp)
        stdout, _ = reader.communicate()
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1\n", b"")
    assert one_result(stdout)["status"] == "ok"
    assert stat.S_ISFIFO((shared_tmp / "pipe").stat().st_mode)


def test_fifo_whose_writer_left_before_the_job_began_ends_the_input(sandbox: Sandbox, shared_tmp: Path) -> None:
    os.mkfifo(shared_tmp / "pipe")
    os.chown(shared_tmp / "pipe", sandbox.account.uid, -1)
    reader = os.open(shared_tmp / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    (shared_tmp / "pipe").write_bytes(b"all of it\n")
    words = ("exec", "--timeout", "5s", "--", "cat")
    with sandbox.popen(*words, stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.close(reader)
        assert process.communicate() == (b"all of it\n", b"")
    assert process.returncode == 0


def test_capture_bounds_what_is_kept_and_not_what_comes_through(sandbox: Sandbox, shared_tmp: Path) -> None:
    done = sandbox("run", "--capture", "5B", "--result", "r.json", *PYTHON, "print('123456789')", cwd=shared_tmp)
    assert done.stdout == b"123456789\n"
    found = one_result((shared_tmp / "r.json").read_bytes())
    assert (found["stdout"], found["stdout_bytes"], found["stdout_truncated"]) == ("12345", 10, True)


def test_output_directory_gets_what_the_job_left(sandbox: Sandbox, shared_tmp: Path) -> None:
    done = sandbox("run", "-o", "new/out", "--collect", "**/*.txt", *PYTHON, MADE, cwd=shared_tmp)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (shared_tmp / "new/out/d/a.txt").read_text() == "x"
    assert os.listdir(shared_tmp / "new/out") == ["d"]
    assert (shared_tmp / "new/out/d/a.txt").stat().st_uid == sandbox.account.uid


def test_output_directory_that_can_not_get_all_is_told_what_is_missing(sandbox: Sandbox, shared_tmp: Path) -> None:
    done = sandbox("run", "-o", "out", *PYTHON, "import os; os.symlink('/etc/passwd', 'link')", cwd=shared_tmp)
    assert done.returncode == 0
    assert done.stderr.startswith(b"sandbox: link: not returned: ")
    assert os.listdir(shared_tmp / "out") == []


# ---- where it stands ----


def test_script_with_a_shebang_line_runs(sandbox: Sandbox, shared_tmp: Path) -> None:
    script = shared_tmp / "script"
    first = f"#!/usr/bin/env -S {' '.join(sandbox.command)} run -l python"
    script.write_text(f"{first}\nimport sys; print(sys.argv[1:], sys.stdin.read())\n")
    script.chmod(0o755)
    done = sandbox.account.run([str(script), "--json", "-x"], stdin=b"piped")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"['--json', '-x'] piped\n", b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_no_harm(sandbox: Sandbox, shared_tmp: Path, closed: str) -> None:
    code = "open('made', 'w').write('x'); print('out'); import sys; print('err', file=sys.stderr); sys.stdin.read()"
    line = f'exec "$@" {closed}'
    words = ["sh", "-c", line, "sh", *sandbox.command, "run", "-o", "out", *PYTHON, code]
    assert sandbox.account.run(words, cwd=shared_tmp).returncode == 0
    assert (shared_tmp / "out/made").read_text() == "x"


def test_json_that_nobody_takes_is_no_traceback(sandbox: Sandbox) -> None:
    words = [*sandbox.command, "run", "--json", *PYTHON, "pass"]
    full = sandbox.account.run(["sh", "-c", 'exec "$@" >/dev/full', "sh", *words])
    assert full.returncode == 125
    assert full.stderr.startswith(b"sandbox: can't write to standard output: No space left on device\nhint: ")
    gone = sandbox.account.run(["bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "bash", *words])
    assert (gone.returncode, gone.stderr) == (141, b"")


def test_result_keeps_the_mode_that_the_umask_gives(sandbox: Sandbox, shared_tmp: Path) -> None:
    words = [*sandbox.command, "run", "--result", "r.json", *PYTHON, "pass"]
    sandbox.account.run(["sh", "-c", 'umask 027; exec "$@"', "sh", *words], cwd=shared_tmp)
    assert stat.S_IMODE((shared_tmp / "r.json").stat().st_mode) == 0o640
