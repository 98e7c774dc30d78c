"""The head of a program of escape/: read as the form says, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.comments import HeadError
from tests.hostile.escape_head import read

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
# attempt: Nothing,
#     at length.
# known-from: CVE-0000-0000
# held-by: mounts, pid namespace
# must: held
# must firejail user: escaped -- a difference
# needs: secret drop
# control: bare root
print("held: ENOENT")
"""


def test_head_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(GOOD)
    head = read(tmp_path / "x.py")
    assert (head.name, head.attempt, head.held_by) == ("x.py", "Nothing, at length.", ("mounts", "pid namespace"))
    assert (head.policy, head.needs) == ("python", {"secret", "drop"})
    assert (head.control.kind, head.control.value) == ("bare", "root")
    assert (head.must({"bwrap", "user"}), head.must({"firejail", "user"})) == ("held", "escaped")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# attempt: Nothing,\n#     at length.\n", ""),
        ("known-from", "known"),
        ("# needs:", "# needs: drop\n# needs:"),
        ("mounts, pid namespace", "mounts and pid namespace"),
        ("mounts, pid namespace", "mounts, mounts"),
        ("# must: held\n", ""),
        ("must: held", "must: escaped"),
        ("must: held", "must: hold"),
        ("must: held", "must: held -- a reason"),
        (" -- a difference", ""),
        ("must firejail user", "must firejail usr"),
        ("secret drop", "secret, drop"),
        ("bare root", "bare user"),
        ("control: bare root", "control: none"),
        ("control: bare root", "control: weak nothing"),
        ("control: bare root", "control: policy"),
        ("# control: bare root\n", ""),
        ("# control: bare root\n", "# control: bare root\n# free text\n"),
    ],
)
def test_a_head_that_is_not_as_the_form_says_is_refused(old: str, new: str, tmp_path: Path) -> None:
    assert old in GOOD
    (tmp_path / "x.py").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(HeadError):
        read(tmp_path / "x.py")
