"""What `sandbox policy diff` tells, as a comment on a change: whatever a policy says stays text there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli.output import shown
from sandbox_cli.cli.policy.diff_words import at, counts, grouped, is_told, named, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.policy.diff import At, Comparison

LONG = 120  # letters of a value that still stand open in a cell
LONGEST = 60_000  # letters of a comment: GitHub's own bound is 65,536
_HEAD = "| | Clause | Before | After |\n| --- | --- | --- | --- |"
_VERDICTS = {
    "looser": "**looser**",
    "incomparable": "**looser** in one thing, tighter in another",
    "tighter": "tighter",
    "equal": "nothing is looser or tighter",
}


def page(found: Sequence[Comparison], than: str) -> str:
    """A heading with the verdict, and a table for what changed; what stayed as it was is one line."""
    from sandbox_cli.policy.order.relations import together

    parts = [f"### Policies: {_VERDICTS[together(each.relation for each in found)]}", f"{counts(found).capitalize()}."]
    groups = [group for group in grouped(found) if is_told(group[0])]
    for position, group in enumerate(groups):
        part = _section(group, than)
        if sum(map(len, parts)) + len(part) > LONGEST:
            parts.append(f"And {len(groups) - position} more, for which a comment has no room.")
            break
        parts.append(part)
    if same := [each for each in found if not is_told(each)]:
        parts.append(f"Unchanged: {named(same, code)}")
    return "\n\n".join(parts)


def code(text: str) -> str:
    """`text` as code: no letter of it is markup, ends a cell or a line, or calls somebody."""
    text = shown(text)
    if text and text == text.strip() and not {"`", "|"} & set(text):
        return f"`{text}`"
    letters = (letter if letter.isalnum() or letter == " " else f"&#{ord(letter)};" for letter in text)
    return f"<code>{''.join(letters)}</code>"


def _section(group: Sequence[Comparison], than: str) -> str:
    told = f"#### {named(group, code)}: {verdict(group[0], than, code)}"
    if not group[0].changes:
        return told
    rows = [
        f"| {_word(change.relation)} | {code(change.clause)} "
        f"| {_cell(change.before, change.before_at)} | {_cell(change.after, change.after_at)} |"
        for change in group[0].changes
    ]
    return "\n".join([f"{told}\n", _HEAD, *rows])


def _word(relation: str) -> str:
    return {"tighter": "tighter", "equal": "no permission"}.get(relation, f"**{relation}**")


def _cell(value: str, place: At | None) -> str:
    told = code(value)
    if len(value) > LONG:
        told = f"<details><summary>{code(value[:60] + '...')}</summary>{told}</details>"
    return told if place is None else f"{told}<br>{code(at(place))}"
