"""docs/clauses.md, made of the grammar and of what is told of its keys.

`python -m sandbox_cli.cli.clause_page docs/clauses.md` writes it.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sandbox_cli.policy import loading, places, units
from sandbox_cli.policy.clauses.about import ANY, told_as
from sandbox_cli.policy.order.table import ORDER
from sandbox_cli.policy.requirements import REQUIRED
from sandbox_cli.policy.schema import KINDS, default_of, keys
from sandbox_cli.policy.shape import Either, Items, Leaf, Record, Short, Table
from sandbox_cli.policy.written import form_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.clauses.about import About
    from sandbox_cli.policy.model import Limit
    from sandbox_cli.policy.schema import Kind
    from sandbox_cli.policy.shape import Spec

    Keys = tuple[str, ...]

_HEAD = """# Clauses

Every key of a policy file: what it means, how it is written, and what holds where no file says it. Each example can
stand in a policy that extends `python`. The page is made of the grammar itself, by
`python -m sandbox_cli.cli.clause_page docs/clauses.md`; `sandbox policy schema` has the same for editors.

* **Text** keeps its letters: `3.10` is no number and `no` a word. `true` and `false` without quotes are only for what
  is written as true or false.
* **`null`** takes away what is inherited. A list replaces the inherited one; with a `+` before its key (`+deny`) it is
  appended to it.
* **A time** has a unit ({times}), and so has **a size** ({sizes}).
  `none` as a limit is no bound.
