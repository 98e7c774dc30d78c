"""docs/filter.md is that of the filter that a program really has, and what it shows of policies can be used."""

from __future__ import annotations

import os
import platform
import re
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from tests.accounts import ROOT
from tests.contract import filter_page
from tests.contract.test_installed_filter import SLEEP, installed, token
from tests.policy.answers import numbers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Driver

PAGE = ROOT / "docs" / "filter.md"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root of the host reads a filter back")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the page has the answers of x86_64")
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_the_page_is_that_of_the_installed_filter(driver: Driver, shared_tmp: Path) -> None:
    asleep = token(shared_tmp)
    stack, _ = installed(driver, asleep, job={"command": [SLEEP, asleep], "backend": "bwrap"})
    assert filter_page.page(stack[-1]) == PAGE.read_text(), "run: python -m tests.contract.filter_page docs/filter.md"


def test_what_the_page_shows_of_policies_can_be_loaded(tmp_path: Path) -> None:
    shown = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(shown) == 2
    for number, text in enumerate(shown):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        assert policy.load(str(path)).syscalls.deny


def test_the_page_answers_every_call_of_the_headers_once_or_by_its_cases() -> None:
    rows = re.findall(
        r"^\| (\d+) \| `(\w+)` \| (.*?) \| (let through|EPERM|ENOSYS) \| (.+) \|$", PAGE.read_text(), re.MULTILINE
    )
    by_name: dict[str, list[str]] = {}
    for _, name, where, *_ in rows:
        by_name.setdefault(name, []).append(where)
    known = {name for name, number in numbers("x86_64").items() if number < 470 and number not in filter_page.GAPS}
    assert by_name.keys() == known
    assert all(len(cases) == len(set(cases)) for cases in by_name.values())
    assert [name for name, cases in by_name.items() if len(cases) > 1 and cases[-1] != "else"] == []
