"""Runs weakened plans in a process of its own, as whatever account starts it. Imports nothing of the tests.

One line each way, a Python literal. The first question is the job, whose plan is the answer; then one weakened plan
each, answered by who caught it and how.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

from sandbox_cli import plan, run
from sandbox_cli.errors import SandboxError

WORK: dict[str, Any] = {
    "id": "weakened", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None,
    "stdout": None, "stderr": None, "capture": 1 << 20, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip
SEALED = "the jail is not what was planned: "


def judge(weakened: Any) -> tuple[str, str]:
    """(who caught it: seal | run | verify | nobody, what they said)."""
    try:
        outcome = run.execute(weakened, WORK)  # type: ignore[arg-type]
    except (SandboxError, KeyError) as error:  # a plan that contradicts itself
        return "run", str(error)
    if outcome["status"] == "sandbox-error":
        message = (outcome["error"] or {}).get("message", "")
        return ("seal", message.removeprefix(SEALED)) if message.startswith(SEALED) else ("run", message)
    return "nobody", f"{outcome['status']} {outcome['cause']} {outcome['stdout'].decode(errors='replace')}"


if __name__ == "__main__":
    for line in sys.stdin:
        question = ast.literal_eval(line)
        answer = judge(question["plan"]) if "plan" in question else plan.compile(question["job"])
        print(repr(answer), flush=True)
