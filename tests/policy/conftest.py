"""A machine of its own for each test: places for the system's and the user's policies, and none of the real ones."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import guard, places

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Policy

PROBE = Path(__file__).with_name("probe.c")


class Site:
    """Where files can be written: `system` and `user` hold policies that go by name, `here` is any folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.system, self.user = root / "etc" / "sandbox", root / "home" / "sandbox"
        self.here = root / "here"
        for folder in (self.system / "policies", self.user / "policies", self.here):
            folder.mkdir(parents=True)

    def write(self, name: str, text: str, where: str = "here") -> Path:
        """A file of the dedented text; in `system` and `user` beside the policies of that place."""
        folder = self.here if where == "here" else getattr(self, where) / "policies"
        path: Path = folder / name
        path.write_text(textwrap.dedent(text))
        return path

    def load(self, text: str) -> Policy:
        """The policy of a file with this text."""
        return policy.load(str(self.write("policy.yaml", text)))

    def refused(self, text: str) -> PolicyError:
        """The error that loading this text raises; it says the file and the line."""
        path = self.write("policy.yaml", text)
        with pytest.raises(PolicyError) as caught:
            policy.load(str(path))
        assert caught.value.file == str(path)
        return caught.value


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    binary = tmp_path_factory.mktemp("probe") / "probe"
    try:
        subprocess.run(["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", binary, PROBE], check=True)
    except FileNotFoundError:
        pytest.fail("the suite needs a C compiler, as the launcher does")
    return binary


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path)
    monkeypatch.setattr(places, "SYSTEM", site.system)
    monkeypatch.setattr(guard, "ROOT", frozenset({0, os.geteuid()}))  # the system's is ours here
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(site.here)
    return site
