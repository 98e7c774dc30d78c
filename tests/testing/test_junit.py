"""JUnit XML, as GitLab and Jenkins read it."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from sandbox_cli.testing.junit import junit
from tests.testing.made import came

GOLDEN = Path(__file__).parent / "golden" / "junit.xml"
MISMATCH = {"what": "status", "expected": "a denial", "observed": "it was let through, and ended well"}


def test_document_is_as_reviewed() -> None:
    document = junit(
        [
            came(),
            came(backend="nsjail", time_s=1.2345),
            came(name="no <network>", line=5, verdict="failed", mismatches=[MISMATCH], stderr="first\nlast \x1b[31m"),
            came(
                backend="firejail",
                verdict="skipped",
                reason="firejail is not installed",
                fix="apt-get install firejail",
            ),
            came(policy="sub/other.yaml", file="/elsewhere/other.yaml", line=None),
        ],
        lambda file: file.removeprefix("/here/"),
    )
    if os.environ.get("SANDBOX_GOLDEN") == "write":
        GOLDEN.write_bytes(document)
    assert document.decode() == GOLDEN.read_text()


def test_what_xml_can_not_hold_is_written_out() -> None:
    name = "a\0b\x1bc\ud800d\ufffee\U0001f600"
    document = ElementTree.fromstring(junit([came(name=name)], str))
    (case,) = document.iter("testcase")
    assert case.get("name") == "a\\x00b\\x1bc\\ud800d\\ufffee\U0001f600"


def test_counts_are_those_of_the_cases() -> None:
    failed = came(verdict="failed", mismatches=[MISMATCH])
    document = ElementTree.fromstring(junit([came(), failed, came(verdict="skipped", reason="x")], str))
    assert [document.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["3", "1", "0", "1"]
    assert len(list(document.iter("failure"))) == 1
    assert len(list(document.iter("skipped"))) == 1
