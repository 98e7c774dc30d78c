"""The strict part of YAML."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as some

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import nodes
from sandbox_cli.policy.layers import policy_layer
from sandbox_cli.policy.nodes import Listing, Mapping, Node, Scalar, compose


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def either_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML has one scanner in C and one in Python: both must do."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(nodes, "_LOADER", getattr(yaml, request.param))


def plain(node: Node | None) -> object:
    match node:
        case None:
            return None
        case Scalar():
            return node.text
        case Listing():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key.text: plain(value) for key, value in node.entries}


def refusal(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        compose(text, "p.yaml")
    assert caught.value.file == "p.yaml"
    return caught.value


@pytest.mark.parametrize(
    "text", ["3.10", "no", "010", "1:30", "~", "1e3", "0x1F", "2026-11-23", ".inf", "yes", "=", "True"]
)
def test_a_scalar_keeps_its_text(text: str) -> None:
    assert plain(compose(f"key: {text}", "p.yaml")) == {"key": text}


def test_only_plain_true_false_and_null_are_special() -> None:
    root = compose("[true, false, null, 'true', \"null\", True, ~, no]", "p.yaml")
    assert isinstance(root, Listing)
    assert [isinstance(item, Scalar) and item.special for item in root.items] == [True] * 3 + [False] * 5


def test_nodes_know_their_places() -> None:
    root = compose("a: 1\nb:\n  - x\n  - {ä: y, c: z}\n", "p.yaml")
    assert isinstance(root, Mapping)
    assert [(key.spot.line, key.spot.column) for key, _ in root.entries] == [(1, 1), (2, 1)]
    listing = root.entries[1][1]
    assert isinstance(listing, Listing)
    inner = listing.items[1]
    assert isinstance(inner, Mapping)
    assert [(node.spot.line, node.spot.column) for pair in inner.entries for node in pair] == [
        (4, 6), (4, 9), (4, 12), (4, 15),
    ]  # fmt: skip


def test_an_empty_text_has_no_document() -> None:
    assert compose("", "p.yaml") is None
    assert compose("# nothing\n", "p.yaml") is None


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: !!str 1", "tags", 1, 4),
        ("a: ! 1", "tags", 1, 4),
        ("a: !!python/object:os.system x", "tags", 1, 4),
        ("a: !!map {}", "tags", 1, 4),
        ("- !x []", "tags", 1, 3),
        ("a: &x 1\nb: 2", "anchors", 1, 4),
        ("a: &x [1]\nb: 2", "anchors", 1, 4),
        ("a: *x", "alias", 1, 4),
        ("<<: {a: 1}", "merge keys", 1, 1),
        ("b:\n  <<: {a: 1}", "merge keys", 2, 3),
        ("a: 1\na: 2", "a second time, first in line 1", 2, 1),
        ("x: {a: 1, 'a': 2}", "a second time", 1, 11),
        ("a: 1\n---\nb: 2", "second document", 2, 1),
        ("%YAML 1.1\n---\na: 1", "directives", 1, 1),
        ("%TAG ! !x\n---\na: 1", "directives", 1, 1),
        ("? [a]\n: 1", "can't be a key", 1, 3),
        ("a: {{ file }}", "can't be a key", 1, 5),
        ("a: [1", "not YAML", None, None),
        ("a:\n\t- 1", "not YAML", None, None),
        ("a: 'x", "not YAML", None, None),
        ("a: b: c", "not YAML", 1, 5),
        ('a: "\\q"', "not YAML", 1, None),
        ('a: "\\UFFFFFFFF"', "not YAML", None, None),
        ("@a", "not YAML", 1, 1),
    ],
)  # fmt: skip
def test_what_is_not_used_here_is_refused_with_its_place(
    text: str, message: str, line: int | None, column: int | None
) -> None:
    error = refusal(text)
    assert message in error.message
    assert "\n" not in error.message
    assert line in {None, error.line}
    assert column in {None, error.column}


def test_a_tab_as_indentation_gets_a_hint() -> None:
    assert "spaces" in (refusal("a:\n\tb: 1").hint or "")


def test_what_stands_in_another_column_or_is_left_open_gets_a_hint() -> None:
    assert "in one column" in (refusal("limits: {memory: 1GiB}\n  cpus: 1").hint or "")
    assert "closed by" in (refusal("limits: {memory: 1GiB\n").hint or "")
    assert "closed by" in (refusal("allow: [read, write\n").hint or "")


def test_a_set_without_quotes_gets_them_in_the_hint() -> None:
    assert '"@system-service"' in (refusal("syscalls: {allow: [@mount]}").hint or "")
    assert '"@system-service"' in (refusal("allow:\n  - @mount").hint or "")


def test_a_duplicate_key_is_refused_with_its_clause() -> None:
    assert refusal("limits:\n  memory:\n    max: 1\n    max: 2").clause == "limits.memory"


def test_keys_of_different_maps_are_no_duplicates() -> None:
    assert plain(compose("- {a: 1}\n- {a: 2}\n", "p.yaml")) == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(opening: str) -> None:
    assert "deeper than" in refusal(opening * (nodes.DEEPEST + 1)).message
    assert "deeper than" in refusal(opening * 900).message


def test_too_many_values_are_refused() -> None:
    fits = "[" + "a, " * (nodes.MOST_NODES - 2) + "a]"
    assert isinstance(compose(fits, "p.yaml"), Listing)
    assert "more than 5000 values" in refusal("[" + "a, " * nodes.MOST_NODES + "a]").message


def test_a_long_key_is_refused_and_a_long_value_is_told_in_short() -> None:
    assert "a key of more than 5000 characters" in refusal(f"? {'k' * 5001}\n: x").message
    with pytest.raises(PolicyError) as caught:
        policy_layer(f"limits: {{memory: {'9' * 100_000}}}", "p.yaml")
    assert len(caught.value.message) < 700


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert refusal(bomb).line == 1


@given(some.text(max_size=200))
@example("{" * 30)
@example("a: &a *a")
def test_any_text_gives_nodes_or_a_policy_error(text: str) -> None:
    for loader in ("CSafeLoader", "SafeLoader"):
        if not hasattr(yaml, loader):
            continue
        nodes._LOADER, before = getattr(yaml, loader), nodes._LOADER
        try:
            compose(text, "p.yaml")
        except PolicyError as error:
            assert error.message
        finally:
            nodes._LOADER = before
