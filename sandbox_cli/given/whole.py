"""All that is put into a job's scratch before its program starts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox_cli.given import contents as by_content
from sandbox_cli.given import files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.given.code import Code
    from sandbox_cli.job import Job
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.run.model import Input


def inputs(job: Job, code: Code | None, plan: Plan, contents: Mapping[str, bytes] | None = None) -> list[Input]:
    """The job's code, its files, and those of which there is the content (name below scratch -> bytes).

    Raises UsageError for what can't be there, RefusedError for more than scratch may hold.
    """
    found: list[Input] = []
    own = None
    if plan["file"] is not None and code is not None:
        own = plan["file"], job.get("file")
        found.append((os.fsencode(plan["file"]), code.content, code.mode))
    found += by_content.inputs(contents or {}, plan["file"])
    found += files.inputs(job.get("files", []), own)
    files.check(found, plan["limits"])
    return found
