"""docs/security.md explains each line of the policy that all shipped ones rest on, with the values that it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = (ROOT / "docs" / "security.md").read_text().partition("## The default policy, line by line")[2]


def base() -> dict[str, Any]:
    text = (ROOT / "policies" / "_base.yaml").read_text()
    return dict(yaml.load(text, Loader=yaml.BaseLoader))


def test_each_limit_is_explained_with_its_default_and_maximum() -> None:
    for name, bounds in base()["limits"].items():
        written = f"{{default: {bounds['default']}, max: {bounds['max']}}}" if isinstance(bounds, dict) else bounds
        assert f"`limits.{name}: {written}`" in EXPLAINED


def test_each_path_that_every_job_sees_is_explained() -> None:
    for path, mount in base()["filesystem"].items():
        line = f"filesystem.{path}" + (f": {mount}" if isinstance(mount, str) else "")
        assert f"`{line}`" in EXPLAINED


def test_every_other_clause_is_explained() -> None:
    others = base().keys() - {"version", "description", "limits", "filesystem"}
    assert others == {"network", "syscalls", "workspace", "artifacts"}
    for clause in others:
        assert f"`{clause}: " in EXPLAINED
