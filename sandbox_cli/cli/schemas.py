"""The JSON Schemas of docs/, one for each thing that is printed as JSON, or read as YAML.

`python -m sandbox_cli.cli.schemas docs` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from sandbox_cli.api.request import JobRequest
from sandbox_cli.audit.line import AuditLine
from sandbox_cli.cli import shapes
from sandbox_cli.cli.policy import shapes as policy_shapes
from sandbox_cli.mcp.shapes import OfferedPolicies
from sandbox_cli.plan.doctor import Doctor
from sandbox_cli.policy.schema import KINDS
from sandbox_cli.policy.schema import json_schema as grammar_schema
from sandbox_cli.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core.core_schema import TypedDictSchema

SCHEMAS: Mapping[str, type[object]] = {
    "result": Result,  # of run and exec
    "job": JobRequest,  # of batch, and of an agent
    "audit": AuditLine,  # of --audit
    "render": shapes.Rendered,
    "doctor": Doctor,
    "languages": shapes.Languages,
    "policy-list": policy_shapes.PolicyList,
    "policy-show": policy_shapes.ShownPolicy,
    "policy-check": policy_shapes.PolicyCheck,
    "policy-diff": policy_shapes.PolicyDiff,
    "policy-lock": policy_shapes.PolicyLock,
    "policy-test": policy_shapes.PolicyTests,
    "policy-explain": policy_shapes.PolicyExplained,
    "verify": shapes.Verified,
    "clean": shapes.Cleaned,
    "mcp-policies": OfferedPolicies,  # of an agent's list_policies
}


class Closed(GenerateJsonSchema):
    """Objects without further keys; no titles, which would only repeat the keys."""

    def typed_dict_schema(self, schema: TypedDictSchema) -> JsonSchemaValue:
        return {**super().typed_dict_schema(schema), "additionalProperties": False}

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False


def json_schema(shape: type[object] = Result) -> dict[str, Any]:
    """The JSON Schema of a published shape: closed objects, every key required."""
    adapter: TypeAdapter[Any] = TypeAdapter(shape)
    return {"$schema": GenerateJsonSchema.schema_dialect, **adapter.json_schema(schema_generator=Closed)}


def documents() -> dict[str, str]:
    """File name -> text."""
    return {f"{name}.schema.json": json.dumps(each, indent=2) + "\n" for name, each in all_schemas().items()}


def all_schemas() -> dict[str, dict[str, Any]]:
    """What is printed, and what is written."""
    printed = {name: json_schema(shape) for name, shape in SCHEMAS.items()}
    return printed | {name: grammar_schema(kind) for name, kind in KINDS.items()}


if __name__ == "__main__":
    for name, text in documents().items():
        Path(sys.argv[1], name).write_text(text, encoding="utf-8")
