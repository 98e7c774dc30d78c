"""Programs that use the package, run by either account."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox

    Program = Callable[..., Any]

HEAD = "import asyncio, json, os, pathlib, sys, threading, time\nimport sandbox_cli as sandbox\n"


@pytest.fixture
def program(sandbox: Sandbox) -> Program:
    """`program(text)`: run as `account`; what it printed last, read as JSON."""

    def run(text: str, **options: Any) -> Any:
        done = sandbox.account.run([sandbox.account.python, "-c", HEAD + textwrap.dedent(text)], **options)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout.splitlines()[-1])

    return run
