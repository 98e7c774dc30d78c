"""Open files: how many jobs there is room for at once."""

from __future__ import annotations

import os
import resource

from sandbox_cli.batch.stop import MOST
from sandbox_cli.errors import HostError

_OF_A_JOB = 30
_OURS = 64


def workers(asked: int | None, cores: int) -> int:
    """How many run at once: as many as were asked for, else one a core, as far as that goes.

    Our own soft limit on open files is raised for it; what jobs may have is their policies' to say. Raises HostError
    where the hard one keeps what was asked for from running.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 1 << 30
    fit = next(jobs for jobs in range(MOST, 0, -1) if jobs == 1 or _files(jobs) <= most)
    if asked is not None and asked > fit:
        raise HostError(
            f"{asked} jobs at once take about {_files(asked)} open files, and {most} are allowed",
            hint=f"`-j {fit}`, or a higher hard limit: see `ulimit -Hn`",
        )
    at_once = min(asked or cores, fit)
    if soft < _files(at_once):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_files(at_once), most), hard))
    return at_once


def ahead(at_once: int) -> int:
    """How many jails are made, or taken down, while that many programs run: two a core, since for half of either a jail
    waits for the kernel. It brings a tenth on two cores (docs/performance.md).

    None beside one that runs alone: who asks for that may want nothing else to happen meanwhile.
    """
    return 0 if at_once == 1 else 2 * min(at_once, len(os.sched_getaffinity(0)))


def _files(at_once: int) -> int:
    return _OURS + (at_once + ahead(at_once)) * _OF_A_JOB
