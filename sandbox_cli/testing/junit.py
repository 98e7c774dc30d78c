"""Results as JUnit XML, in the form that GitLab, Jenkins and others read: a suite for each policy and backend."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox_cli.testing.outcomes import Tested

# What XML 1.0 can't hold, not even as an entity.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(tests: Iterable[Tested]) -> bytes:
    """The whole document."""
    in_order = sorted(tests, key=lambda each: (each["policy"], each["backend"]))  # stable: of each in the file's order
    top = Element("testsuites", {"name": "sandbox policy test", **_counts(in_order)})
    for (policy, backend), some in groupby(in_order, key=lambda each: (each["policy"], each["backend"])):
        own = list(some)
        suite = SubElement(top, "testsuite", {"name": _legal(f"{policy} on {backend}"), **_counts(own)})
        for each in own:
            _case(suite, each)
    indent(top)
    return tostring(top, encoding="utf-8", xml_declaration=True) + b"\n"


def _case(suite: Element, test: Tested) -> None:
    place = {"file": _legal(test["file"])} | ({"line": str(test["line"])} if test["line"] is not None else {})
    # A dot would be taken for the end of a package's name.
    named = {"classname": _legal(f"{test['policy']} on {test['backend']}").replace(".", "_"), "name": _legal(test["name"])}
    case = SubElement(suite, "testcase", {**named, **place, "time": _seconds(test["time_s"])})
    if test["verdict"] == "skipped":
        reason = "; ".join(part for part in (test["reason"], test["fix"]) if part)
        SubElement(case, "skipped", {"message": _legal(reason)})
    elif test["verdict"] == "failed":
        lines = in_words(test)
        failure = SubElement(case, "failure", {"message": _legal(lines[0]), "type": test["mismatches"][0]["what"]})
        failure.text = _legal("\n".join([f"{test['file']}:{test['line']}: {test['name']}", *lines]))


def in_words(test: Tested) -> list[str]:
    """What was expected and what came, a line each; and what the program complained of."""
    lines = [f"{each['what']}: expected {each['expected']}; got {each['observed']}" for each in test["mismatches"]]
    told = {each["what"] for each in test["mismatches"]}
    return [*lines, *([f"it wrote on stderr: {quoted(test['stderr'])}"] if test["stderr"] and "stderr" not in told else [])]


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
