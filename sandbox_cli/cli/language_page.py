"""What the shipped policies say of their languages, for docs/languages.md and for `make`.

`python -m sandbox_cli.cli.language_page docs/languages.md` makes the tables there anew; `needs [NAME]...` prints
COMMAND:PACKAGE of each language but those named.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.policy import loading, places

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox_cli.policy.model import Language

BEGIN, END = "<!-- from the policies -->\n", "<!-- end -->\n"
_LONGEST = 40  # of a word that is shown; a longer one is a program of the policy's own


def shipped() -> list[Language]:
    """The built-in languages, whatever stands in for them on this machine."""
    return [language for file in places.built_in() if (language := loading.load(str(file)).language) is not None]


def needs(without: Iterable[str] = ()) -> list[str]:
    """COMMAND:PACKAGE of each."""
    skipped = set(without)
    runtimes = [language.runtime for language in shipped() if language.name not in skipped]
    return [f"{each.command}:{each.package}" for each in runtimes if each is not None and each.package is not None]


def page(text: str) -> str:
    """`text` with what stands between its marks made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    languages = shipped()
    return f"{before}{BEGIN}\n{_table(languages)}\n{_commands(languages)}\n{END}{after}"


def _table(languages: Sequence[Language]) -> str:
    rows = ["| `-l` | also | files | a snippet's name | Debian package |", "| --- | --- | --- | --- | --- |"]
    for each in languages:
        package = each.runtime.package if each.runtime else None
        rows.append(
            f"| `{each.name}` | {_code(each.aliases)} | {_code(each.extensions)} | `{each.file}` "
            f"| {_code([package] if package else [])} |"
        )
    return "\n".join(rows) + "\n"


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _commands(languages: Sequence[Language]) -> str:
    width = max(len(each.name) for each in languages)
    lines = ["```text"]
    for each in languages:
        name = each.name
        if each.compile is not None:
            lines.append(f"{name:{width}}  {_command(each, each.compile.run)}")
            name = ""
        lines.append(f"{name:{width}}  {_command(each, each.run)} ARGS...")
    return "\n".join([*lines, "```"]) + "\n"


def _command(language: Language, words: Sequence[str]) -> str:
    """As it would be typed: the runtime by its command, variables in capitals, a program of the policy's as `...`."""
    runtime = language.runtime.command if language.runtime else "RUNTIME"
    told = [word.replace("{{ runtime }}", runtime) for word in words]
    told = [re.sub(r"\{\{ *([\w.]+) *\}\}", lambda match: match[1].upper(), word) for word in told]
    return " ".join("'...'" if len(word) > _LONGEST or "\n" in word else shlex.quote(word) for word in told)


def main(words: Sequence[str]) -> None:
    if words[0] == "needs":
        sys.stdout.write(" ".join(needs(words[1:])) + "\n")
        return
    file = Path(words[0])
    file.write_text(page(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
