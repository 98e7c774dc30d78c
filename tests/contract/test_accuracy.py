"""What `usage` says of loads that are known: docs/limits.md states the bounds, bench/accuracy.py makes its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.accuracy import LOADS

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

BOUND = 0.05  # where a group measures, or the launcher's last word
SAMPLED_BOUND = 0.10  # of memory, where it stays for more than a look or two
LIMITS = {"memory": "1GiB", "processes": "64", "cpu_time": "30s", "wall_time": "60s"}


@pytest.mark.parametrize("name", LOADS)
def test_a_known_load_is_measured_as_it_is(name: str, backend: str, driver: Driver) -> None:
    field, code = LOADS[name]
    outcome = driver.run({"command": ["/usr/bin/python3", "-ISc", code], "backend": backend, "limits": LIMITS})
    assert outcome["status"] == "ok", outcome
    truth, usage = float(outcome["stdout"]), outcome["usage"]
    sampled = usage["measured_by"][field] == "sampler"
    assert usage[field] == pytest.approx(truth, rel=SAMPLED_BOUND if sampled else BOUND), usage["measured_by"]
    assert (usage["processes_peak"] == truth) or field != "processes_peak"


def test_what_a_job_wrote_to_a_disk_is_null_with_the_reason_where_nobody_counts_it(
    backend: str, driver: Driver
) -> None:
    usage = driver.run({"command": ["true"], "backend": backend})["usage"]
    for field in ("read_bytes", "written_bytes"):
        assert (usage[field] is None) == (field in usage["unmeasured"])
        assert usage["unmeasured"].get(field, "-")
    if usage["measured_by"]["cpu_time_s"] == "cgroup-v1":
        assert usage["unmeasured"]["written_bytes"] == "cgroup v1 does not count buffered writes"
        assert usage["read_bytes"] is None  # its counter stays at 0 in newer kernels, whatever is read
