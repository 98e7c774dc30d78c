"""What the kernel holds for each process: file sizes and open files, and the number of a jail's tasks.

RLIMIT_NPROC counts the tasks of an account in one user namespace (Linux 5.14 and later): a jail has one of its
own, so it bounds the job as a whole. RLIMIT_CPU stands beneath the enforcers of `cpu_time`, which see the whole job.
"""

from __future__ import annotations

import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def within_ours(bounds: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Limits within our own hard ones, which are the jail's too, and which nobody in it may raise (prlimit(2))."""
    return [(number, _at_most(resource.getrlimit(number)[1], value)) for number, value in bounds]


def _at_most(hard: int, value: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
