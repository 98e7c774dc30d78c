"""The JSON Schema of policy files: an editor that goes by it marks what loading refuses, and nothing that it takes."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from check_jsonschema.parsers.yaml import construct_yaml_implementation, impl2loader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from jsonschema import Draft7Validator

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import grammar, places
from sandbox_cli.policy.clauses.about import example_at, told_as
from sandbox_cli.policy.layers import policy_layer, read
from sandbox_cli.policy.nodes import Scalar, Spot, compose
from sandbox_cli.policy.schema import KINDS, default_of, json_schema, keys, names_of
from sandbox_cli.policy.shape import Either, Items, Leaf, Record, Rows, Short, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis.strategies import SearchStrategy

    from sandbox_cli.policy.shape import Spec
    from tests.policy.conftest import Site

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
SHIPPED = places.built_in()
BROKEN, ODD, UNSEEN = (sorted((HERE / folder).glob("*.yaml")) for folder in ("broken", "odd", "unseen"))
VALIDATOR = Draft7Validator(json_schema(KINDS["policy"]))
as_others_read = impl2loader(construct_yaml_implementation())


def problems(text: str) -> list[str]:
    """What an editor would mark in a file of this text."""
    return [error.message for error in VALIDATOR.iter_errors(as_others_read(io.BytesIO(text.encode())))]


def marked(files: Iterable[Path]) -> set[str]:
    """Those of the files that check-jsonschema, given the published schema, finds something in."""
    schema = ["--schemafile", str(DOCS / "policy.schema.json"), "-o", "json"]
    words: list[str] = [sys.executable, "-m", "check_jsonschema", *schema, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    assert not found.get("parse_errors"), found
    return {Path(error["filename"]).stem for error in found.get("errors", [])}


# ---- each key is told of ----


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_grammar_is_described_and_nothing_else_is(kind: str) -> None:
    each = KINDS[kind]
    told = {path: told_as(path, each.told) for path, _ in keys(each.grammar)}
    assert [".".join(path) for path, name in told.items() if name is None] == []
    assert set(told.values()) == set(each.told)


@pytest.mark.parametrize("name", KINDS["policy"].told)
def test_example_of_a_clause_loads_and_says_something_of_it(site: Site, name: str) -> None:
    known = KINDS["policy"].told[name]
    base = "" if name == "extends" else "extends: python\n"
    assert site.load(base + known.example + "\n")
    assert example_at(name.split("."), yaml.safe_load(known.example)) is not None
    assert problems(known.example) == []
    assert known.text.endswith(".")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "policy"])
def test_examples_of_other_files_can_be_read_and_are_not_marked(kind: str) -> None:
    validator = Draft7Validator(json_schema(KINDS[kind]))
    for name, known in KINDS[kind].told.items():
        root = compose(known.example, f"{kind}.yaml")
        assert root is not None
        assert read(KINDS[kind].grammar, root), name
        said = as_others_read(io.BytesIO(known.example.encode()))
        assert example_at(name.split("."), said) is not None, name
        assert list(validator.iter_errors(said)) == [], name


def test_tests_of_shipped_policies_are_not_marked() -> None:
    validator = Draft7Validator(json_schema(KINDS["tests"]))
    files = sorted(places.BUILT_IN.glob("*.test.yaml"))
    assert len(files) > 25
    for file in files:
        assert [error.message for error in validator.iter_errors(as_others_read(io.BytesIO(file.read_bytes())))] == []


@pytest.mark.parametrize("text", ["tests: {a: {+args: [b]}}", "tests: {a: {args: null}}", "tests: null"])
def test_nothing_is_inherited_by_tests(text: str) -> None:
    validator = Draft7Validator(json_schema(KINDS["tests"]))
    assert not validator.is_valid(as_others_read(io.BytesIO(text.encode())))


@pytest.mark.parametrize(
    "text", ["language: {file: a}", "extends: python", "best_effort: maybe", "audit: log", "limits: {memory: 1}"]
)
def test_what_no_ceiling_may_say_is_marked(text: str) -> None:
    validator = Draft7Validator(json_schema(KINDS["ceiling"]))
    assert not validator.is_valid(as_others_read(io.BytesIO(text.encode())))


def test_every_default_is_what_a_file_could_say() -> None:
    for path in grammar.DEFAULTS:
        said: object = default_of(path)
        for name in reversed(path):
            said = {name: said}
        assert list(VALIDATOR.iter_errors(said)) == []


# ---- what check-jsonschema says ----


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_one(kind: str) -> None:
    Draft7Validator.check_schema(json_schema(KINDS[kind]))


def test_no_good_policy_is_marked() -> None:
    assert len(SHIPPED) > 25
    assert marked([*SHIPPED, *ODD]) == set()


def test_every_broken_policy_is_marked() -> None:
    assert len(BROKEN) > 10
    assert marked(BROKEN) == {path.stem for path in BROKEN}


@pytest.mark.parametrize("path", ODD, ids=lambda path: path.stem)
def test_odd_policy_loads(site: Site, path: Path) -> None:
    assert policy.load(str(path))


@pytest.mark.parametrize("path", [*BROKEN, *UNSEEN], ids=lambda path: path.stem)
def test_broken_policy_does_not_load(site: Site, path: Path) -> None:
    with pytest.raises(PolicyError):
        policy.load(str(path))


@pytest.mark.parametrize("path", UNSEEN, ids=lambda path: path.stem)
def test_what_only_loading_sees_is_not_marked(path: Path) -> None:
    assert problems(path.read_text()) == []


@pytest.mark.parametrize("word", ["True", "FALSE", "~", "Null"])
def test_words_that_other_readers_take_for_true_or_null_want_quotes(site: Site, word: str) -> None:
    """The one thing that is marked and would load: docs/policies.md says so."""
    text = f"extends: python\nlanguage: {{+aliases: [x], selftest: {{args: [{word}]}}}}\n"
    assert site.load(text)
    assert problems(text)
    assert not problems(text.replace(f"[{word}]", f'["{word}"]'))


# ---- whatever loads isn't marked ----

WORDS = (
    "none", "host", "ro", "rw", "tmpfs", "errno", "kill", "log", "allow", "strict", "sampled", "1", "64", "0", "0.5",
    "1.50", "10s", "1.5 h", "300ms", "512MiB", "0B", "1 kB", "true", "false", "null", "_base", "python", "./x.yaml",
    "py", "c++", ".py", ".5", "main.py", "a b", "..a", "out/*.png", "**", "/usr", "/srv/a..b", "/", "/proc2", "ptrace",
    "--version", "@mount", "@default-deny", "0x28", "0o17", "5", "pypi.org:443", "[::1]:1", "{{ file }}", "", " ",
    "{{ sources }}", "1e3", "yes", "-1", "2026-01-01", "ä", "limits", "limits.memory", "filesystem./usr", "a=b",
    "1_000", "two\nlines", "12:30", "é" * 130, ".inf", "0777",
)  # fmt: skip
_NEEDS_QUOTES = re.compile(r"""^$|^[ *&!%@`-]|[]["'{},#:\n]|^ $""")
NAMES = (
    "A",
    "a.b",
    "/usr",
    "/srv/x y",
    "/tmp",
    "/etc/hosts.d",
    "memory",
    "limits.memory",
    "limits",
    "x/y.txt",
    "1",
    "network-host",
)


def taken(parse: Callable[[Scalar, str], object], clause: str) -> SearchStrategy[str]:
    """A word that the parser takes at `clause`, as a file has it: without quotes where it stays itself so."""
    spelled = [Scalar(word, plain, Spot("random.yaml", 1, 1)) for word in WORDS for plain in (True, False)]
    fit = [
        each for each in spelled if _takes(parse, each, clause) and not (each.plain and _NEEDS_QUOTES.search(each.text))
    ]
    return some.sampled_from([each.text if each.plain else json.dumps(each.text, ensure_ascii=False) for each in fit])


def key(name: str) -> Scalar:
    return Scalar(name, False, Spot("random.yaml", 1, 1))


def _takes(parse: Callable[[Scalar, str], object], word: Scalar, clause: str) -> bool:
    try:
        parse(word, clause)
    except PolicyError:
        return False
    return True


def flow_map(entries: dict[str, SearchStrategy[str]]) -> SearchStrategy[str]:
    """A map of a few of the entries: of many some would not go together."""
    few = some.lists(some.sampled_from(sorted(entries)), max_size=3, unique=True)
    chosen = few.flatmap(lambda names: some.fixed_dictionaries({name: entries[name] for name in names}))
    return chosen.map(
        lambda said: "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in said.items()) + "}"
    )


def node(spec: Spec, clause: str) -> SearchStrategy[str]:
    """What might stand where the grammar has `spec`: mostly of its kind."""
    match spec:
        case Leaf():
            return taken(spec.parse, clause)
        case Items():
            return some.lists(taken(spec.parse, clause), max_size=2).map(lambda words: f"[{', '.join(words)}]")
        case Rows():
            return some.lists(record(spec.row, clause), max_size=2).map(lambda rows: f"[{', '.join(rows)}]")
        case Record():
            return record(spec, clause) | some.just("null")
        case Table():
            names = [name for name in (*names_of(spec, clause)[0], *NAMES) if _takes(spec.key, key(name), clause)]
            return flow_map({name: node(spec.item, f"{clause}.{name}") for name in names})
        case Short():
            short = lambda word, at: spec.expand(word, "/srv", at)  # noqa: E731
            return taken(short, clause) | record(spec.long, clause)
        case Either():
            return node(spec.word, clause) | record(spec.record, clause)


def record(spec: Record, clause: str) -> SearchStrategy[str]:
    plain = {name: node(each, f"{clause}.{name}") for name, each in spec.keys.items()}
    appended = {f"+{name}": plain[name] for name, each in spec.keys.items() if isinstance(each, Items | Rows)}
    return flow_map(plain | appended)


A_FILE = some.one_of([flow_map({name: node(spec, name)}) for name, spec in grammar.POLICY.keys.items()])


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=A_FILE)
def test_whatever_loading_takes_is_not_marked(text: str) -> None:
    try:
        policy_layer(text, "random.yaml")
    except PolicyError:
        return
    assert problems(text) == [], text
