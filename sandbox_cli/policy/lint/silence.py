"""`silence`: which findings a file lets pass, each with the reason. It holds for what is found in that same file.

A silence changes nothing of what is allowed, so it is neither inherited nor part of the digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy import scalars
from sandbox_cli.policy.lint.found import Finding
from sandbox_cli.policy.lint.table import NEVER_SILENCED, RULES, UNUSED
from sandbox_cli.policy.requirements import parts
from sandbox_cli.policy.spelling import hint as spelling_hint
from sandbox_cli.policy.written import matching, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox_cli.policy.layers import Layer
    from sandbox_cli.policy.nodes import Scalar, Spot

KEY = "silence"
_MEANT = [rule for rule in RULES if rule not in NEVER_SILENCED]


class Silence(NamedTuple):
    """Of `rule`, everywhere in the file of `spot`, or only at `clause` and what is below it."""

    spot: Spot
    key: str
    rule: str
    clause: str
    reason: str

    def holds(self, finding: Finding) -> bool:
        if finding.rule != self.rule or finding.file != self.spot.file:
            return False
        wanted = parts(self.clause) if self.clause else ()
        return parts(finding.clause or "")[: len(wanted)] == wanted


class Silenced(NamedTuple):
    """A finding that its file lets pass, and why."""

    finding: Finding
    reason: str


@written(matching("a rule, or a rule and a clause", rf"({'|'.join(_MEANT)})( [^ ]+)?$"))
def key(scalar: Scalar, clause: str) -> str:
    """A key of `silence`: a rule's id, or a rule's id and a clause."""
    words = scalar.text.split(" ")
    rule = words[0]
    if rule in NEVER_SILENCED:
        raise scalar.spot.error(f"{rule} can't be silenced", clause=clause, hint=RULES[rule].fix)
    if rule not in RULES:
        message = f"there is no rule {rule!r} that could be silenced"
        raise scalar.spot.error(message, clause=clause, hint=spelling_hint(rule, _MEANT))
    if len(words) > 2 or not all(words):
        hint = "write RULE, or RULE and one clause, as in `network-host` or `writable-host-path filesystem./srv`"
        raise scalar.spot.error(f"{scalar.text!r} is neither a rule nor a rule and a clause", clause=clause, hint=hint)
    return scalar.text


@written(matching("a reason", r"[\s\S]*\S"))
def reason(scalar: Scalar, clause: str) -> str:
    if not scalars.text(scalar, clause).strip():
        raise scalar.spot.error("a silence needs its reason", clause=clause, hint="say why the finding may stand")
    return " ".join(scalar.text.split())


def of(layer: Layer) -> list[Silence]:
    """What a file silences; null takes nothing away, since nothing is inherited."""
    found: list[Silence] = []
    for entry in layer.entries:
        if entry.path[0] == KEY and isinstance(entry.value, str):
            rule, _, clause = entry.path[1].partition(" ")
            found.append(Silence(entry.spot, entry.path[1], rule, clause, entry.value))
    return found


def apply(policy: str, layers: Sequence[Layer], findings: Iterable[Finding]) -> tuple[list[Finding], list[Silenced]]:
    """What is left of `findings`, and what is silenced. A silence of the policy's own file that silenced nothing is a
    finding too, unless another machine could find something; those of what it extends are for who checks that.
    """
    silences = [each for layer in layers for each in of(layer)]
    kept: list[Finding] = []
    silenced: list[Silenced] = []
    used: set[Silence] = set()
    for finding in findings:
        by = [each for each in silences if each.holds(finding)]
        used.update(by)
        if by:
            silenced.append(Silenced(finding, by[0].reason))
        else:
            kept.append(finding)
    own = [each for each in silences if each.spot.file == layers[-1].file and each not in used]
    return [*kept, *(_unused(policy, each) for each in own if not RULES[each.rule].here)], silenced


def _unused(policy: str, silence: Silence) -> Finding:
    rule, spot = RULES[UNUSED], silence.spot
    clause, message = f"{KEY}.{silence.key}", "nothing of it is found in this file"
    return Finding(policy, UNUSED, rule.severity, spot.file, spot.line, spot.column, clause, message, rule.fix)
