"""From the options to a job, and from its plan to the work of one run."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Literal, NamedTuple

from sandbox_cli.cli import inputs, terminal
from sandbox_cli.cli.deliver import problem_with
from sandbox_cli.errors import UsageError
from sandbox_cli.given import files, whole
from sandbox_cli.given.code import of_file
from sandbox_cli.slots import VALUE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.cli.options import Options
    from sandbox_cli.given.code import Code
    from sandbox_cli.job import Job
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.run.model import Work


class Request(NamedTuple):
    """A job, and what only its run needs: the code that was read, and whether our standard input is still whole."""

    job: Job
    code: Code | None
    stdin_is_used: bool = False


def of_code(options: Options, words: list[str]) -> Request:
    """`run`: a snippet, code from standard input, or a FILE; the words after it are the program's."""
    if options.code is not None:
        code = inputs.of_option(options.code)
        return Request({**_common(options), "code": code.content, "args": words}, code)
    if not words:
        raise UsageError("there is no code to run", hint="name a FILE, or `-` for standard input, or give -c CODE")
    name, *arguments = words
    if name == "-":
        code = inputs.of_stdin()
        return Request({**_common(options), "code": code.content, "args": arguments}, code, stdin_is_used=True)
    code = of_file(name)
    return Request({**_common(options), "file": name, "args": arguments}, code)


def of_command(options: Options, words: list[str]) -> Request:
    """`exec`: a program and its arguments."""
    if options.code is not None:
        raise UsageError("-c is for code, and exec runs a program", hint="`sandbox run -l LANGUAGE -c CODE`")
    if options.value:
        hint = f"have the program write JSON to the path in ${VALUE_VARIABLE}"
        raise UsageError("--value is for code, and exec runs a program", hint=hint)
    if not words or not words[0]:
        raise UsageError("there is no program to run", hint="name it behind the options: -- COMMAND [ARGS]...")
    return Request({**_common(options), "command": words, "args": []}, None)


def work(options: Options, request: Request, plan: Plan, *, job_id: str, output: Path | None, cancel: int) -> Work:
    """Everything of one run that is not decided in its plan."""
    if options.terminal:
        terminal.check_ours()
    wants_result = options.json or options.result is not None
    return {
        "id": job_id,
        "arguments": [os.fsencode(word) for word in request.job.get("args", [])],
        "file": os.fsencode(plan["file"]) if plan["file"] is not None else None,
        "inputs": whole.inputs(request.job, request.code, plan),
        "environment": [os.fsencode(f"{key}={value}") for key, value in request.job.get("env", {}).items()],
        "stdin": _stdin(options, request),
        "stdout": None if options.json else 1,
        "stderr": None if options.json else 2,
        "capture": inputs.capture_bytes(options.capture) if wants_result else 0,
        "collect": _collect(options),
        "output_dir": str(output) if output is not None else None,
        "keep": f"{tempfile.gettempdir()}/sandbox-kept-{job_id}" if options.keep else None,
        "cancel": cancel,
    }


def _common(options: Options) -> Job:
    """What every job of the command line says, each option looked at."""
    if options.result is not None and (problem := problem_with(options.result)) is not None:
        raise UsageError(problem, hint="name a file in a directory of yours")
    if options.collect and not (options.output or options.json or options.result):
        raise UsageError("--collect has nowhere to return files to", hint="add -o DIR, --json or --result FILE")
    if options.force and options.output is None:
        raise UsageError("--force has nothing to replace: no files are saved", hint="add -o DIR, or leave it out")
    inputs.capture_bytes(options.capture)
    if options.terminal:
        terminal.check(options.json, options.stdin)
    return {
        "language": options.language,
        "venv": options.venv,
        "policy": options.policy,
        "locked": options.locked,
        "backend": options.backend,
        "network": options.network,
        "limits": inputs.limits(options.limit, options.timeout, options.memory),
        "env": ({"TERM": terminal.kind()} if options.terminal else {}) | inputs.variables(options.env),
        "terminal": options.terminal,
        "files": files.files(options.file),
        "workspace": options.workspace,
        "collect": options.collect,
        "best_effort": options.best_effort,
        "audit": options.audit,
        "value": options.value,
    }


def _collect(options: Options) -> Literal["none", "inline", "save", "replace"]:
    if options.output is not None:
        return "replace" if options.force else "save"
    return "inline" if options.json or options.result is not None else "none"


def _stdin(options: Options, request: Request) -> int | None:
    if options.stdin is not None:
        return inputs.open_stdin(options.stdin)
    if options.terminal:
        return 0  # also where the code was typed on it: a terminal goes on after an end of file
    return None if request.stdin_is_used else 0
