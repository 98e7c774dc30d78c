"""Results as JUnit XML, in the form that GitLab, Jenkins and others read: a suite for each policy and backend."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sandbox_cli.testing.outcomes import Tested

_MOST_LINES = 5
# What XML 1.0 can't hold, not even as an entity.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(tests: Iterable[Tested], shown: Callable[[str], str]) -> bytes:
    """The whole document. `shown` names a file as who shows it in a repository needs it."""
    in_order = sorted(tests, key=lambda each: (each["policy"], each["backend"]))  # stable: of each in the file's order
    top = Element("testsuites", {"name": "sandbox policy test", **_counts(in_order)})
    for (policy, backend), some in groupby(in_order, key=lambda each: (each["policy"], each["backend"])):
        own = list(some)
        suite = SubElement(top, "testsuite", {"name": _legal(f"{policy} on {backend}"), **_counts(own)})
        for each in own:
            _case(suite, each, shown(each["file"]))
    indent(top)
    document: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _case(suite: Element, test: Tested, file: str) -> None:
    place = {"file": _legal(file)} | ({"line": str(test["line"])} if test["line"] is not None else {})
    # A dot would be taken for the end of a package's name.
    named = {
        "classname": _legal(f"{test['policy']} on {test['backend']}").replace(".", "_"),
        "name": _legal(test["name"]),
    }
    case = SubElement(suite, "testcase", {**named, **place, "time": _seconds(test["time_s"])})
    if test["verdict"] == "skipped":
        reason = "; ".join(part for part in (test["reason"], test["fix"]) if part)
        SubElement(case, "skipped", {"message": _legal(reason)})
    elif test["verdict"] == "failed":
        lines = in_words(test)
        failure = SubElement(case, "failure", {"message": _legal(lines[0]), "type": test["mismatches"][0]["what"]})
        failure.text = _legal("\n".join([f"{file}:{test['line']}: {test['name']}", *lines, *complaint(test)]))


def in_words(test: Tested) -> list[str]:
    """What was expected and what came, a line each."""
    return [f"{each['what']}: expected {each['expected']}; got {each['observed']}" for each in test["mismatches"]]


def complaint(test: Tested) -> list[str]:
    """The last lines of what a failed test wrote on stderr."""
    return [f"| {line}" for line in (test["stderr"] or "").splitlines()[-_MOST_LINES:]]


def _counts(tests: Sequence[Tested]) -> dict[str, str]:
    counts = Counter(each["verdict"] for each in tests)
    return {
        "tests": str(len(tests)),
        "failures": str(counts["failed"]),
        "errors": "0",
        "skipped": str(counts["skipped"]),
        "time": _seconds(sum(each["time_s"] for each in tests)),
    }


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _legal(text: str) -> str:
    return _ILLEGAL.sub(lambda found: quoted(found[0])[1:-1], text)
