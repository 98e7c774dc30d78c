"""A job as somebody brings it, with what it is given, and the same from JSON (docs/job.schema.json)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from sandbox_cli.api.keys import in_keys
from sandbox_cli.errors import SandboxError, UsageError
from sandbox_cli.given import code as codes
from sandbox_cli.policy.spelling import hint as nearest_hint
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox_cli.given.code import Code
    from sandbox_cli.job import Job

_ENCODED = 'text, or {"base64": "..."} for bytes'


class Given(NamedTuple):
    """A job, and what only its run needs. `files`: name below scratch -> content; `stdin`: an fd stays the caller's."""

    job: Job
    code: Code | None = None
    files: Mapping[str, bytes] = {}
    stdin: bytes | int | None = None


_SUCH_AS = 'such as {"language": "python", "code": "print(1)"}'


class Base64(BaseModel):
    """Bytes that are no text."""

    model_config = ConfigDict(extra="forbid")
    base64: StrictStr


Content = StrictStr | Base64


class JobRequest(BaseModel):
    """A job as JSON: exactly one of `code`, `file` and `command`; all else may be left out."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[StrictStr, Field(min_length=1, max_length=200)] | None = Field(
        None, description="What its result is known by."
    )
    language: StrictStr | None = Field(None, description="Of the code: python, or python@3.12.")
    code: StrictStr | None = Field(None, description="A program's text.")
    file: StrictStr | None = Field(None, description="A file on this machine that holds the program's text.")
    command: Annotated[list[StrictStr], Field(min_length=1)] | None = Field(
        None, description="A program that the jail shows, and its arguments."
    )
    args: list[StrictStr] = Field([], description="Arguments of the program.")
    stdin: Content | None = Field(None, description="Its standard input; null is an empty one.")
    files: dict[StrictStr, Content] = Field({}, description="Files in its directory: name -> content.")
    env: dict[StrictStr, StrictStr] = Field({}, description="Environment variables.")
    policy: StrictStr | None = Field(None, description="A policy by its name or path; the language has one.")
    limits: dict[StrictStr, StrictStr | StrictInt | StrictFloat] = Field(
        {}, description='Limits within the policy\'s maxima: {"memory": "1GiB", "wall_time": "30s", "processes": 8}.'
    )
    network: StrictStr | None = Field(None, description="none takes the network away that a policy gives.")
    collect: list[StrictStr] = Field([], description="Globs of the files that come back.")
    backend: StrictStr | None = Field(None, description="bwrap, nsjail or firejail; else the first that serves.")
    workspace: StrictStr | None = Field(
        None, description="A directory of this machine to work in: DIR, or DIR:ro. It keeps its files."
    )
    value: StrictBool = Field(False, description="Whether the value of the code's last expression comes back.")


def request_of(document: object) -> JobRequest:
    """What a line of a batch, or an agent, asks for. Raises UsageError for what is no job."""
    if not isinstance(document, dict):
        raise UsageError("a job is a JSON object", hint=_SUCH_AS)
    try:
        asked = JobRequest.model_validate(document)
    except ValidationError as error:
        raise _in_words(error) from None
    given = [key for key in ("code", "file", "command") if getattr(asked, key) is not None]
    if len(given) != 1:
        told = f"{' and '.join(given)} are given" if given else "none is given"
        raise UsageError(f"a job is exactly one of code, file and command, and {told}", hint=_SUCH_AS)
    return asked


def of_json(document: object) -> Given:
    """The same with its content. Raises UsageError for content that can't be had, too."""
    return of_request(request_of(document))


def of_request(asked: JobRequest) -> Given:
    """The content of a job. Raises UsageError where it can't be had."""
    try:
        return _given(asked)
    except SandboxError as error:
        in_keys(error)
        raise


def _given(asked: JobRequest) -> Given:
    job: Job = {
        "language": asked.language,
        "args": asked.args,
        "env": asked.env,
        "policy": asked.policy,
        "limits": {name: str(value) for name, value in asked.limits.items()},
        "network": asked.network,
        "collect": asked.collect,
        "backend": asked.backend,
        "workspace": asked.workspace,
        "value": asked.value,
    }
    if asked.id is not None:
        job["id"] = asked.id
    check_words([*asked.args, *(asked.command or []), *asked.env.values()], asked.env)
    code = None
    if asked.code is not None:
        code = _code(asked.code)
        job["code"] = code.content
    if asked.file is not None:
        code = codes.of_file(asked.file)
        job["file"] = asked.file
    if asked.command is not None:
        job["command"] = asked.command
    files = {name: to_bytes(content, f"files.{name}") for name, content in asked.files.items()}
    return Given(job, code, files, None if asked.stdin is None else to_bytes(asked.stdin, "stdin"))


def _code(text: str) -> Code:
    return codes.of_text(to_bytes(text, "code"), "code", hint="JSON text is UTF-8")


def to_bytes(content: Content, what: str) -> bytes:
    try:
        if isinstance(content, Base64):
            return base64.b64decode(content.base64, validate=True)
        return content.encode()
    except binascii.Error:
        raise UsageError(f"{what}: this is no base64", hint=_ENCODED) from None
    except UnicodeEncodeError:
        raise UsageError(f"{what}: a lone surrogate is no text", hint=_ENCODED) from None


def check_words(words: Iterable[str], env: Mapping[str, str], encode: Callable[[str], bytes] = str.encode) -> None:
    """What execve takes: no NUL in a word, no `=` in a variable's name."""
    for name in env:
        if not name or "=" in name or "\0" in name:
            raise UsageError(f"env: {quoted(name)} names no variable", hint='write {"NAME": "VALUE"}')
    for word in [*words, *env]:
        if "\0" in word:
            raise UsageError(
                f"{quoted(word)} holds a NUL, which no argument can", hint="pass it in a file, or on stdin"
            )
        try:
            encode(word)
        except UnicodeEncodeError:
            raise UsageError(f"{quoted(word)}: a lone surrogate is no text", hint="pass bytes in a file") from None


def _in_words(error: ValidationError) -> UsageError:
    """The first mistake as one sentence."""
    first: Any = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"] if part not in {"str", "int", "Base64"}]
    where = ".".join(place)
    if first["type"] == "extra_forbidden":
        return UsageError(
            f"there is no key {quoted(where)} in a job", hint=nearest_hint(place[-1], JobRequest.model_fields)
        )
    if place and place[0] in {"files", "stdin"}:
        return UsageError(f"{where} must be {_ENCODED}", hint=None)
    message = f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}"
    return UsageError(
        message, hint="job.schema.json has all keys: in docs/, and as `sandbox://schema/job` from an agent"
    )
