"""Who holds a job's limits while it runs, and measures it: one small interface, one module for each enforcer.

    cgroup_v2, cgroup_v1    a control group of the job's own (group.py has what they share)
    systemd_scope           how the supervisor comes into a subtree that systemd delegates: then cgroup_v2
    sampler                 looks from outside, where no group is to be had
    rlimit                  what the kernel holds for each process, or for the jail's user namespace

The kernel stops what is over a group's limit by itself; what it doesn't cap (CPU seconds), or what only a look
can tell, an enforcer says at its next look, and the supervisor kills. Never a jailer's own limit options: they
differ, and most of them bound a process and not the job.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    # What an enforcer saw of the whole job so far, as `usage` names it: cpu_user_s, cpu_system_s, memory_peak_bytes,
    # processes_peak, read_bytes, written_bytes. What it can't see is left out.
    Measured = dict[str, float]

    class Enforcer(Protocol):
        """Watches one job from the moment at which its gate opens."""

        @property
        def NAME(self) -> str:  # noqa: N802
            """As receipt and `measured_by` call it."""
            ...

        @property
        def next_look(self) -> float | None:
            """When it wants to look again (time.monotonic); None: it needs no look."""
            ...

        def interests(self) -> Iterable[tuple[int, int]]:
            """Fds, each with the poll events, at which it wants to look at once."""
            ...

        def woken(self) -> None:
            """One of its fds has something."""
            ...

        def look(self, until: float) -> tuple[str, str] | None:
            """Takes one look, broken off at `until`: the limit that is exceeded with what was seen of it, or None."""
            ...

        def measured(self) -> tuple[Measured, dict[str, str]]:
            """What it saw; and of what it would see elsewhere, why it can't here."""
            ...
