"""docs/mcp.md says what the server does."""

from __future__ import annotations

import json
import re

from sandbox_cli.cli import mcp_page
from tests.accounts import ROOT

PAGE = (ROOT / "docs" / "mcp.md").read_text()


def test_page_has_the_tools_as_they_are() -> None:
    assert mcp_page.page(PAGE) == PAGE, "python -m sandbox_cli.cli.mcp_page docs/mcp.md"


def test_every_configuration_is_json_that_starts_the_server() -> None:
    before, _, _ = PAGE.partition("## Who decides what")
    found = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", before, re.MULTILINE | re.DOTALL)]
    assert [next(iter(each)) for each in found] == ["mcpServers", "servers", "context_servers"]
    for each in found:
        (servers,) = each.values()
        assert servers["sandbox"]["command"] == "sandbox"
        assert servers["sandbox"]["args"][0] == "mcp"
