"""What a tool answers: the whole as structured content, and beside it what a model needs to read of it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from mcp_types import CallToolResult, ImageContent, TextContent

from sandbox_cli.text import well_formed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.result import Artifact, Result

MOST_IMAGES = 8
LARGEST_IMAGE = 3 << 20  # bytes; models take some 5 MB of base64 for one
_STREAM = 20_000  # characters of the end of a stream
_NAMES = 50  # files that are listed
# A name proves nothing, and what is called an image and is none makes some clients fail for good.
_SIGNATURES = ((0, b"\x89PNG\r\n\x1a\n", "image/png"), (0, b"\xff\xd8\xff", "image/jpeg"), (0, b"GIF8", "image/gif"),
               (8, b"WEBP", "image/webp"))  # fmt: skip


def of_job(result: Result) -> CallToolResult:
    """A refusal and a limit are results like any other: `status` says so, and no answer of a job is an error."""
    images = list(_images(result["artifacts"]))
    text = TextContent(text="\n".join(_lines(result, len(images))))
    return CallToolResult(content=[text, *images], structured_content=result)


def of_data(answer: Mapping[str, object]) -> CallToolResult:
    """Data that its reader asked for: the text is the same."""
    whole = well_formed(answer)
    return CallToolResult(content=[TextContent(text=json.dumps(whole))], structured_content=whole)


def of_mistake(problem: str) -> CallToolResult:
    """A question that has no answer of its tool's shape."""
    return CallToolResult(content=[TextContent(text=problem)], is_error=True)


def _lines(result: Result, images: int) -> Iterator[str]:
    yield _status(result)
    if result["cause"]:
        yield f"cause: {result['cause']}"
    if result["error"] and result["error"]["hint"]:
        yield f"hint: {result['error']['hint']}"
    yield from (f"limit reached: {name}, {count} times" for name, count in result["limit_hits"].items())
    if result["value"] is not None:
        yield f"value: {_end_of(json.dumps(result['value']))}"
    if result["value_error"]:
        yield f"no value: {result['value_error']}"
    compiled = result["compile"]
    if compiled is not None:
        yield from _stream("the compiler's stderr", compiled["stderr"])
        if compiled["status"] != "ok":
            yield from _stream("the compiler's stdout", compiled["stdout"])
    yield from _stream("stdout", result["stdout"], cut=result["stdout_truncated"])
    yield from _stream("stderr", result["stderr"], cut=result["stderr_truncated"])
    yield from _files(result, images)


def _status(result: Result) -> str:
    how = [f"exit code {result['exit_code']}"] if result["exit_code"] is not None else []
    how += [result["signal"]] if result["signal"] else []
    how += [f"{result['usage']['wall_time_s']:.2f} s"] if result["usage"] and result["usage"]["wall_time_s"] else []
    return f"status: {result['status']}" + (f" ({', '.join(how)})" if how else "")


def _stream(name: str, text: str, *, cut: bool = False) -> Iterator[str]:
    if text:
        yield f"--- {name}{', of which the rest was not kept' if cut else ''}:"
        yield _end_of(text.removesuffix("\n"))


def _end_of(text: str) -> str:
    left_out = len(text) - _STREAM
    return text if left_out <= 0 else f"[{left_out} characters before stand in the structured result]{text[-_STREAM:]}"


def _files(result: Result, images: int) -> Iterator[str]:
    found, omitted = result["artifacts"], result["artifacts_omitted"]
    if found:
        yield f"--- files{f', {images} of them as images below' if images else ''}:"
        yield from (f"{json.dumps(each['path'])} ({each['size_bytes']} bytes)" for each in found[:_NAMES])
    if len(found) > _NAMES:
        yield f"and {len(found) - _NAMES} more"
    yield from (f"left out: {json.dumps(each['path'])}, {each['reason']}" for each in omitted[:_NAMES])


def _images(artifacts: list[Artifact]) -> Iterator[ImageContent]:
    left = MOST_IMAGES
    for each in artifacts:
        content = each["content"]
        if left and content is not None and each["size_bytes"] <= LARGEST_IMAGE:
            kind = _kind(base64.b64decode(content[:64]))
            if kind is not None:
                left -= 1
                yield ImageContent(data=content, mime_type=kind)


def _kind(begin: bytes) -> str | None:
    """Which image it begins as."""
    return next((kind for at, mark, kind in _SIGNATURES if begin[at : at + len(mark)] == mark), None)
