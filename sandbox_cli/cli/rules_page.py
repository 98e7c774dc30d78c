"""docs/rules.md, made of the table of rules: `python -m sandbox_cli.cli.rules_page docs/rules.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from sandbox_cli.policy.lint.table import NEVER_SILENCED, RULES, Rule

_HEAD = """# Rules

What `sandbox policy check` looks for in a policy. [policies.md](policies.md#checking) tells how it is run, and how a
file silences a finding. An id stays what it is from release to release. This page is made of the rules themselves:
`python -m sandbox_cli.cli.rules_page docs/rules.md`.

| severity | means |
| --- | --- |
| error | the policy can't be used, or gives up what makes a jail |
| warning | it allows more than most programs need: change it, or silence it and say why |
| note | it could be said better |

Rules marked *here* ask what the machine that checks has and can hold; what a jailer holds is only asked where one can
be used.
"""


def page() -> str:
    return "\n".join([_HEAD, *(_section(name, rule) for name, rule in RULES.items())])


def _section(name: str, rule: Rule) -> str:
    marks = [rule.severity, *(["here"] if rule.here else []), *(["never silenced"] if name in NEVER_SILENCED else [])]
    return f"## {name}\n\n**{', '.join(marks)}.** {rule.why} {rule.fix}\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
