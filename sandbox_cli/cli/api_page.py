"""The tables of docs/api.md, made of the classes that they tell of and of the comments beside their fields.

`python -m sandbox_cli.cli.api_page docs/api.md` writes them anew, between the marks in that page.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sandbox_cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = re.compile(r"<!-- made of ([\w. ]+) -->\n.*?<!-- end -->\n", re.DOTALL)
_ALIASES = {"Path": "str | PathLike[str]", "Words": "Sequence[str]"}  # of api/options.py
_FIELD = re.compile(r"^    (\w+): (.+?)(?: = [^#]+?)?(?:  # (.*))?$")


def page(text: str) -> str:
    """`text` with each block between marks as the code has it now."""
    return _BLOCK.sub(lambda found: f"<!-- made of {found[1]} -->\n\n{_made_of(found[1])}\n<!-- end -->\n", text)


def _made_of(names: str) -> str:
    return "\n".join(_told(name) for name in names.split())


def _told(name: str) -> str:
    found: Any = sandbox_cli  # a class, or a function
    for part in name.split("."):
        found = getattr(found, part)
    if inspect.isclass(found) and name != "Sandbox":
        return f"**`{name}`** - {_said(found)}\n\n{_table(found)}"
    return f"```py\n{_signature(name, found)}\n```\n\n{_said(found)}\n"


def _said(found: object) -> str:
    return " ".join((inspect.getdoc(found) or "").split())


def _table(shape: type) -> str:
    rows = ["| name | type | means |", "| --- | --- | --- |"]
    rows += [f"| `{name}` | `{_cell(kind)}` | {_cell(means)} |" for name, kind, means in _fields(shape)]
    return "\n".join(rows) + "\n" + "".join(f"\n{each}" for each in _methods(shape))


def _fields(shape: type) -> Iterator[tuple[str, str, str]]:
    """Those of the class itself, as they are written."""
    for line in inspect.getsource(shape).splitlines():
        if (found := _FIELD.match(line)) and not found[1].startswith("_"):
            kind = re.sub(r"(?<!\w)(?:Path|Words)(?!\w)", lambda alias: _ALIASES[alias[0]], found[2])
            yield found[1], kind, found[3] or ""


def _methods(shape: type) -> Iterator[str]:
    for name, found in vars(shape).items():
        if isinstance(found, property):
            yield f"* `{name}` - {_said(found)}\n"
        elif inspect.isfunction(found) and not name.startswith("_"):
            yield f"* `{_signature(name, found)}` - {_said(found)}\n"


def _signature(name: str, found: Callable[..., object]) -> str:
    told = inspect.signature(found)
    if told.parameters:
        parameters = [each for each in told.parameters.values() if each.name != "self"]
        told = told.replace(parameters=parameters)
    kind = "await " if inspect.iscoroutinefunction(found) else ""
    return re.sub(r"os\.PathLike\[str\]", "PathLike[str]", f"{kind}{name}{str(told).replace(chr(39), '')}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
