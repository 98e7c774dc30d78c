"""From text to positioned nodes: a strict part of YAML, in which a scalar keeps its text.

Built on PyYAML's events. Its composer would recurse in C (deep nesting ends the process), resolve
aliases (a few lines become gigabytes) and keep the last of duplicate keys; its constructors would make
3.1 of `3.10` and false of `no`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import yaml

from sandbox_cli.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 20
MOST_NODES = 5000  # a file within its bound in bytes could still hold half a million
LONGEST_KEY = 5000
SPECIAL = frozenset({"true", "false", "null"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file, 1-based."""

    file: str
    line: int
    column: int

    def error(self, message: str, *, clause: str | None = None, hint: str | None = None) -> PolicyError:
        place = {"line": self.line, "column": self.column}
        told = message if len(message) <= 600 else f"{message[:400]} ... {message[-150:]}"
        return PolicyError(told, hint=hint, file=self.file, clause=clause or None, **place)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word or text as written, quotes and escapes resolved; `plain` says that it stands without quotes."""

    text: str
    plain: bool
    spot: Spot

    @property
    def special(self) -> bool:
        return self.plain and self.text in SPECIAL

    @property
    def null(self) -> bool:
        return self.plain and self.text == "null"

    @property
    def missing(self) -> bool:
        """Nothing stands where a value should: `key:` alone."""
        return self.plain and not self.text


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Node, ...]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[tuple[Scalar, Node], ...]
    spot: Spot


Node = Scalar | Listing | Mapping


def compose(text: str, file: str) -> Node | None:
    """The one document in `text`; None where there is none."""
    composer = _Composer(file)
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the pure Python scanner lets chr() fail
        raise PolicyError(f"the file is not YAML: {' '.join(str(error).split())}", file=file) from None
    return composer.root


def _events(text: str) -> Iterator[Any]:
    events: Iterator[Any] = cast("Any", yaml).parse(text, Loader=_LOADER)
    return events


@dataclass(slots=True)
class _Open:
    """A list or a map whose end has not come yet."""

    spot: Spot
    is_map: bool
    items: list[Node] = field(default_factory=list["Node"])
    keys: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    key: Scalar | None = None


class _Composer:
    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._documents = 0
        self._nodes = 0

    def take(self, event: Any) -> None:  # noqa: ANN401 (PyYAML's events are not typed)
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.AliasEvent():
                raise self._spot(event).error("aliases are not used here", clause=self._clause(), hint="write it out")
            case yaml.ScalarEvent():
                self._refuse_marks(event)
                self._add(Scalar(event.value, event.style in {None, ""}, self._spot(event)))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._refuse_marks(event)
                self._enter(_Open(self._spot(event), isinstance(event, yaml.MappingStartEvent)))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._leave()
            case _:  # the ends of documents and the stream
                pass

    def _start_document(self, event: Any) -> None:  # noqa: ANN401
        self._documents += 1
        if self._documents > 1:
            raise self._spot(event).error("a second document starts here", hint="a file holds one document")
        if event.tags or event.version:
            raise self._spot(event).error("directives are not used here", hint="remove the line that begins with %")

    def _refuse_marks(self, event: Any) -> None:  # noqa: ANN401
        if event.anchor is not None:
            raise self._spot(event).error("anchors are not used here", clause=self._clause(), hint="write it out twice")
        if event.tag is not None:
            hint = "remove it; quotes make text of a word"
            raise self._spot(event).error("tags are not used here", clause=self._clause(), hint=hint)

    def _enter(self, opened: _Open) -> None:
        parent = self._open[-1] if self._open else None
        if parent and parent.is_map and parent.key is None:
            hint = "put quotes around text that begins with { or ["
            raise opened.spot.error("a list or a map can't be a key", clause=self._clause(), hint=hint)
        if len(self._open) >= DEEPEST:
            raise opened.spot.error(f"nested deeper than {DEEPEST} levels", clause=self._clause())
        self._open.append(opened)

    def _leave(self) -> None:
        closed = self._open.pop()
        if closed.is_map:
            self._add(Mapping(tuple(zip(closed.keys.values(), closed.items, strict=True)), closed.spot))
        else:
            self._add(Listing(tuple(closed.items), closed.spot))

    def _add(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise node.spot.error(f"more than {MOST_NODES} values in one file", hint="no policy needs that many")
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if parent.is_map and parent.key is None:
            self._add_key(parent, node)
        else:
            parent.items.append(node)
            parent.key = None

    def _add_key(self, parent: _Open, key: Node) -> None:
        assert isinstance(key, Scalar)  # _enter refuses others
        clause = self._clause()
        if key.plain and key.text == "<<":
            raise key.spot.error("merge keys are not used here", clause=clause, hint="use `extends`, or write it out")
        if len(key.text) > LONGEST_KEY:
            raise key.spot.error(f"a key of more than {LONGEST_KEY} characters", clause=clause)
        if first := parent.keys.get(key.text):
            message = f"the key {key.text!r} stands here a second time, first in line {first.spot.line}"
            raise key.spot.error(message, clause=clause, hint="keep one of them")
        parent.keys[key.text] = parent.key = key

    def _spot(self, event: Any) -> Spot:  # noqa: ANN401
        return Spot(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _clause(self) -> str:
        return ".".join(opened.key.text for opened in self._open if opened.key)


def _syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> PolicyError:
    mark: Any = error.problem_mark or error.context_mark
    if mark is None:
        return PolicyError(f"the file is not YAML: {error.problem}", file=file)
    number: int = mark.line
    line = "".join(text.split("\n")[number : number + 1])
    hint = "quotes around a value often help"
    if line.lstrip(" ").startswith("\t"):
        hint = "indent with spaces, not with tabs"
    elif line[mark.column : mark.column + 1] == "@":
        hint = 'what begins with @ stands in quotes, as in "@system-service"'
    elif error.context == "while parsing a block mapping":
        hint = "the keys of one map begin in one column"
    elif error.context in {"while parsing a flow mapping", "while parsing a flow sequence"}:
        hint = "a { is closed by a }, and a [ by a ]"
    what = ", ".join(part for part in (error.context, error.problem) if part)
    return Spot(file, number + 1, mark.column + 1).error(f"the file is not YAML: {what}", hint=hint)
