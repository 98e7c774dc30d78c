"""docs/languages.md is that of the policies, and so is the list of what `make` installs."""

from __future__ import annotations

from sandbox_cli.cli import language_page
from tests.accounts import ROOT
from tests.languages.shipped import LANGUAGES

PAGE = ROOT / "docs" / "languages.md"


def test_page_is_that_of_the_policies() -> None:
    text = PAGE.read_text()
    assert language_page.page(text) == text, "run: python -m sandbox_cli.cli.language_page docs/languages.md"
    assert all(f"| `{name}` |" in text for name in LANGUAGES)


def test_page_shows_a_policy_as_it_is() -> None:
    assert f"```yaml\n{(ROOT / 'policies' / 'lua.yaml').read_text()}```" in PAGE.read_text()


def test_every_language_names_the_package_that_brings_it() -> None:
    needs = dict(need.split(":") for need in language_page.needs())
    assert needs.keys() == {language.runtime.command for language in LANGUAGES.values() if language.runtime}
    assert needs["guile"] == "guile-3.0"
    assert "guile" not in dict(need.split(":") for need in language_page.needs(["scheme"]))