* **Must be held** is the least level that is accepted, unless `require` says another: *strict* (the job as a whole
  can't exceed it), *sampled* (counted from outside, then killed), *process* (held for each process), *none*.
* **Looser** is what `sandbox policy diff` and a ceiling go by.
"""
_WIDTH = 120
_OTHERS = {
    "ceiling": """## A ceiling

`/etc/sandbox/ceiling.yaml` has a policy's clauses, less `extends` and `language`, and two of its own.

""",
    "tests": """## The tests of a policy

`NAME.test.yaml` stands beside `NAME.yaml`. Nothing is inherited, so there is no `+` and no `null`.

""",
    "config": """## The configuration

`/etc/sandbox/config.yaml`, then `$XDG_CONFIG_HOME/sandbox/config.yaml`.

""",
}
_PLACEHOLDERS = {"filesystem": "PATH", "require": "CLAUSE", "language.selftest.files": "PATH", "tests": "TEST"}


def page() -> str:
    kind = KINDS["policy"]
    names = _named(kind.grammar, kind.told)
    sections = [_section(name, kind.grammar.keys[name], names, kind.told) for name in kind.grammar.keys]
    head = _HEAD.format(times=", ".join(units.TIMES), sizes=", ".join(units.SIZES))
    others = [_of_another(KINDS[name], text) for name, text in _OTHERS.items()]
    return "\n".join([head, *sections, *others])


def _named(grammar: Record, told: Mapping[str, About]) -> dict[str, tuple[Keys, Spec]]:
    """The first key of each name under which something is told, with what stands there."""
    found: dict[str, tuple[Keys, Spec]] = {}
    for path, spec in keys(grammar):
        name = told_as(path, told)
        if name is not None and name.split(".")[0] == path[0]:  # a compile step's limits are told with the others
            found.setdefault(name, (path, spec))
    return found


def _section(name: str, spec: Spec, names: Mapping[str, tuple[Keys, Spec]], told: Mapping[str, About]) -> str:
    below = [each for each in names if each.startswith(f"{name}.")]
    known = told[name]
    facts = [f"Written as {_written(spec, (name,))}."]
    if without := _without((name,), known):
        facts.append(f"Where no file says it: {without}.")
    if name in REQUIRED:
        facts.append(f"Must be held: {REQUIRED[name]}.")
    for clause, order in ORDER.items():
        if clause == name or clause.startswith(f"{name}."):
            facts.append(f"Looser{'' if clause == name else f', of `{clause}`'}: {order[:1].lower()}{order[1:]}")
    bullets = "\n".join(_wrapped(f"* {fact}", "  ") for fact in facts)
    text = f"## `{name}`\n\n{_wrapped(known.text)}\n\n{bullets}\n\n```yaml\n{known.example}\n```\n"
    if not below:
        return text
    return text + "\n" + (_table_of_limits(names, told) if name == "limits" else "") + _table(below, names, told)


def _table(below: list[str], names: Mapping[str, tuple[Keys, Spec]], told: Mapping[str, About]) -> str:
    rows = ["| key | means | written as | where no file says it | example |", "| --- | --- | --- | --- | --- |"]
    for name in below:
        path, spec = names[name]
        if path[0] != "limits" or ANY in name:
            written = "as the limit" if path[0] == "limits" else _written(spec, path)
            cells = (told[name].text, written, _without(path, told[name]), f"`{told[name].example}`")
            rows.append(f"| `{_shown(name)}` | " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _table_of_limits(names: Mapping[str, tuple[Keys, Spec]], told: Mapping[str, About]) -> str:
    rows = ["| key | bounds | written as | in `_base` | must be held | example |"]
    rows.append("| --- | --- | --- | --- | --- | --- |")
    base = loading.load(str(places.BUILT_IN / "_base.yaml")).limits
    for limit in units.LIMITS:
        name = f"limits.{limit}"
        known = told[name]
        cells = (known.text, _written(names[name][1], names[name][0]), _bounds(limit, base[limit]), REQUIRED[name])
        rows.append(f"| `{name}` | " + " | ".join(_cell(cell) for cell in (*cells, f"`{known.example}`")) + " |")
    return "\n".join(rows) + "\n\n"


def _bounds(name: str, limit: Limit) -> str:
    default, most = (
        "none" if value is None else units.format_limit(name, value) for value in (limit.default, limit.max)
    )
    return f"`{default}`" if default == most else f"`{default}`, at most `{most}`"


def _of_another(kind: Kind, head: str) -> str:
    """The keys of another kind of file that a policy hasn't."""
    own = [name for name in kind.told if name.partition(".")[0] not in KINDS["policy"].told]
    return head + _table(own, _named(kind.grammar, kind.told), kind.told)


def _shown(name: str) -> str:
    """A key with a word in the place of any name."""
    shown = ""
    for step in name.split("."):
        word = _PLACEHOLDERS.get(shown, "NAME") if step == ANY else step
        shown = f"{shown}.{word}" if shown else word
    return shown


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _without(path: Keys, known: About) -> str:
    value = default_of(path)
    if value is None:
        return known.without
    words: list[object] = cast("list[object]", value) if isinstance(value, list) else [value]
    return ", ".join(f"`{word}`" if word != "" else "empty" for word in words) or "none"


def _written(spec: Spec, path: Keys) -> str:
    clause = ".".join(path)
    if isinstance(spec, Leaf):
        return _words(form_of(spec.parse, clause))
    if isinstance(spec, Items):
        one = _words(form_of(spec.parse, clause))
        return f"{one}, or a list of: {one}" if path == ("extends",) else f"a list of: {one}"
    if isinstance(spec, Short):
        return f"{_words(form_of(spec.expand, clause))}, or a map"
    if isinstance(spec, Either):
        return f"{_written(spec.word, path)}, or a map"
    if isinstance(spec, Table):
        return f"a map whose keys are: {_words(form_of(spec.key, clause))}"
    return "a map" if isinstance(spec, Record) else "a list of maps"


def _words(form: Mapping[str, Any]) -> str:
    if "anyOf" in form:
        return ", or ".join(_words(each) for each in form["anyOf"])
    if "title" in form:
        return str(form["title"])
    words = [f"`{word}`" for word in dict.fromkeys(str(word) for word in form["enum"])]
    return ", ".join(words)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
