"""What an agent gets: languages, files, images, limits, progress, cancellation, as both accounts."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.cli.schemas import all_schemas
from tests.mcp.serving import eventually, result_of, run, running, serving, talk, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

    from tests.accounts import Sandbox

PLOT = """
import struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\\0" + bytes(255 if x == y else 0 for x in range(64)) for y in range(64))
with open("plot.png", "wb") as file:
    file.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
"""


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_tools_and_resources_are_listed_with_valid_schemas_in_both_eras_of_the_protocol(
    sandbox: Sandbox, mode: str
) -> None:
    async def then(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"run_code", "list_languages", "list_policies", "explain_policy", "doctor"}
        for tool in tools.values():
            for schema in (tool.input_schema, tool.output_schema):
                jsonschema.Draft202012Validator.check_schema(schema)
                assert schema["type"] == "object"
            assert tool.title
            assert tool.description
            assert tool.annotations.read_only_hint == (tool.name != "run_code")
        asked = tools["run_code"].input_schema["properties"]
        assert not {"file", "workspace", "venv"} & set(asked)
        assert "$ref" not in str(tools["run_code"].input_schema)
        uris = {each.uri for each in (await client.list_resources()).resources}
        assert {"sandbox://policy/python", "sandbox://schema/result", "sandbox://schema/job"} <= uris
        read: Any = (await client.read_resource("sandbox://policy/python")).contents[0]
        assert "extends" in read.text
        assert "wall_time" in read.text

    talk(sandbox, then=then, mode=mode)


def test_code_of_three_languages_runs(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        python, bash, c = await asyncio.gather(
            run(client, language="python", code="import sys; print(sys.stdin.read() + '!')", stdin="hi"),
            run(client, language="bash", code='cat data/in.txt; exit "$1"', args=["3"], files={"data/in.txt": "x"}),
            run(client, language="c", code='#include <stdio.h>\nint main(void) { puts("of C"); }'),
        )
        assert (python["status"], python["stdout"]) == ("ok", "hi!\n")
        assert (bash["status"], bash["exit_code"], bash["stdout"]) == ("nonzero-exit", 3, "x")
        assert (c["status"], c["stdout"], c["compile"]["status"]) == ("ok", "of C\n", "ok")
        jsonschema.validate(python, all_schemas()["result"])

    talk(sandbox, then=then)


def test_plot_comes_back_as_an_image_and_what_only_claims_to_be_one_does_not(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        code = PLOT + "open('fake.png', 'w').write('no image')"
        answer = await client.call_tool("run_code", {"language": "python", "code": code})
        result = result_of(answer)
        assert [each.type for each in answer.content] == ["text", "image"]
        image: Any = answer.content[1]
        assert image.mime_type == "image/png"
        assert base64.b64decode(image.data).startswith(b"\x89PNG")
        assert {each["path"]: each["content"] for each in result["artifacts"]}["plot.png"] == image.data
        assert '"fake.png" (8 bytes)' in text_of(answer)

    talk(sandbox, then=then)


def test_text_says_what_a_model_has_to_know(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        job = {"language": "python", "code": "print('x' * 50_000); import time; time.sleep(9)"}
        answer = await client.call_tool("run_code", {**job, "limits": {"wall_time": "500ms"}})
        assert result_of(answer)["status"] == "wall-time-limit"
        text = text_of(answer)
        assert text.startswith("status: wall-time-limit (SIGKILL")
        assert "cause: limits.wall_time" in text
        assert "30000 characters before stand in the structured result" in text

    talk(sandbox, then=then)


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_limit_beyond_its_maximum_is_a_readable_refusal(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        answer = await client.call_tool("run_code", {"language": "python", "code": "1", "limits": {"memory": "1TiB"}})
        result = result_of(answer)
        assert result["status"] == "refused"
        assert "8GiB" in result["error"]["message"]
        assert result["blame"]["clause"] == "limits.memory"
        assert "hint: ask for 8GiB or less" in text_of(answer)

    talk(sandbox, then=then)


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ({"langauge": "python", "code": "1"}, "langauge"),
        ({"language": "python", "code": 1}, "code"),
        ({"language": "python"}, "exactly one of code"),
        ({}, "language"),
        ({"language": "cobol", "code": "1"}, "cobol"),
        ({"language": "python", "code": "1", "files": {"../x": ""}}, "leads out of scratch"),
        ({"language": "python", "code": "1", "limits": {"wall_time": "soon"}}, "soon"),
        ({"language": "python", "code": "1", "id": ""}, "id"),
    ],
)
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_bad_arguments_are_readable_results(sandbox: Sandbox, job: dict[str, Any], says: str) -> None:
    async def then(client: Client) -> None:
        answer = await client.call_tool("run_code", job)
        result = result_of(answer)
        assert result["status"] == "refused"
        assert says in f"{result['error']['message']} {result['error']['hint']}"
        assert says in text_of(answer)

    talk(sandbox, then=then)


def test_cancelled_job_is_gone_and_its_place_is_free(sandbox: Sandbox) -> None:
    words = ("sleep", "54321.125")

    async def then(client: Client) -> None:
        asked = asyncio.create_task(run(client, policy="command", command=[*words]))
        await asyncio.to_thread(eventually, lambda: running(*words))
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await asyncio.to_thread(eventually, lambda: not running(*words)) < 5
        assert (await run(client, policy="command", command=["true"]))["status"] == "ok"  # of one place

    talk(sandbox, "-j", "1", "-p", "command", then=then)


def test_job_that_is_cancelled_in_the_queue_never_runs(sandbox: Sandbox, shared_tmp: Path) -> None:
    audit = shared_tmp / "audit"

    async def then(client: Client) -> None:
        first = asyncio.create_task(run(client, id="first", command=["sleep", "1"]))
        await asyncio.sleep(0.3)
        second = asyncio.create_task(run(client, id="second", command=["true"]))
        await asyncio.sleep(0.2)
        second.cancel()
        assert (await first)["status"] == "ok"
        assert (await run(client, id="third", command=["true"]))["status"] == "ok"

    talk(sandbox, "-j", "1", "-p", "command", "--audit", str(audit), then=then)
    assert [json.loads(line)["id"] for line in audit.read_text().splitlines()] == ["first", "third"]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_progress_tells_of_queue_start_and_time(sandbox: Sandbox) -> None:
    told: list[tuple[float, str]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def then(client: Client) -> None:
        first = asyncio.create_task(run(client, command=["sleep", "0.5"]))
        await asyncio.sleep(0.2)
        job = {"command": ["sleep", "2.5"]}
        assert result_of(await client.call_tool("run_code", job, progress_callback=progress))["status"] == "ok"
        await first

    talk(sandbox, "-j", "1", "-p", "command", then=then)
    messages = [message for _, message in told]
    assert messages[0].startswith("queued")
    assert messages[1] == "started"
    assert messages[2].startswith("running")
    assert [seconds for seconds, _ in told] == sorted(seconds for seconds, _ in told)


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_fifty_calls_at_once_lose_nothing(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        results = await asyncio.gather(*(run(client, id=f"n{n}", language="bash", code=f"echo {n}") for n in range(50)))
        assert [(each["id"], each["stdout"]) for each in results] == [(f"n{n}", f"{n}\n") for n in range(50)]

    talk(sandbox, then=then)


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_questions_are_answered_while_a_job_runs(sandbox: Sandbox) -> None:
    async def then(client: Client) -> None:
        job = asyncio.create_task(run(client, language="bash", code="sleep 3"))
        began = time.monotonic()
        languages, policies, explained, doctor = await asyncio.gather(
            client.call_tool("list_languages"),
            client.call_tool("list_policies"),
            client.call_tool("explain_policy", {"policy": "python", "clause": "limits.memory"}),
            client.call_tool("doctor"),
        )
        assert any(each["name"] == "python" and each["runtimes"] for each in result_of(languages)["languages"])
        offered = {each["name"]: each for each in result_of(policies)["policies"]}
        assert offered["python"]["limits"]["memory"] == {"default": "512MiB", "max": "8GiB"}
        assert "command" not in offered
        assert result_of(explained)["clauses"][0]["clause"] == "limits.memory"
        assert {each["name"] for each in result_of(doctor)["backends"]} == {"bwrap", "nsjail", "firejail"}
        assert time.monotonic() - began < 30
        assert (await job)["status"] == "ok"
        wrong = await client.call_tool("explain_policy", {"policy": "python", "claus": "x"})
        assert wrong.is_error
        assert "claus" in text_of(wrong)

    talk(sandbox, then=then)


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_policy_that_is_edited_holds_for_the_next_job(sandbox: Sandbox, shared_tmp: Path) -> None:
    policy = shared_tmp / "mine.yaml"
    policy.write_text("extends: bash\nlimits: {wall_time: 5s}\n")

    async def conversation() -> None:
        async with serving(sandbox, "-p", str(policy)) as client:
            job = {"policy": "mine", "code": "true"}
            limits = {row["clause"]: row["effective"] for row in (await run(client, **job))["receipt"]["clauses"]}
            assert limits["limits.wall_time"] == "5s"
            policy.write_text("extends: bash\nlimits: {wall_time: 7s}\n")
            limits = {row["clause"]: row["effective"] for row in (await run(client, **job))["receipt"]["clauses"]}
            assert limits["limits.wall_time"] == "7s"
            policy.write_text("extends: bash\nlimits: {wall_tim: 7s}\n")
            broken = await run(client, **job)
            assert broken["status"] == "refused"
            assert "wall_tim" in broken["error"]["message"]

    asyncio.run(asyncio.wait_for(conversation(), 60))
