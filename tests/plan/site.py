"""A ceiling over jobs, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.errors import RefusedError
from sandbox_cli.plan import settle
from sandbox_cli.plan.request import Request
from sandbox_cli.policy import ceiling
from tests.plan import made

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.model import Policy


class Site:
    """A ceiling for each test, and jobs below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ceiling.yaml"

    def ceilings(self, text: str) -> Ceilings:
        self.file.write_text(text)
        found = ceiling.load({ceiling.VARIABLE: str(self.file)})
        assert found.each
        return found

    def settled(self, text: str, policy: Policy | None = None, **job: Any) -> Settled:
        given: Any = {"command": ["true"]} | job
        return settle.settle(given, Request(policy or made.policy(), None), made.host(), self.ceilings(text))

    def refusal(self, text: str, policy: Policy | None = None, **job: Any) -> RefusedError:
        with pytest.raises(RefusedError) as caught:
            self.settled(text, policy, **job)
        error = caught.value
        assert error.blame is not None
        assert error.blame["source"] == "ceiling"
        assert error.blame["file"] == str(self.file)
        assert f"{self.file}:{error.blame['line']}" in error.message
        assert error.hint
        return error
