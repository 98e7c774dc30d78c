"""Templates are compiled once in the life of a process, and filled as they stand each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2.sandbox import SandboxedEnvironment

from sandbox_cli.backends import rendering

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_template_is_compiled_once_and_filled_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greeting").write_text("hello {{ name }}")
    compiled = []

    class Counting(SandboxedEnvironment):
        def compile(self, *arguments: Any, **options: Any) -> Any:
            compiled.append(arguments)
            return super().compile(*arguments, **options)

    monkeypatch.setattr(rendering, "_TEMPLATES", tmp_path)
    monkeypatch.setattr(rendering, "SandboxedEnvironment", Counting)

    def quote(value: object) -> str:
        return f"<{value}>"

    said = [rendering.fill("greeting", quote, {"name": name}) for name in ("a", "b")]
    assert said == ["hello <a>", "hello <b>"]
    assert len(compiled) == 1
