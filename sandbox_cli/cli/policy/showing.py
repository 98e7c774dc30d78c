"""`sandbox policy show`: all that a policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json
from sandbox_cli.cli.policy.names import Name

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import ShownPolicy


def show(name: Name, json: Json = False) -> int:
    """Show all that a policy says, in its long form."""
    from sandbox_cli.policy import load
    from sandbox_cli.policy.document import document

    loaded = load(name)
    answer: ShownPolicy = {
        "name": loaded.name,
        "digest": loaded.digest,
        "files": list(loaded.files),
        "policy": document(loaded),
        "sources": loaded.sources,
    }
    output.say(output.as_line(answer) if json else _as_yaml(answer))
    return 0


def _as_yaml(shown: ShownPolicy) -> str:
    """A policy file that says the same: it can be loaded, and has the same digest."""
    import yaml

    class Dumper(yaml.SafeDumper):
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

    chain = [output.shown(file) for file in shown["files"]]
    head = [f"# {chain[0]}", *(f"# extends {file}" for file in chain[1:]), f"# {shown['digest']}"]
    body = yaml.dump(shown["policy"], Dumper=Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True)
    return "\n".join([*head, body.rstrip("\n")])
