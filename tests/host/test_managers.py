"""Runtimes of version managers and of places that a policy lists: found after those of PATH."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.host.runtimes import find
from tests.host.programs import only_root

if TYPE_CHECKING:
    from tests.host.tools import Tools

pytestmark = pytest.mark.usefixtures("no_managers")


@pytest.mark.parametrize(
    ("variable", "value", "folder"),
    [
        (None, None, "{home}/.pyenv/versions/3.12.4/bin"),
        ("PYENV_ROOT", "{there}", "{there}/versions/3.12.4/bin"),
        (None, None, "{home}/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin"),
        ("UV_PYTHON_INSTALL_DIR", "{there}", "{there}/cpython-3.12.4-linux-x86_64-gnu/bin"),
        (None, None, "{home}/.nvm/versions/node/v20.1.0/bin"),
        ("NVM_DIR", "{there}", "{there}/versions/node/v20.1.0/bin"),
        (None, None, "{home}/.sdkman/candidates/java/21.0.2-tem/bin"),
        (None, None, "{home}/.rbenv/versions/3.3.0/bin"),
        (None, None, "{home}/.rustup/toolchains/stable-x86_64-unknown-linux-gnu/bin"),
        (None, None, "{home}/.asdf/installs/ruby/3.3.0/bin"),
        (None, None, "{home}/.local/share/mise/installs/node/20/bin"),
        (None, None, "{home}/miniconda3/envs/data/bin"),
    ],
)
def test_a_version_managers_runtime_is_found_after_those_of_path(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, variable: str | None, value: str | None, folder: str
) -> None:
    places = {"home": str(tools.folder / "me"), "there": str(tools.folder / "there")}
    monkeypatch.setenv("HOME", places["home"])
    if variable is not None and value is not None:
        monkeypatch.setenv(variable, value.format(**places))
    folder = folder.format(**places)
    theirs = tools.make(f"{folder}/tool-9.9")
    ours = tools.make("a/bin/tool-1.2")
    found = find("tool", path=tools.path("a/bin"))
    assert [(each.path, each.prefix, each.default) for each in found] == [
        (str(ours), str(tools.folder / "a"), True),
        (str(theirs), folder.removesuffix("/bin"), False),
    ]


def test_of_a_managers_versions_the_newest_comes_first(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tools.folder / "env"))
    for number in ("3.9.1", "3.12.10", "3.12.9"):
        tools.make(f"env/versions/{number}/bin/tool-{number}")
    assert [each.version for each in find("tool", path="")] == ["3.12.10", "3.12.9", "3.9.1"]


def test_a_place_that_a_policy_lists_comes_between_path_and_the_managers(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tools.folder / "env"))
    tools.make("env/versions/3.9/bin/tool-3.9")
    tools.make("opt/tool1.2/bin/tool-1.2")
    tools.make("opt/tool1.10/bin/tool-1.10", "tool1.10")
    tools.make("a/bin/tool-0.1")
    found = find("tool", path=tools.path("a/bin"), paths=[f"{tools.folder}/opt/tool*/bin"])
    assert [each.version for each in found] == ["0.1", "1.10", "1.2", "3.9"]


@only_root
def test_a_manager_of_somebody_else_is_nothing_to_root(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tools.folder / "me"))
    tools.make("me/.pyenv/versions/9.9/bin/tool-9.9")
    shutil.chown(tools.folder / "me" / ".pyenv", 1900000001)
    found = find("tool", path="")
    assert [each.default for each in found] == [False]
    assert "isn't run as root" in (found[0].problem or "")
    assert tools.asked == []
