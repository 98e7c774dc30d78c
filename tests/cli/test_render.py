"""What `sandbox render` prints runs when it is pasted into sh, in a jail that really is one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.cli.snippet import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Account, Sandbox

DOCS = Path(__file__).resolve().parents[2] / "docs"
PYTHON = ("-l", "python", "-c")
LOOK = """\
import os, socket, sys
print(os.getcwd() == os.environ["HOME"], sorted(os.listdir()), os.getuid() != 0, os.path.exists("/etc/shadow"))
print([name for _, name in socket.if_nameindex()], os.environ["A"], sys.argv, repr(sys.stdin.read()))
open("made", "w").close()
sys.exit(7)
"""


def paste(sandbox: Sandbox, script: bytes) -> subprocess.CompletedProcess[bytes]:
    """As somebody would who pastes it into a shell and looks at $? then."""
    return sandbox.account.run(["sh"], stdin=b"cd /\n" + script.rstrip(b"\n") + b" </dev/null\nexit $?\n")


def test_what_is_rendered_runs_in_a_jail_when_pasted(sandbox: Sandbox, backend: str, shared_tmp: Path) -> None:
    (shared_tmp / "a file").write_text("x")
    options = ("-b", backend, "-e", 'A=it\'s "b"', "-f", f"{shared_tmp}/a file:in/b")
    rendered = sandbox("render", *options, *PYTHON, LOOK, "x", "y z'\n", "")
    assert (rendered.returncode, rendered.stderr) == (0, b"")
    done = paste(sandbox, rendered.stdout)
    assert done.stdout.decode().splitlines() == [
        "True ['in', 'main.py'] True False",
        f"""['lo'] it's "b" {["main.py", "x", "y z'" + chr(10), ""]!r} ''""",
    ], done.stderr.decode()
    assert done.returncode == 7


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("code", ["return n;", "return no_such_name;"])
def test_what_is_compiled_first_is_compiled_when_pasted(
    sandbox: Sandbox, as_user: Account, backend: str, shared_tmp: Path, needs: Callable[[str], None], code: str
) -> None:
    """In scratch, though the program works in a directory of the caller's; a compiler that fails is all there is."""
    needs("gcc")
    project = shared_tmp / "project"
    project.mkdir()
    os.chown(project, as_user.uid, as_user.gid)
    words = ["-b", backend, "-C", str(project), "-l", "c", "-c", f"int main(int n) {{ {code} }}", "x", "y z"]
    done = paste(sandbox, sandbox("render", *words).stdout)
    assert (done.returncode, done.stdout) == (3 if code == "return n;" else 1, b""), done.stderr.decode()
    assert os.listdir(project) == []


def test_what_was_rendered_for_another_account_makes_no_jail(
    sandbox: Sandbox, account: str, as_root: Account, as_user: Account
) -> None:
    """An ordinary user's jail, made by root, would hold root."""
    rendered = sandbox("render", "--", "echo", "ran").stdout
    other = as_user if account == "root" else as_root
    done = other.run(["sh"], stdin=b"cd /\n" + rendered.rstrip(b"\n") + b" </dev/null\nexit $?\n")
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"and for no other" in done.stderr


def test_command_after_dashes_is_rendered_as_for_exec(sandbox: Sandbox, backend: str) -> None:
    rendered = sandbox("render", "-b", backend, "--", "sh", "-c", "echo $0 $PATH; exit 3", "--json")
    done = paste(sandbox, rendered.stdout)
    assert done.stdout.startswith(b"--json /usr/local/bin:")
    assert done.returncode == 3


def test_file_is_rendered_with_its_code_whatever_that_is(sandbox: Sandbox, shared_tmp: Path) -> None:
    code = 'print("END")\nprint("""\nEND\nEND_\n""".split(), "%s\\\\n", \'$(exit 1)\')\n'
    (shared_tmp / "-it's.py").write_text(code)
    rendered = sandbox("render", "-b", "bwrap", "./-it's.py", cwd=shared_tmp)
    assert paste(sandbox, rendered.stdout).stdout.decode() == "END\n['END', 'END_'] %s\\n $(exit 1)\n"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a%s\\b'$(exit 1)`", b"\0\\%d\n'", b"END\nEND_\n", b"\xff", b"\r\n\x1b"]
)
def test_sh_writes_exactly_the_content_of_a_file(tmp_path: Path, content: bytes) -> None:
    lines = written(f"{tmp_path}/it's", content.decode(errors="surrogateescape"))
    subprocess.run(["sh", "-e"], input="\n".join(lines).encode(errors="surrogateescape"), check=True)
    assert (tmp_path / "it's").read_bytes() == content


def test_nothing_is_left_of_what_was_pasted(sandbox: Sandbox) -> None:
    script = sandbox("render", *PYTHON, "pass").stdout
    folder = next(line.split()[-1] for line in script.decode().splitlines() if line.startswith("mkdir"))
    assert paste(sandbox, script).returncode == 0
    assert list(Path(folder).parent.glob(f"{Path(folder).name}*")) == []


def test_what_the_jailer_does_not_hold_is_told_in_comments(sandbox: Sandbox) -> None:
    comments = [line for line in sandbox("render", *PYTHON, "pass").stdout.decode().splitlines() if line[:1] == "#"]
    for clause in ("syscalls", "limits.memory: 512MiB", "limits.wall_time: 10s", "limits.output", "the gate"):
        assert any(clause in line for line in comments), clause
    assert not any("network" in line for line in comments)


def test_render_as_json_has_the_published_shape(sandbox: Sandbox) -> None:
    answer: dict[str, Any] = sandbox.json("render", *PYTHON, "print(1)")
    jsonschema.validate(answer, json.loads((DOCS / "render.schema.json").read_text()))
    assert "limits.memory" in {row["clause"] for row in answer["not_held"]}
    assert paste(sandbox, answer["script"].encode()).stdout == b"1\n"


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_bytes_that_are_no_text_are_rendered_as_they_are(sandbox: Sandbox) -> None:
    script = sandbox(
        "render", "-e", b"A=\xff", *PYTHON, "import os, sys; print(os.environb[b'A'], sys.argv)", b"\xfe"
    ).stdout
    assert paste(sandbox, script).stdout == b"b'\\xff' ['main.py', '\\udcfe']\n"


@pytest.mark.parametrize("account", ["root"], indirect=True)
@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_what_the_jobs_account_can_not_reach_is_bound_first(sandbox: Sandbox, backend: str, shared_tmp: Path) -> None:
    (shared_tmp / "closed" / "in").mkdir(parents=True)
    (shared_tmp / "closed").chmod(0o700)
    (shared_tmp / "closed" / "in" / "file").write_text("reached\n")
    policy = shared_tmp / "policy.yaml"
    policy.write_text(f"extends: command\nfilesystem: {{/opt/x: {{from: {shared_tmp}/closed/in}}}}\n")
    rendered = sandbox("render", "-b", backend, "-p", str(policy), "--", "cat", "/opt/x/file")
    assert paste(sandbox, rendered.stdout).stdout == b"reached\n"
