"""Ways out from under a ceiling, by links and by programs, that are closed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Literal

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.host import runtimes
from sandbox_cli.policy import places
from sandbox_cli.policy.model import Language, Mount, RuntimeSpec
from tests.plan import made
from tests.plan.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.policy.model import Policy


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(places, "SYSTEM", tmp_path / "none")
    return Site(tmp_path)


@pytest.mark.parametrize("closed", ["tmpfs", "{from: /usr/share/empty}", "{symlink: nowhere}"])
def test_what_a_ceiling_closes_by_a_link_is_closed_where_that_leads(site: Site, closed: str) -> None:
    tree = site.folder / "tree"
    (tree / "real").mkdir(parents=True)
    (tree / "other").mkdir()
    (tree / "link").symlink_to("real")
    text = f"filesystem: {{{tree}: ro, {tree}/link: {closed}}}"
    for name in ("link", "real"):
        path = f"{tree}/{name}"
        site.refusal(text, made.policy(filesystem={path: Mount(mode="ro", source=path)}))
    site.settled(text, made.policy(filesystem={f"{tree}/other": Mount(mode="ro", source=f"{tree}/other")}))


def test_a_second_link_to_a_folder_shows_no_more_of_it_than_the_first(site: Site) -> None:
    (site.folder / "tree/inner").mkdir(parents=True)
    links = [site.folder / "tree" / name for name in ("a", "b", "c")]
    for link in links:
        link.symlink_to("inner")
    text = f"filesystem: {{{site.folder}/tree: ro}}"

    def policy(*modes: Literal["ro", "rw"]) -> Policy:
        shown = zip(links, modes, strict=True)
        return made.policy(filesystem={str(link): Mount(mode=mode, source=str(link)) for link, mode in shown})

    site.settled(text, policy("ro", "ro", "ro"))
    for several in (policy("ro", "rw", "ro"), policy("ro", "ro", "rw"), policy("rw", "ro", "ro")):
        site.refusal(text, several)


@pytest.mark.parametrize("by_path", [True, False])
def test_a_runtime_that_others_than_root_can_replace_is_not_started(site: Site, by_path: bool) -> None:
    """It is asked for its version on the host."""
    program = site.folder / "bin" / "runtime-of-mine"
    program.parent.mkdir()
    shutil.copy("/bin/touch", program)
    site.folder.joinpath("bin").chmod(0o777)
    found = {"command": str(program)} if by_path else {"command": program.name, "paths": (str(program.parent),)}
    spec = RuntimeSpec.model_validate(found)
    language = Language(name="own", file="a.own", run=("{{ runtime }}",), runtime=spec)
    asked: list[Path] = []

    def ask(file: Path, *_: object) -> str:
        asked.append(file)
        return "1.0"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: os.getuid() or 4711)  # root starts no such thing anyway
        patched.setattr(runtimes, "ask_once", ask)
        with pytest.raises(HostError):
            site.settled("limits: {memory: 1GiB}", made.policy(language=language), command=None, code=b"")
    assert asked == []
