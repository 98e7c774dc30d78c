"""A policy as YAML that can be loaded again and then has the same digest: compact, or with who said each line of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml

from sandbox_cli.cli import output
from sandbox_cli.cli.policy.explained import LONGEST, chain_of, cut, place, short_names
from sandbox_cli.policy.document import document
from sandbox_cli.policy.explain.provenance import Provenance
from sandbox_cli.policy.reading import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.cli.policy.shapes import PolicyChain
    from sandbox_cli.policy.layers import Path
    from sandbox_cli.policy.loading import Traced


_ENDLESS = 1 << 30  # a comment can't stand behind half a value


class _OneLine(dict[str, object]):
    """A map that stands in one line where others have a line for each key."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (the grammar has no aliases)
        return True

    def represent_data(self, data: Any) -> Any:  # noqa: ANN401 (PyYAML's nodes are not typed)
        """A list stands in one line, but for one with a text of several: that keeps its lines."""
        node: Any = super().represent_data(data)  # pyright: ignore[reportUnknownMemberType]
        if isinstance(data, str) and "\n" in data:
            node.style = "|"
        elif isinstance(data, list) and any("\n" in str(each) for each in cast("list[object]", data)):
            node.flow_style = False
        return node


class _LineByLine(_Dumper):
    def represent_data(self, data: Any) -> Any:  # noqa: ANN401
        one_line = isinstance(data, _OneLine)
        node = super().represent_data(dict[str, object](data) if one_line else data)
        if isinstance(data, dict):
            node.flow_style = not data or one_line
        return node


def compact(policy: Mapping[str, object]) -> str:
    return _dumped(policy, _Dumper)


def resolved(traced: Traced) -> str:
    """One value a line, each with a comment."""
    policy = document(traced.policy)
    mounts = cast("Mapping[str, Any]", policy["filesystem"])  # who said a mount is told of the whole
    in_lines = {path: mount if isinstance(mount, str) else _OneLine(mount) for path, mount in mounts.items()}
    text = _dumped({**policy, "filesystem": in_lines}, _LineByLine, width=_ENDLESS)
    told, names = Provenance(traced), short_names(list(traced.policy.files))
    lines = text.split("\n")
    for path, number in _values(cast("Any", yaml).compose(text), ()):
        lines[number] += f"  # {output.shown(_comment(told, path, names))}"
    return "\n".join(lines)


def _dumped(policy: Mapping[str, object], dumper: type[_Dumper], width: int | None = None) -> str:
    options: Mapping[str, Any] = {"sort_keys": False, "default_flow_style": None, "width": width}
    text: str = cast("Any", yaml).dump(policy, Dumper=dumper, allow_unicode=True, **options)
    if HIDDEN.search(text):  # no policy file may hold that as it is: everything that is not ASCII in escapes, then
        text = cast("Any", yaml).dump(policy, Dumper=dumper, allow_unicode=False, **options)
    return text.rstrip("\n")


def _values(node: Any, path: Path) -> Iterator[tuple[Path, int]]:  # noqa: ANN401
    """The values in a map of maps, and the number of the line that a comment on each can end."""
    for key, value in node.value:
        within = (*path, key.value)
        in_block = value.style == "|" if isinstance(value, yaml.ScalarNode) else not value.flow_style
        if in_block and isinstance(value, yaml.MappingNode):
            yield from _values(value, within)
        else:  # what stands in a block begins in the next line
            yield within, (key if in_block else value).end_mark.line


def _comment(told: Provenance, path: Path, names: Mapping[str, str]) -> str:
    """ "team.yaml:4, over 512MiB of _base.yaml:10"; of several the one that took all of it away."""
    chains = told.chains(path)
    found = [chain for chain in chains if chain.clause == ".".join(path)]
    removed = [chain for chain in chains if all(each.words[0].act == "remove" for each in chains)]
    return _words(chain_of((found or removed)[0]), names) if found or removed else "by default"


def _words(chain: PolicyChain, names: Mapping[str, str]) -> str:
    text, joint = "", ""
    for word in chain["words"]:
        text += f"{joint}{cut(word['value'], LONGEST)} of {place(word, names)}" if joint else place(word, names)
        joint = ", appended to " if word["act"] == "append" else ", over "
    return text
