"""What a client can read: each policy of the offer as YAML, and the JSON Schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcp_types import Resource, TextResourceContents

if TYPE_CHECKING:
    from sandbox_cli.mcp.offer import Offer
    from sandbox_cli.mcp.terms import Commands

POLICY, SCHEMA = "sandbox://policy/", "sandbox://schema/"
_YAML, _JSON = "application/yaml", "application/schema+json"


def resources(offer: Offer, commands: Commands) -> list[Resource]:
    policies = [
        Resource(
            uri=f"{POLICY}{name}",
            name=f"policy {name}",
            title=f"Policy {name}",
            description=each.policy.description or f"All that policy {name} says.",
            mime_type=_YAML,
        )
        for name, each in offer.policies.items()
    ]
    schemas = [
        Resource(
            uri=f"{SCHEMA}{name}",
            name=f"schema {name}",
            title=f"JSON Schema {name}",
            description=schema.get("description"),
            mime_type=_JSON,
        )
        for name, schema in commands.schemas.items()
    ]
    return [*policies, *schemas]


def read(uri: str, offer: Offer, commands: Commands) -> TextResourceContents | None:
    """None where there is no such resource. Raises PolicyError for a policy that can't be read now."""
    if uri.startswith(POLICY) and (policy := offer.policies.get(uri.removeprefix(POLICY))) is not None:
        return TextResourceContents(uri=uri, mime_type=_YAML, text=commands.show(policy.said))
    if uri.startswith(SCHEMA) and (schema := commands.schemas.get(uri.removeprefix(SCHEMA))) is not None:
        return TextResourceContents(uri=uri, mime_type=_JSON, text=json.dumps(schema, indent=2))
    return None
