"""`sandbox render`: what would be run, for people who want to see it or to do it by hand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.jobs import of_code, of_command
from sandbox_cli.cli.options import Options, with_options
from sandbox_cli.cli.snippet import not_held, snippet
from sandbox_cli.given import whole

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import Rendered


@with_options()
def render(options: Options, words: list[str]) -> int:
    """Show what would be run, as sh that can be pasted.

    After `--` stands a COMMAND, as for exec. It takes the options of a run; those about its result (-o, --collect,
    --result, -v ...) change nothing here.
    """
    from sandbox_cli.plan import compile  # noqa: A004 (as in run.py)

    read = of_command if options.dashes and options.code is None else of_code
    request = read(options, words)
    plan = compile(request.job)
    variables = [f"{name}={value}" for name, value in request.job.get("env", {}).items()]
    folder = f"/tmp/sandbox-render-{os.urandom(6).hex()}"  # noqa: S108 (the sh makes it, and fails where it exists)
    inputs = whole.inputs(request.job, request.code, plan)
    script = snippet(plan, inputs, request.job.get("args", []), variables, folder)
    if options.json:
        rendered: Rendered = {
            "backend": plan["backend"],
            "version": plan["version"],
            "program": plan["program"],
            "policy": plan["policy"],
            "script": script,
            "not_held": not_held(plan),
        }
        output.say(output.as_line(rendered))
    else:
        output.say(script)
    return 0
