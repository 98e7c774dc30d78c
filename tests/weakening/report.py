"""docs/weakening.md, from what a run of the whole matrix found."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tests.accounts import ROOT
from tests.weakening import explained
from tests.weakening.model import UNRELATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.weakening.matrix import Caught

PAGE = ROOT / "docs" / "weakening.md"
WHO = {"run": "the run", "seal": "the seal", "verify": "`verify`", "nobody": "nobody"}
_HEAD = """\
<!-- Written by `make weakening`, as root. Not by hand: CI compares it with what it finds. -->

# What happens to a jail that is weaker than its plan

A jail is only as good as what would notice that it isn't one. So each element of what is rendered for a jailer, and of
what its launcher is told, is dropped, widened and moved, **one at a time**: each option of bwrap's arguments, each line
and field of nsjail's config, each line of firejail's profile, each variable, limit and setting of the launcher's
message, each rule and name of the filter. Each such plan is then run, under the policy `python`, and must be

* refused by **the run**: the jailer or the launcher says no, or no program can run there;
* or stopped by **the seal**, which looks at the jail from outside before the program starts;
* or found out by **`sandbox verify`**, which attacks it from inside and compares that with the policy;
* or it must **change nothing of what the jail allows**: then it is listed below, with the reason.

Whatever is in none of these fails CI, and so does a reason that nothing needs any more. The generator stands in
tests/weakening. The filter is the launcher's, byte for byte the same in each jail: it is taken to pieces under bwrap
as an ordinary user, and weakened as a whole everywhere. `verify` tries the system calls where the filter was weakened,
and all else where it was not, and neighbours that have nothing to do with each other change places all at once, every
other pair of them, and one pair at a time where somebody objects to that; `make weakening WHOLE=--whole` has everything
tried in every jail, and each pair in one of its own. CI tries each of them each time.

| backend | account | weakenings | the run | the seal | `verify` | nobody |
| --- | --- | --: | --: | --: | --: | --: |
"""


def page(found: Mapping[tuple[str, str], Caught]) -> str:
    text = _HEAD
    for (backend, account), caught in found.items():
        counts = Counter(who for who, _ in caught.values())
        cells = [backend, account, len(caught), *(counts[who] for who in WHO)]
        text += "| " + " | ".join(map(str, cells)) + " |\n"
    for (backend, account), caught in found.items():
        text += f"\n## {title(backend, account)}\n\n| what nobody catches | why it changes nothing |\n| --- | --- |\n"
        text += "".join(f"{row}\n" for row in rows(caught, backend, account))
    return text


def title(backend: str, account: str) -> str:
    return f"{backend}, as {'root' if account == 'root' else 'an ordinary user'}"


def rows(caught: Caught, backend: str, account: str) -> list[str]:
    """A row for each explanation that is needed, in the order in which they are written down."""
    names = survivors(caught)
    found: list[str] = []
    for each in explained.there(backend, account):
        mine = [name for name in names if explained.of(name, backend, account) == each]
        if mine:
            found.append(f"| {_cell(mine)} | {each.why} |")
    return found


def survivors(caught: Caught) -> list[str]:
    return [name for name, (who, _) in caught.items() if who == "nobody"]


def committed(backend: str, account: str) -> list[str]:
    """The rows of the page as it stands."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {title(backend, account)}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][2:]


def _cell(names: Iterable[str]) -> str:
    return "; ".join(f"`{name}`".replace("|", "\\|") for name in dict.fromkeys(map(_general, names)))


def _general(name: str) -> str:
    """The name without what is this host's own."""
    if name.endswith(UNRELATED):
        return "one of two before the other"
    name = re.sub(r"/proc/(?!self\b|sys\b|\d)\w[\w-]*", "/proc/NAME", name)
    return re.sub(r"\b\d{4,}\b", "N", name)
