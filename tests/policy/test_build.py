"""The policy as a whole: what must fit together, where each clause was said, and the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import units
from sandbox_cli.policy.build import build
from sandbox_cli.policy.merge import Merged, Said
from sandbox_cli.policy.model import Artifacts, Limit
from sandbox_cli.policy.nodes import Spot

if TYPE_CHECKING:
    from tests.policy.conftest import Site


def test_a_policy_that_says_nothing_has_the_defaults(site: Site) -> None:
    loaded = site.load("{}")
    assert loaded.limits == dict.fromkeys(units.LIMITS, Limit(default=None, max=None))
    assert (loaded.network, loaded.workspace, loaded.language, loaded.filesystem) == ("none", "none", None, {})
    assert (loaded.syscalls.deny, loaded.syscalls.allow, loaded.syscalls.action) == (("@default-deny",), None, "errno")
    assert loaded.artifacts == Artifacts(collect=("**",), max_files=1000, max_bytes=64 << 20)
    assert {blame["source"] for blame in loaded.sources.values()} == {"default"}
    assert loaded.sources.keys() >= {*(f"limits.{name}" for name in units.LIMITS), "network", "syscalls", "workspace"}


def test_every_clause_knows_the_file_and_line_that_said_it(site: Site) -> None:
    base = site.write(
        "base.yaml",
        """\
        limits:
          memory: {default: 1MiB,
                   max: 1GiB}
          processes: 5
        filesystem:
          /usr: ro
          /opt/a.b: tmpfs
        network: host
        """,
    )
    top = site.write(
        "top.yaml",
        """\
        extends: ./base.yaml
        limits:
          memory:
            max: 2GiB
          processes: null
        network: {allow: ["a:1"]}
        syscalls:
          deny: []
          action: kill
        environment:
          A.B: x
        require: {limits.memory: strict}
        filesystem:
          /usr: {optional: true}
        """,
    )
    sources = policy.load(str(top)).sources
    expected = {
        "limits.memory": (base, 2), "limits.memory.default": (base, 2), "limits.memory.max": (top, 4),
        "limits.processes": (top, 5), "filesystem./usr": (top, 14), "filesystem./usr.mode": (base, 6),
        "filesystem./opt/a.b": (base, 7), "network": (top, 6), "network.allow": (top, 6),
        "syscalls.deny": (top, 8), "syscalls.action": (top, 9), "syscalls": (top, 9),
        "environment.A.B": (top, 11), "require.limits.memory": (top, 12),
    }  # fmt: skip
    assert {clause: (sources[clause]["file"], sources[clause]["line"]) for clause in expected} == {
        clause: (str(path), line) for clause, (path, line) in expected.items()
    }
    assert all(blame["clause"] == clause for clause, blame in sources.items())
    assert sources["limits.cpus"]["source"] == "default"


def test_a_default_over_its_max_is_refused_with_both_lines(site: Site) -> None:
    base = site.write("base.yaml", "limits:\n  memory: {default: 1MiB, max: 1GiB}")
    top = site.write("top.yaml", "extends: ./base.yaml\nlimits:\n\n  memory: {default: 2GiB}")
    with pytest.raises(PolicyError) as caught:
        policy.load(str(top))
    error = caught.value
    assert error.message == f"the default 2GiB ({top}:4) is more than the max 1GiB ({base}:2)"
    assert (error.file, error.line, error.clause) == (str(top), 4, "limits.memory")


def test_a_default_over_its_max_is_refused_in_a_compile_step_too(site: Site) -> None:
    error = site.refused(
        "language: {file: a, run: [x], compile: {run: [cc], limits: {wall_time: {default: 2s, max: 1s}}}}"
    )
    assert error.clause == "language.compile.limits.wall_time"


@pytest.mark.parametrize("name", ["scratch_size", "scratch_files", "tmp_size"])
def test_what_is_made_with_the_jail_is_no_limit_of_a_compile_step(site: Site, name: str) -> None:
    value = "100" if name == "scratch_files" else "1MiB"
    error = site.refused(f"language: {{file: a, run: [x], compile: {{run: [cc], limits: {{{name}: {value}}}}}}}")
    assert error.message == f"{name} bounds the compiler and the program together"
    assert (error.clause, error.hint) == (f"language.compile.limits.{name}", f"say limits.{name}")


@pytest.mark.parametrize(
    "clauses",
    [
        "language: {file: a, run: [x, 'in/{{ sources }}']}",
        "language: {file: a, run: [x], compile: {run: [cc, '{{ file }} {{ sources }}']}}",
        "language: {file: a, run: [x]}\nenvironment: {ALL: '{{ sources }}'}",
    ],
)
def test_sources_are_several_words_and_stand_where_words_do(site: Site, clauses: str) -> None:
    error = site.refused(clauses)
    assert "is one word, and {{ sources }} stands for several" in error.message
    assert error.hint == "make it an item of its own, of language.run or language.compile.run"


@pytest.mark.parametrize("limit", ["{max: 1GiB}", "{default: none, max: 1GiB}"])
def test_a_max_without_a_bounded_default_is_refused(site: Site, limit: str) -> None:
    error = site.refused(f"limits: {{memory: {limit}}}")
    assert "not bounded by default, but at most 1GiB" in error.message
    assert error.clause == "limits.memory"


@pytest.mark.parametrize(
    ("language", "clause", "missing"),
    [
        ("{run: [x]}", "language", "file"),
        ("{file: a}", "language", "run"),
        ("{file: a, run: [x], runtime: {version: -v}}", "language.runtime", "command"),
        ("{file: a, run: [x], compile: {limits: {memory: 1GiB}}}", "language.compile", "run"),
        ("{file: a, run: [x], selftest: {source: x}}", "language.selftest", "stdout"),
    ],
)
def test_an_incomplete_language_is_refused(site: Site, language: str, clause: str, missing: str) -> None:
    error = site.refused(f"language: {language}")
    assert (error.clause, error.line) == (clause, 1)
    assert f"`{missing}`" in error.message


@pytest.mark.parametrize(
    ("text", "clause", "part"),
    [
        ('language: {file: a, run: ["{{ runtime }}"]}', "language.run", "language.runtime"),
        ('environment: {A: "{{ runtime.prefix }}"}', "environment.A", "language.runtime"),
        ('environment: {A: "{{ file }}"}', "environment.A", "language"),
    ],
)
def test_a_variable_that_can_have_no_value_is_refused(site: Site, text: str, clause: str, part: str) -> None:
    error = site.refused(text)
    assert error.clause == clause
    assert error.message.endswith(f"the policy has no {part}")


def test_scratch_can_stand_in_the_environment_of_any_policy(site: Site) -> None:
    assert site.load('environment: {A: "{{ scratch }}/x"}').environment == {"A": "{{ scratch }}/x"}


def test_values_keep_their_kind(site: Site) -> None:
    limits = site.load("limits: {memory: 1GiB, processes: 5, wall_time: 10s, cpus: 2}").limits
    kinds = {name: type(limits[name].default) for name in ("memory", "processes", "wall_time", "cpus")}
    assert kinds == {"memory": int, "processes": int, "wall_time": float, "cpus": float}


def test_a_policy_cannot_be_changed(site: Site) -> None:
    with pytest.raises(ValueError, match="frozen"):
        site.load("{}").network = "host"


def test_what_only_the_model_finds_is_told_in_our_words_with_its_place() -> None:
    merged = Merged()
    spot = Spot("/p.yaml", 7, 3)
    merged.said["limits", "memory", "default"] = Said("much", spot)  # the grammar would have refused it
    with pytest.raises(PolicyError) as caught:
        build(merged, "p", ["/p.yaml"])
    error = caught.value
    assert (error.file, error.line) == ("/p.yaml", 7)
    assert (error.clause or "").startswith("limits.memory.default")
    assert "pydantic" not in str(error)
    assert "\n" not in error.message


def test_a_selftest_needs_only_source_and_stdout(site: Site) -> None:
    language = site.load('language: {file: a, run: [x], selftest: {source: "1", stdout: "2"}}').language
    assert language is not None
    assert language.selftest is not None
    assert language.selftest.model_dump() == {"source": "1", "args": (), "stdin": "", "files": {}, "stdout": "2"}


def test_a_selftest_is_merged_key_by_key(site: Site) -> None:
    site.write(
        "inner.yaml",
        """\
        language:
          file: main.x
          run: [x]
          selftest: {source: "1", args: [a, b c], stdin: "in\\n", files: {in.txt: "2", lib/x.x: "3"}, stdout: "4"}
        """,
    )
    outer = "language: {selftest: {+args: [--], files: {in.txt: null, more.txt: ''}}}"
    language = site.load(f"extends: ./inner.yaml\n{outer}").language
    assert language is not None
    assert language.selftest is not None
    assert language.selftest.model_dump() == {
        "source": "1", "args": ("a", "b c", "--"), "stdin": "in\n", "files": {"lib/x.x": "3", "more.txt": ""},
        "stdout": "4",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/passwd", "path of a file in scratch"),
        ("../x", "path of a file in scratch"),
        ("a/../b", "path of a file in scratch"),
        ("a//b", "path of a file in scratch"),
        ("./a", "path of a file in scratch"),
        (".", "path of a file in scratch"),
        ("''", "must not be empty"),
        ("main.x", "can't both be files"),
        ("main.x/y", "can't both be files"),
        ("data", "can't both be files"),
    ],
)
def test_a_file_of_a_selftest_that_can_not_stand_in_scratch_is_refused(site: Site, name: str, why: str) -> None:
    files = f"{{data/in.txt: x, {name}: x}}"
    text = f"language: {{file: main.x, run: [x], selftest: {{source: x, stdout: x, files: {files}}}}}"
    error = site.refused(text)
    assert why in error.message
    assert (error.clause or "").startswith("language.selftest.files")
