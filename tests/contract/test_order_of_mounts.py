"""Where the order says of any mounts that they show no more than others, a program sees and does no more under them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from sandbox_cli.policy import load
from sandbox_cli.policy.order import compare
from tests.contract.odd_policies import folder
from tests.contract.order_pairs import PYTHON

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Driver

SOURCES = ("a", "a/c", "a/d", "b", "b/c")
POINTS = (*(f"TREE/{name}" for name in SOURCES), "/opt/x", "/opt/x/c", "/opt/y", "/bin/x", "/tmp/x")
# What a program finds and can do at each path, told by the name of a file that the host has in each folder.
LOOKS = """
import json, os, sys
done = []
for top in json.loads(sys.argv[1]):
    try:
        done += [["sees", top, name] for name in os.listdir(top) if name.startswith("of-")]
        done += [["runs", top, name] for name in os.listdir(top) if os.access(f"{top}/{name}", os.X_OK)]
    except OSError:
        continue
    try:
        os.close(os.open(f"{top}/new", os.O_CREAT | os.O_WRONLY))
        os.unlink(f"{top}/new")
        done.append(["writes", top, ""])
    except OSError:
        pass
print(json.dumps(done))
"""


def _mount(kind: str, source: str, optional: bool) -> Any:
    if kind in {"ro", "rw"}:
        return {"from": f"TREE/{source}", "mode": kind, "optional": optional}
    return {"symlink": f"TREE/{source}"} if kind == "link" else kind


_KINDS = some.sampled_from(["ro", "ro", "rw", "tmpfs", "link"])
MOUNTS = some.dictionaries(
    some.sampled_from(POINTS),
    some.builds(_mount, _KINDS, some.sampled_from([*SOURCES, "missing"]), some.booleans()),
    max_size=3,
)


def find(tree: Path, mounts: dict[str, Any], driver: Driver, name: str) -> tuple[Any, set[tuple[str, ...]] | None]:
    """The policy, and what a program could do under it; None: no job is run under it here."""
    policy = tree / f"{name}.yaml"
    policy.write_text(json.dumps({"extends": "command", "filesystem": mounts}).replace("TREE", str(tree)))
    looked_at = json.dumps([each.replace("TREE", str(tree)) for each in (*POINTS, "/opt/y/c", "/usr/bin/x")])
    outcome = driver.run({"command": [*PYTHON, LOOKS, looked_at], "policy": str(policy), "backend": "bwrap"})
    done = {tuple(each) for each in json.loads(outcome["stdout"])} if outcome.get("status") == "ok" else None
    return load(str(policy)), done


@pytest.mark.parametrize("account", ["user"], indirect=True)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(before=MOUNTS, more=MOUNTS, added=some.booleans())
def test_no_looser_is_to_do_no_more(
    before: dict[str, Any], more: dict[str, Any], added: bool, shared_tmp: Path, driver: Driver
) -> None:
    for name in SOURCES:
        top = folder(shared_tmp / name, mode=0o777)
        (top / f"of-{top.name}").touch(mode=0o755)
    old, before_done = find(shared_tmp, before, driver, "before")
    new, after_done = find(shared_tmp, {**before, **more} if added else more, driver, "after")
    if before_done is None or after_done is None:
        return
    found = {each.relation for each in compare(old, new)}
    if found <= {"equal", "tighter"}:
        assert after_done <= before_done
    if found <= {"equal", "looser"}:
        assert before_done <= after_done
