"""What is the operator's to decide, an agent can't: policies, files of the host, directories, jailer, audit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import accounts
from tests.mcp.serving import run, talk

if TYPE_CHECKING:
    from mcp import Client

    from tests.accounts import Sandbox

CODE = {"language": "bash", "code": "echo ran"}


@pytest.mark.parametrize(
    "job",
    [
        {**CODE, "policy": "/etc/hostname"},
        {**CODE, "policy": "./bash.yaml"},
        {**CODE, "policy": "../policies/bash"},
        {**CODE, "policy": "_base"},
        {**CODE, "policy": "python"},
        {"language": "python", "code": "print(1)"},
        {"language": "python@3", "code": "print(1)"},
        {"language": "bash", "file": "/etc/passwd"},
        {**CODE, "workspace": "/home"},
        {**CODE, "venv": "/"},
        {**CODE, "audit": "/dev/null"},
        {**CODE, "best_effort": True},
        {**CODE, "locked": False},
        {**CODE, "network": "host"},
        {**CODE, "backend": "nsjail"},
        {**CODE, "limits": {"wall_time": "11min"}},
        {**CODE, "files": {"/etc/x": ""}},
        {"policy": "bash", "language": "python", "code": "print(1)"},
    ],
    ids=str,
)
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_what_is_the_operators_is_refused_to_an_agent(sandbox: Sandbox, job: dict[str, Any]) -> None:
    async def then(client: Client) -> None:
        result = await run(client, **job)
        assert result["status"] == "refused"
        assert result["error"]["message"]
        assert result["stdout"] == ""
        assert (await run(client, **CODE))["stdout"] == "ran\n"

    talk(sandbox, "-p", "bash", "-b", "bwrap", then=then)


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_policy_without_a_language_serves_commands_and_all_languages(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "tight.yaml").write_text("extends: _base\nlimits: {processes: {default: 5, max: 5}}\n")

    async def then(client: Client) -> None:
        for job in ({"command": ["echo", "ran"]}, CODE, {**CODE, "policy": "tight"}):
            result = await run(client, **job)
            assert (result["policy"]["name"], result["stdout"]) == ("tight", "ran\n"), result
        beyond = await run(client, **CODE, limits={"processes": 6})
        assert "5 that policy tight allows" in beyond["error"]["message"]

    talk(sandbox, "-p", "./tight.yaml", then=then, cwd=str(shared_tmp))


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_command_runs_under_a_policy_that_it_names_where_none_is_for_commands(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        assert (await run(client, command=["echo", "ran"]))["status"] == "refused"
        assert (await run(client, policy="bash", command=["echo", "ran"]))["stdout"] == "ran\n"

    talk(sandbox, then=then)


def test_workspace_keeps_files_between_runs_and_what_is_written_home_comes_back(
    sandbox: Sandbox, shared_tmp: Path
) -> None:
    work = shared_tmp / "work"
    work.mkdir()
    if sandbox.account.uid == 0:  # whose jobs run as the directory's owner
        os.chown(work, accounts.tester().pw_uid, accounts.tester().pw_gid)
    else:
        os.chown(work, sandbox.account.uid, sandbox.account.gid)

    async def then(client: Client) -> None:
        made = await run(client, language="bash", code='echo kept >note; echo back >"$HOME/back.txt"')
        assert made["status"] == "ok", made
        assert [each["path"] for each in made["artifacts"]] == ["back.txt"]
        assert (await run(client, language="bash", code="cat note"))["stdout"] == "kept\n"
        told = (await client.call_tool("list_policies")).structured_content
        assert told["workspace"] == f"{work}:rw"

    talk(sandbox, "--workspace", "work", "-p", "bash", then=then, cwd=str(shared_tmp))
    assert (work / "note").read_text() == "kept\n"


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_workspace_of_root_is_refused_at_start(sandbox: Sandbox, shared_tmp: Path) -> None:
    done = sandbox("mcp", "-C", str(shared_tmp))
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"belongs to root" in done.stderr


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_workspace_that_a_policy_does_not_allow_is_refused_at_start(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "none.yaml").write_text("extends: bash\nworkspace: none\n")
    done = sandbox("mcp", "-p", "bash", "-p", "./none.yaml", "-C", str(shared_tmp), cwd=shared_tmp)
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"policy none allows no directory of yours" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-p", "no-such"], b"there is no policy"),
        (["-b", "docker"], b"there is no backend"),
        (["--capture", "much"], b"--capture"),
        (["-j", "0"], b"-j"),
        (["-C", "/nonexistent"], b"/nonexistent"),
    ],
)
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_operators_mistake_is_one_sentence_at_start(sandbox: Sandbox, options: list[str], says: bytes) -> None:
    done = sandbox("mcp", *options)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_audit_has_a_line_of_each_job_and_of_what_was_refused(sandbox: Sandbox, shared_tmp: Path) -> None:
    async def then(client: Client) -> None:
        await run(client, id="one", **CODE)
        await run(client, **CODE, policy="/etc/passwd")

    talk(sandbox, "--audit", "log", then=then, cwd=str(shared_tmp))
    lines = [json.loads(line) for line in (shared_tmp / "log").read_text().splitlines()]
    assert [(line["kind"], line["status"]) for line in lines] == [("mcp", "ok"), ("mcp", "refused")]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_server_whose_audit_can_get_no_line_does_not_start(sandbox: Sandbox) -> None:
    done = sandbox("mcp", "--audit", "/nowhere/log", stdin=b"")
    assert done.returncode == 125
    assert done.stderr.startswith(b"sandbox: audit")


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_null_is_as_if_a_key_were_left_out(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        nothing = dict.fromkeys(("id", "command", "stdin", "policy", "network", "backend"))
        assert (await run(client, **CODE, **nothing))["stdout"] == "ran\n"

    talk(sandbox, then=then)


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_ceiling_bounds_every_job(sandbox: Sandbox, shared_tmp: Path) -> None:
    ceiling = shared_tmp / "ceiling.yaml"
    ceiling.write_text("limits: {wall_time: 4s}\n")

    async def then(client: Client) -> None:
        result = await run(client, **CODE, limits={"wall_time": "9s"})
        clauses = {row["clause"]: row["effective"] for row in result["receipt"]["clauses"]}
        assert clauses["limits.wall_time"] == "4s"

    talk(sandbox, then=then, env={"SANDBOX_CEILING": str(ceiling)})


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_locked_server_runs_no_policy_that_is_not_in_its_lock(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "mine.yaml").write_text("extends: bash\n")

    async def then(client: Client) -> None:
        result = await run(client, code="echo ran")
        assert result["status"] == "refused"
        assert "lock" in result["error"]["message"]

    talk(sandbox, "--locked", "-p", "./mine.yaml", then=then, cwd=str(shared_tmp))
