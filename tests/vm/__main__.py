"""`make test-vm`: pytest in guests that have cgroup v2, in several ways, and a table of what came of it.

root       root, under a plain init
delegated  the ordinary account, started in a subtree of the groups that root made for it
scope      the ordinary account in a session of systemd, which starts scopes for it
service    root, in a service of systemd's; only where it is named
"""

from __future__ import annotations

import argparse
import compileall
import os
import queue
import shutil
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tests.accounts import ROOT, tester
from tests.hostile.build import build_all
from tests.vm.boot import WAYS, Ended, boot, inside
from tests.vm.guest import KEEP, OVERDUE
from tests.vm.packages import obstacle

PASSED_ON = ("CI", "NO_COLOR", "PYTEST_ADDOPTS", "SANDBOX_TESTS_SLOW")
SLOW = "2"  # times as long as on a plain machine
PARTS = 2  # of each way
COUNTED = ("tests", "failures", "errors", "skipped")  # attributes of a JUnit file
TAIL = 40  # lines of a console that are shown


@dataclass(frozen=True)
class Outcome:
    """What pytest in one guest came to."""

    way: str
    part: str  # "1/2": the first of every two tests
    ended: Ended
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def good(self) -> bool:
        return self.ended.status == 0 and self.passed > 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.vm")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["root", "delegated", "scope"])
    parser.add_argument("--timeout", type=float, default=420, metavar="SECONDS", help="for each guest")
    parser.add_argument("tests", nargs="+", help="what pytest is given, after --")
    options = parser.parse_args()
    reason = obstacle()
    if reason:
        failing = os.environ.get("CI") == "true"
        print(f"{'FAILED' if failing else 'SKIPPED'}: the tests in guests: {reason}")
        return int(failing)
    tester()
    build_all()
    for folder in ("sandbox_cli", "backends", "policies"):  # an ordinary account can't keep what it compiles
        compileall.compile_dir(ROOT / folder, quiet=1)
    outcomes = run(options.ways, options.tests, options.timeout)
    print(f"\n{'way':<10}{'part':<5}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}")
    for each in outcomes:
        counts = f"{each.passed:>8}{each.failed:>8}{each.skipped:>8}{each.ended.seconds:>9.1f}"
        print(f"{each.way:<10}{each.part:<5}{counts}  {'' if each.good else 'FAILED: ' + why(each)}".rstrip())
    return int(not all(each.good for each in outcomes))


def run(ways: list[str], tests: list[str], timeout_s: float) -> list[Outcome]:
    """As many guests side by side as there are cores, each on its own; the output of each once it has ended.

    Each way in parts, since there are three ways for what are mostly two cores.
    """
    cores: queue.SimpleQueue[int] = queue.SimpleQueue()
    for core in os.sched_getaffinity(0):
        cores.put(core)

    def one(way: str, part: str) -> Outcome:
        core = cores.get()
        try:
            return pytest_in(way, part, tests, core, timeout_s)
        finally:
            cores.put(core)

    with ThreadPoolExecutor(cores.qsize()) as pool:
        running = [pool.submit(one, way, f"{part}/{PARTS}") for part in range(1, PARTS + 1) for way in ways]
        for done in as_completed(running):
            show(done.result())
        return [each.result() for each in running]


def pytest_in(way: str, part: str, tests: list[str], core: int, timeout_s: float) -> Outcome:
    folder = ROOT / "build" / "vm" / f"{way}-{part[0]}"
    shutil.rmtree(folder, ignore_errors=True)
    options = ["-p", "no:cacheprovider", "-p", "tests.vm.own_account", f"--junitxml={KEEP}/junit.xml"]
    command = [inside(sys.executable), "-m", "pytest", *options, *tests]
    env = {"SANDBOX_TESTS_SLOW": SLOW, "VM_PART": part} | {
        name: os.environ[name] for name in PASSED_ON if name in os.environ
    }
    ended = boot(way, command, folder, core=core, timeout_s=timeout_s, env=env)
    if not (folder / "junit.xml").exists():
        return Outcome(way, part, ended)
    suite = ET.parse(folder / "junit.xml").getroot()[0]
    tests_in_all, failures, errors, skipped = (int(suite.get(name, 0)) for name in COUNTED)
    failed = failures + errors
    return Outcome(way, part, ended, max(0, tests_in_all - failed - skipped), failed, skipped)


def show(outcome: Outcome) -> None:
    print(
        f"\n==== {outcome.way} {outcome.part} ====\n{outcome.ended.text('stdout')}{outcome.ended.text('stderr')}",
        end="",
        flush=True,
    )
    console = outcome.ended.folder / "console"
    if outcome.good:
        console.unlink()
        return
    lines = outcome.ended.text("console").splitlines()
    print(f"---- end of {console.relative_to(ROOT)} ----", *lines[-TAIL:], sep="\n", flush=True)


def why(outcome: Outcome) -> str:
    if outcome.ended.status is None:
        return "it did not come back"
    if outcome.ended.status == OVERDUE:
        return "it was interrupted at its time limit"
    if outcome.ended.status:
        return f"pytest ended with {outcome.ended.status}"
    return "no test ran"


if __name__ == "__main__":
    sys.exit(main())
