"""Has a jail looked at from inside, and tells where it isn't what was expected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.contract.picture import expected, found

if TYPE_CHECKING:
    from tests.contract.case import Case
    from tests.contract.conftest import Driver


def look(case: Case, driver: Driver, policy: str) -> dict[str, Any]:
    """What the probe saw in the jail."""
    return seen(driver.run({"command": case.command, "policy": policy, "backend": case.backend}, case.work))


def seen(outcome: dict[str, Any]) -> dict[str, Any]:
    """The same, of a job that ran."""
    assert outcome.get("status") == "ok", outcome.get("stderr") or outcome
    said: dict[str, Any] = json.loads(outcome["stdout"])
    held = {row["clause"]: row["enforced_by"] for row in outcome["receipt"]["clauses"]}
    return said | {"held by": held}


def differences(case: Case, seen: dict[str, Any]) -> dict[str, Any]:
    """What was expected and what was found, where they differ."""
    wanted, got = expected(case, seen), found(case, seen)
    assert wanted.keys() == got.keys()
    return {name: _difference(wanted[name], got[name]) for name in wanted if wanted[name] != got[name]}


def _difference(wanted: Any, got: Any) -> Any:
    if isinstance(wanted, dict):
        return {key: (wanted.get(key), got.get(key)) for key in {*wanted, *got} if wanted.get(key) != got.get(key)}
    if isinstance(wanted, set):
        return {"missing": wanted - got, "more": got - wanted}
    return wanted, got
