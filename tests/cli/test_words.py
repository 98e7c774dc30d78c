"""Where the options of a command line end."""

from __future__ import annotations

import pytest

from sandbox_cli.cli.words import scan

OPTIONS = {
    "--json": False,
    "-v": False,
    "--verbose": False,
    "-l": True,
    "--language": True,
    "--result": True,
    "-c": True,
}


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("--json x.py", {"--json"}),
        ("x.py --json", set()),
        ("-- --json", set()),
        ("--result out x.py", {"--result"}),
        ("--result=out --json", {"--result", "--json"}),
        ("-c --json", {"-c"}),
        ("-l python -c --json --json", {"-l", "-c", "--json"}),
        ("-vl python --json", {"-v", "-l", "--json"}),
        ("-lpython --json", {"-l", "--json"}),
        ("-v -", {"-v"}),
        ("- --json", set()),
        ("--jsno --json", {"--json"}),
        ("--memry 1GiB --json x.py", {"--json"}),
        ("-x y --json", {"--json"}),
        ("-vx --json", {"-v", "--json"}),
        ("--result", {"--result"}),
        ("", set()),
    ],
)
def test_options_are_those_before_the_program(words: str, given: set[str]) -> None:
    assert set(scan(words.split(), OPTIONS).given) == given


def test_values_are_kept() -> None:
    assert scan(["--result=a=b", "-lpy", "-c", "--", "--json"], OPTIONS).given == {
        "--result": "a=b", "-l": "py", "-c": "--", "--json": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "dashes"), [("-- x", True), ("x -- y", False), ("-c -- x", False), ("-c x -- y", True), ("--json", False)]
)
def test_dashes_end_the_options_only_where_an_option_could_stand(words: str, dashes: bool) -> None:
    assert scan(words.split(), OPTIONS).dashes is dashes
