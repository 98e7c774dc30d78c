"""The command in this process: as fast as a call, and all of it but the process itself."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import jsonschema
import pytest

from sandbox_cli.cli.app import main
from sandbox_cli.cli.schemas import json_schema

if TYPE_CHECKING:
    from pathlib import Path


def one_result(text: str | bytes) -> dict[str, Any]:
    """The one object of --json, valid against the published schema."""
    assert len(text.splitlines()) == 1
    result: dict[str, Any] = json.loads(text)
    jsonschema.validate(result, json_schema())
    return result


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The one object on stdout."""
        return one_result(self.out)


class Command(Protocol):
    def __call__(self, *words: str) -> Done: ...


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """`command("run", "x.py")`: the exit code and both streams of `sandbox run x.py`, in a folder of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SANDBOX_BACKEND", raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["sandbox", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        streams = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, streams.out, streams.err)

    return call
