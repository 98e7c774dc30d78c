"""`sandbox doctor`: what this host can enforce, by trying it, and the fix for what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output, weighing
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from sandbox_cli.plan.doctor import Doctor


def doctor(json: Json = False) -> int:
    """Try each jailer here, and say how well it holds a policy.

    The policy is `command`. Of each clause that is not held strictly it says why, and what would mend that.

    Exits 1 where no jailer can hold the policy.
    """
    from sandbox_cli.plan import doctor as facts

    answer = facts.examine()
    if json:
        output.say(output.as_line(answer))
    else:
        _print(answer)
    return 0 if answer["chosen"] else 1


def _print(answer: Doctor) -> None:
    host = answer["host"]
    facts = [
        ("kernel", f"{host['kernel']} {host['machine']}"),
        ("machine", f"{host['cores']} cores, {host['memory_bytes'] >> 20} MiB"),
        ("account", "root" if host["uid"] == 0 else f"uid {host['uid']}"),
        ("container", host["container"] or "none seen"),
        ("control groups", host["groups"]["enforcer"] or f"none: {host['groups']['problem']}"),
        *(("ceiling", file) for file in answer["ceilings"]),
        ("jailer of a job", answer["chosen"] or "none"),
    ]
    output.table(("HOST", ""), facts)
    output.say("")
    rows = [
        (each["name"], "works" if each["usable"] else "no", each["version"] or "-", each["program"] or "-")
        for each in answer["backends"]
    ]
    output.table(("JAILER", "TRIED", "VERSION", "PROGRAM"), rows)
    weighing.tell(answer["policy"], answer["backends"])
