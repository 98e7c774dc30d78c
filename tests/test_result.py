"""The published JSON of a job and the exit code that says the same."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from sandbox_cli.cli.exit_codes import exit_status
from sandbox_cli.cli.schemas import json_schema
from sandbox_cli.errors import PolicyError, RefusedError, UsageError
from sandbox_cli.result import Outcome, Status, as_json, cancellation, refusal

DOCS = Path(__file__).resolve().parent.parent / "docs"
DESIGNED_KEYS = [
    "schema", "id", "status", "cause", "blame", "exit_code", "signal", "limit_hits", "error",
    "stdout", "stdout_base64", "stdout_bytes", "stdout_truncated",
    "stderr", "stderr_base64", "stderr_bytes", "stderr_truncated",
    "value", "value_error", "artifacts", "artifacts_omitted",
    "usage", "receipt", "policy", "language", "runtime", "compile",
]  # fmt: skip


def outcome(**changes: Any) -> Outcome:
    plain: Outcome = {
        "id": "1", "status": "ok", "cause": None, "blame": None,
        "exit_code": 0, "signal": None, "limit_hits": {}, "error": None,
        "stdout": b"", "stdout_bytes": 0, "stdout_truncated": False,
        "stderr": b"", "stderr_bytes": 0, "stderr_truncated": False,
        "value": None, "value_error": None,
        "artifacts": [], "artifacts_omitted": [], "kept": None,
        "usage": None, "receipt": None, "policy": None, "language": None, "runtime": None, "compile": None,
    }  # fmt: skip
    return {**plain, **changes}  # type: ignore[typeddict-item]


def artifact(path: bytes, content: bytes | None = b"x") -> dict[str, Any]:
    return {"path": path, "size_bytes": 1, "sha256": "0" * 64, "content": content, "saved_to": None}


def published(**changes: Any) -> dict[str, Any]:
    """The JSON of an outcome, read back as another program would, and valid against the published schema."""
    text = json.dumps(as_json(outcome(**changes)), allow_nan=False)
    result: dict[str, Any] = json.loads(text)
    jsonschema.validate(result, json.loads((DOCS / "result.schema.json").read_text()))
    return result


def test_all_keys_are_there_in_the_published_order() -> None:
    assert list(published()) == DESIGNED_KEYS


def test_schema_in_docs_is_that_of_the_code() -> None:
    assert json.loads((DOCS / "result.schema.json").read_text()) == json_schema()


def test_schema_is_closed_and_requires_every_key_everywhere() -> None:
    schema = json_schema()
    objects = [schema, *(each for each in schema["$defs"].values() if each["type"] == "object")]
    assert len(objects) > 10
    for each in objects:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])


@pytest.mark.parametrize(
    ("key", "value"),
    [("status", "fine"), ("schema", "sandbox-result/2"), ("stdout", None), ("usage", {}), ("more", 1)],
)
def test_schema_refuses_what_is_not_a_result(key: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**as_json(outcome()), key: value}, json_schema())


def test_text_is_text_and_has_no_base64() -> None:
    result = published(stdout="größe\n\0".encode(), stderr=b"")
    assert (result["stdout"], result["stdout_base64"]) == ("größe\n\0", None)
    assert (result["stderr"], result["stderr_base64"]) == ("", None)


def test_bytes_that_are_not_utf8_are_exact_in_base64_and_approximate_in_text() -> None:
    result = published(stderr=b"a\xff\n")
    assert result["stderr_base64"] is not None
    assert base64.b64decode(result["stderr_base64"]) == b"a\xff\n"
    assert result["stderr"] == "a\N{REPLACEMENT CHARACTER}\n"


def test_character_that_the_capture_cut_in_two_is_left_out() -> None:
    result = published(stdout="aé".encode()[:2], stdout_bytes=3, stdout_truncated=True)
    assert (result["stdout"], result["stdout_base64"]) == ("a", None)


def test_half_a_character_at_a_true_end_is_not_text() -> None:
    assert published(stdout="aé".encode()[:2])["stdout_base64"] is not None


@pytest.mark.parametrize(
    ("text", "readable"),
    [("a\udcff", r"a\xff"), ("\udcc3\udca9", "é"), ("\ud800", r"\xed\xa0\x80"), ("ü\udc80", r"ü\x80"), ("a", "a")],
)
def test_lone_surrogates_are_written_out(text: str, readable: str) -> None:
    error = {"message": text, "hint": text, "gaps": []}
    result = published(cause=text, error=error, limit_hits={text: 1})
    assert result["cause"] == readable
    assert result["error"] == {"message": readable, "hint": readable, "gaps": []}
    assert result["limit_hits"] == {readable: 1}


def test_artifact_of_any_name_has_a_path_and_is_base64() -> None:
    result = published(artifacts=[artifact("dir/ü.png".encode(), b"\x89PNG"), artifact(b"a\xff\\x")])
    first, second = result["artifacts"]
    assert (first["path"], first["path_base64"], first["media_type"]) == ("dir/ü.png", None, "image/png")
    assert base64.b64decode(first["content"] or "") == b"\x89PNG"
    assert second["path"] == r"a\xff\x"
    assert base64.b64decode(second["path_base64"] or "") == b"a\xff\\x"


def test_artifact_without_inline_content_has_null() -> None:
    assert published(artifacts=[artifact(b"big", None)])["artifacts"][0]["content"] is None


def test_omitted_artifact_says_why() -> None:
    result = published(artifacts_omitted=[(b"li\xffnk", "symbolic link")])
    assert result["artifacts_omitted"] == [{"path": r"li\xffnk", "reason": "symbolic link"}]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        (b"a.txt", "text/plain"), (b"a.json", "application/json"), (b"a.PNG", "image/png"),
        (b"a", "application/octet-stream"), (b".png", "application/octet-stream"),
        (b"a.tar.gz", "application/gzip"), (b"data:x.png", "image/png"),
        (b"a.unknown-kind", "application/octet-stream"), (b"x.png/a", "application/octet-stream"),
    ],
)  # fmt: skip
def test_media_type_is_told_by_the_name(path: bytes, media_type: str) -> None:
    assert published(artifacts=[artifact(path)])["artifacts"][0]["media_type"] == media_type


def test_media_type_is_not_what_a_machine_adds(tmp_path: Path) -> None:
    (tmp_path / "mime.types").write_text("evil/type png own\n")
    code = (
        "import mimetypes, sys\n"
        "mimetypes.knownfiles = [sys.argv[1]]\n"
        "assert mimetypes.guess_type('x.png') == ('evil/type', None)\n"
        "from sandbox_cli.text import media_type\n"
        "print(media_type('x.png'), media_type('x.own'))\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "mime.types")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=DOCS.parent)
    assert done.stdout == "image/png application/octet-stream\n"


EXIT_CODES: list[tuple[dict[str, Any], int]] = [
    ({"status": "ok", "exit_code": 0}, 0),
    ({"status": "nonzero-exit", "exit_code": 42}, 42),
    ({"status": "nonzero-exit", "exit_code": 139}, 139),
    ({"status": "signalled", "exit_code": None, "signal": "SIGSEGV"}, 139),
    ({"status": "signalled", "exit_code": None, "signal": "SIGRTMIN+3"}, 128 + 37),
    ({"status": "signalled", "exit_code": None, "signal": "SIGRTMIN"}, 128 + 34),
    ({"status": "signalled", "exit_code": None, "signal": "SIG33"}, 128 + 33),
    ({"status": "wall-time-limit", "exit_code": None, "signal": "SIGKILL"}, 124),
    ({"status": "cpu-time-limit", "exit_code": None, "signal": "SIGXCPU"}, 124),
    ({"status": "memory-limit", "exit_code": 0}, 137),
    ({"status": "output-limit", "exit_code": None, "signal": "SIGKILL"}, 153),
    ({"status": "scratch-limit", "exit_code": None, "signal": "SIGKILL"}, 153),
    ({"status": "file-size-limit", "exit_code": None, "signal": "SIGXFSZ"}, 153),
    ({"status": "syscall-denied", "exit_code": None, "signal": "SIGSYS"}, 159),
    ({"status": "compile-error", "exit_code": 3}, 3),
    ({"status": "cannot-start", "exit_code": 126}, 126),
    ({"status": "cannot-start", "exit_code": 127}, 127),
    ({"status": "cancelled", "exit_code": None, "signal": "SIGINT"}, 130),
    ({"status": "cancelled", "exit_code": None, "signal": "SIGTERM"}, 143),
    ({"status": "cancelled", "exit_code": None, "signal": "SIGHUP"}, 129),
    ({"status": "refused", "exit_code": None}, 125),
    ({"status": "sandbox-error", "exit_code": None}, 125),
]


@pytest.mark.parametrize(("changes", "code"), EXIT_CODES)
def test_exit_status_says_the_same_as_the_status(changes: dict[str, Any], code: int) -> None:
    assert exit_status(outcome(**changes)) == code


def test_every_status_has_an_exit_code() -> None:
    assert {changes["status"] for changes, _ in EXIT_CODES} == set(get_args(Status))


def test_refusal_says_what_and_what_to_do() -> None:
    error = UsageError("no such option", hint="look at --help")
    refused: Any = as_json(refusal(error, "7"))
    assert (refused["id"], refused["status"], refused["cause"]) == ("7", "refused", "no such option")
    assert refused["error"] == {"message": "no such option", "hint": "look at --help", "gaps": []}
    assert exit_status(refusal(error, "7")) == 125


def test_refusal_lists_the_gaps() -> None:
    gap: Any = {"backend": "bwrap", "clause": "limits.memory", "reason": "no group", "fix": None}
    refused: Any = as_json(refusal(RefusedError("no jailer can hold it", gaps=[gap]), "7"))
    assert refused["error"] is not None
    assert refused["error"]["gaps"] == [gap]


def test_refusal_of_a_policy_blames_its_line() -> None:
    error = PolicyError("no unit", file="/p.yaml", line=3, column=9, clause="limits.memory")
    refused: Any = as_json(refusal(error, "7"))
    assert refused["cause"] == "limits.memory: no unit"
    assert refused["blame"] == {"clause": "limits.memory", "source": "file", "file": "/p.yaml", "line": 3}
    assert refused["error"] is not None
    assert refused["error"]["message"] == "/p.yaml:3:9: limits.memory: no unit"


def test_refusal_blames_what_its_error_blames() -> None:
    blame: Any = {"clause": "limits.memory", "source": "option", "file": None, "line": None}
    refused: Any = as_json(refusal(UsageError("'64' has no unit", hint="64MiB", blame=blame), "7"))
    assert (refused["blame"], refused["cause"]) == (blame, "limits.memory: '64' has no unit")
    assert refused["error"]["message"] == "limits.memory: '64' has no unit"


def test_refusal_of_the_command_line_blames_no_clause() -> None:
    assert refusal(UsageError("no such option"), "7")["blame"] is None


def test_cancellation_before_the_start_has_the_signal_and_its_exit_code() -> None:
    cancelled = cancellation("SIGHUP", "7")
    assert (cancelled["status"], cancelled["signal"], exit_status(cancelled)) == ("cancelled", "SIGHUP", 129)
    jsonschema.validate(as_json(cancelled), json_schema())
