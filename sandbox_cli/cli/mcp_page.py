"""The tools of `sandbox mcp` as docs/mcp.md specifies them: `python -m sandbox_cli.cli.mcp_page docs/mcp.md`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.cli.schemas import all_schemas

if TYPE_CHECKING:
    from mcp_types import Tool

BEGIN, END = "<!-- from the server -->\n", "<!-- end -->\n"


def page(text: str) -> str:
    """`text` with what stands between its marks made anew."""
    from sandbox_cli.mcp.tools import tools

    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    schemas = all_schemas()
    files = {json.dumps(schema): f"{name}.schema.json" for name, schema in schemas.items()}
    told = "\n".join(_tool(tool, files[json.dumps(tool.output_schema)]) for tool in tools(schemas))
    return f"{before}{BEGIN}\n{told}\n{END}{after}"


def _tool(tool: Tool, answer: str) -> str:
    assert tool.annotations is not None
    hints = tool.annotations.model_dump(by_alias=True, exclude={"title"}, exclude_none=True)
    flags = ", ".join(f"`{name}: {str(value).lower()}`" for name, value in hints.items())
    return (
        f"### `{tool.name}`\n\n{tool.title}. {flags}. Its structured answer: [{answer}]({answer}).\n\n"
        f"```text\n{tool.description}\n```\n\n```json\n{json.dumps(tool.input_schema, indent=2)}\n```\n"
    )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page(target.read_text(encoding="utf-8")), encoding="utf-8")
