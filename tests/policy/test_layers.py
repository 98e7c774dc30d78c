"""What a single file may say: each mistake is refused with line, column, clause and the nearest right spelling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy.layers import policy_layer

if TYPE_CHECKING:
    from tests.policy.conftest import Site


def refusal(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policy_layer(text, "p.yaml")
    assert caught.value.file == "p.yaml"
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "clause", "message", "hint"),
    [
        ("memory: 1GiB", (1, 1), None, "unknown key 'memory'", "limits: {memory: ...}"),
        ("limit: {}", (1, 1), None, "unknown key 'limit'", "limits"),
        ("\nNetwork: none", (2, 1), None, "unknown key 'Network'", "network"),
        ("limits: {memroy: 1GiB}", (1, 10), "limits.memroy", "no limit 'memroy'", "memory"),
        ("limits:\n  memory: {defalt: 1GiB}", (2, 12), "limits.memory", "unknown key 'defalt'", "default"),
        ("syscalls: {+dney: [ptrace]}", (1, 12), "syscalls", "unknown key '+dney'", "+deny"),
        ("language: {alias: [x]}", (1, 12), "language", "unknown key 'alias'", "aliases"),
        ("artifacts: {max_size: 1MiB}", (1, 13), "artifacts", "unknown key", None),
        ("require: {limits.memroy: strict}", (1, 11), "require.limits.memroy", "no clause", "limits.memory"),
        ("require: {environment: strict}", (1, 11), "require.environment", "no clause", None),
        ("require: {filesystem./usr/: strict}", (1, 11), "require.filesystem./usr/", "normal form", "/usr"),
    ],
)  # fmt: skip
def test_unknown_key_is_refused_with_line_and_nearest_spelling(
    text: str, place: tuple[int, int], clause: str | None, message: str, hint: str | None
) -> None:
    error = refusal(text)
    assert (error.line, error.column, error.clause) == (*place, clause)
    assert message in error.message
    assert hint is None or f"`{hint}`" in (error.hint or "") or f"write {hint}" in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "place", "clause", "message"),
    [
        ("[a]", (1, 1), None, "not a list"),
        ("word", (1, 1), None, "not a single value"),
        ("limits: 5", (1, 9), "limits", "expects a map"),
        ("limits: [memory]", (1, 9), "limits", "expects a map of keys and values, not a list"),
        ("limits: {memory: [1GiB]}", (1, 18), "limits.memory", "expects a map"),
        ("limits: {memory: 1G}", (1, 18), "limits.memory", "not a unit"),
        ("limits: {memory: {max: 1G}}", (1, 24), "limits.memory.max", "not a unit"),
        ("limits: {wall_time: 10}", (1, 21), "limits.wall_time", "no unit"),
        ("limits: {wall_time: true}", (1, 21), "limits.wall_time", "expects text"),
        ("limits: {wall_time: 'none'}", (1, 21), "limits.wall_time", "not a time"),
        ("limits:", (1, 8), "limits", "no value"),
        ("network: nope", (1, 10), "network", "none of none, host"),
        ("network: false", (1, 10), "network", "none of none, host"),
        ("network: [none]", (1, 10), "network", "expects a map"),
        ("network: {allow: [pypi.org]}", (1, 19), "network.allow", "not HOST:PORT"),
        ("network: {allow: ['pypi.org:99999']}", (1, 19), "network.allow", "not HOST:PORT"),
        ("network: {allow: ['-x.org:1']}", (1, 19), "network.allow", "not the name or address"),
        ("network: {allow: ['2001:db8::1:443']}", (1, 19), "network.allow", "not the name or address"),
        ("network: {allow: ['[::g]:443']}", (1, 19), "network.allow", "not the name or address"),
        ("network: {allow: ['http://x.org:80']}", (1, 19), "network.allow", "not the name or address"),
        ("workspace: yes", (1, 12), "workspace", "none of none, ro, rw"),
        ("description: [a]", (1, 14), "description", "expects one value"),
        ("description: true", (1, 14), "description", "expects text"),
        ("environment: {A: true}", (1, 18), "environment.A", "expects text"),
        ("environment: {'': x}", (1, 15), "environment.", "can't be the name"),
        ("environment: {SANDBOX_VALUE: x}", (1, 15), "environment.SANDBOX_VALUE", "is set by the sandbox itself"),
        ("environment: {A=B: x}", (1, 15), "environment.A=B", "can't be the name"),
        ("environment: {+A: x}", (1, 15), "environment", "lists only"),
        ("environment: {A: {B: c}}", (1, 18), "environment.A", "expects one value"),
        ("environment: {A: }", (1, 18), "environment.A", "no value"),
        ("syscalls: {deny: ptrace}", (1, 18), "syscalls.deny", "expects a list"),
        ("syscalls: {deny: {ptrace: true}}", (1, 18), "syscalls.deny", "expects a list"),
        ("syscalls: {deny: [[ptrace]]}", (1, 19), "syscalls.deny", "expects text in this list"),
        ("syscalls: {deny: [null]}", (1, 19), "syscalls.deny", "expects text"),
        ("syscalls: {deny: [ptrace, ]\n , action: trap}", (2, 12), "syscalls.action", "none of errno, kill, log"),
        ("syscalls: {deny: [x], allow: [read]}", (1, 19), "syscalls.deny", "no syscall 'x'"),
        ("syscalls: {deny: [ptrace], allow: [read]}", (1, 28), "syscalls", "can't stand together"),
        ("syscalls: {deny: [ptrace], +allow: [read]}", (1, 28), "syscalls", "can't stand together"),
        ("syscalls: {deny: [ptrace], +deny: [bpf]}", (1, 28), "syscalls", "with and without a +"),
        ("syscalls: {+deny: null}", (1, 19), "syscalls.deny", "not null"),
        ("+limits: {}", (1, 1), None, "lists only"),
        ("+extends: [_base]", (1, 1), None, "lists only"),
        ("syscalls: {+action: kill}", (1, 12), "syscalls", "lists only"),
        ("artifacts: {max_files: many}", (1, 24), "artifacts.max_files", "not a whole number"),
        ("artifacts: {max_bytes: 64}", (1, 24), "artifacts.max_bytes", "no unit"),
        ("artifacts: {collect: [/etc/passwd]}", (1, 23), "artifacts.collect", "out of scratch"),
        ("artifacts: {collect: [a/../../b]}", (1, 23), "artifacts.collect", "out of scratch"),
        ("require: {limits.memory: very}", (1, 26), "require.limits.memory", "none of strict"),
        ("require: {limits: {memory: strict}}", (1, 19), "require.limits", "expects one value"),
        ("require: [strict]", (1, 10), "require", "expects a map"),
        ("version: 2", (1, 10), "version", "not known"),
        ("version: 1.0", (1, 10), "version", "not known"),
        ("extends: ''", (1, 10), "extends", "empty"),
        ("extends: ..", (1, 10), "extends", "neither a policy's name nor a path"),
        ("extends: a..b", (1, 10), "extends", "neither a policy's name nor a path"),
        ("extends: ~/x.yaml", (1, 10), "extends", "~ means nothing"),
        ('syscalls: {allow: "@mount"}', (1, 19), "syscalls.allow", "expects a list"),
        ("extends: {a: b}", (1, 10), "extends", "expects a list"),
        ("extends: [[a]]", (1, 11), "extends", "expects text"),
        ("extends: true", (1, 10), "extends", "expects text"),
        ("extends:", (1, 9), "extends", "no value"),
        ("language: {run: []}", (1, 17), "language.run", "must not be empty"),
        ("language: {file: a/b}", (1, 18), "language.file", "can't be the name of a file"),
        ("language: {file: -x}", (1, 18), "language.file", "can't be the name of a file"),
        ("language: {extensions: [py]}", (1, 25), "language.extensions", "not the extension"),
        ("language: {aliases: ['a b']}", (1, 22), "language.aliases", "can't be the name of a language"),
        ("language: {aliases: [python@3]}", (1, 22), "language.aliases", "can't be the name of a language"),
        ("language: {runtime: python3}", (1, 21), "language.runtime", "expects a map"),
        ("language: {runtime: {command: ./python3}}", (1, 31), "language.runtime.command", "relative path"),
        ("language: {runtime: {paths: [go/bin]}}", (1, 30), "language.runtime.paths", "not absolute"),
        ("language: {runtime: {paths: [/opt/../bin]}}", (1, 30), "language.runtime.paths", "holds .."),
        ("language: {runtime: {paths: /opt/bin}}", (1, 29), "language.runtime.paths", "expects a list"),
        ("language: {runtime: {package: go; id}}", (1, 31), "language.runtime.package", "name of a package"),
        ("language: {compile: [gcc]}", (1, 21), "language.compile", "expects a map"),
        ("language: {run: [true]}", (1, 18), "language.run", "expects text"),
        ("filesystem: {/data: wr}", (1, 21), "filesystem./data", "is no mount"),
        ("filesystem: {/data: true}", (1, 21), "filesystem./data", "is no mount"),
        ("filesystem: {/data: {from: /x, mode: tmp}}", (1, 38), "filesystem./data.mode", "none of ro, rw, tmpfs"),
        ("filesystem: {/data: {from: x}}", (1, 28), "filesystem./data.from", "not absolute"),
        ("filesystem: {/data: {from: ~/x}}", (1, 28), "filesystem./data.from", "not absolute"),
        ("filesystem: {/data: {from: /x/../y}}", (1, 28), "filesystem./data.from", "holds .."),
        ("filesystem: {/data: {optional: 1}}", (1, 32), "filesystem./data.optional", "true or false"),
        ("filesystem: {/data: {optional: 'true'}}", (1, 32), "filesystem./data.optional", "true or false"),
        ("filesystem: {/data: {symlink: /x, mode: ro}}", (1, 35), "filesystem./data", "can't stand together"),
        ("filesystem: {/data: {symlink: ''}}", (1, 31), "filesystem./data.symlink", "empty"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_place_and_clause(
    text: str, place: tuple[int, int], clause: str | None, message: str
) -> None:
    error = refusal(text)
    assert message in error.message
    assert (error.line, error.column, error.clause) == (*place, clause)


def test_an_empty_file_is_refused() -> None:
    assert "empty" in refusal("# nothing yet\n").message


def test_an_empty_map_says_nothing() -> None:
    assert policy_layer("{}", "p.yaml").entries == ()


@pytest.mark.parametrize(
    "clause", ["description", "network", "workspace", "environment: {A", "language: {file", "extends"]
)
@pytest.mark.parametrize("text", ["{{ 7*7 }}", "x {% import os %}", "{# x #}", "{{ config }}", "{{ file }"])
def test_a_template_expression_is_refused_in_any_value(clause: str, text: str) -> None:
    closing = "}" if "{" in clause else ""
    error = refusal(f'{clause}: "{text}"{closing}')
    assert "template expression" in error.message or "no variable" in error.message
    assert error.line == 1


def test_a_template_expression_is_refused_in_a_key() -> None:
    assert "template expression" in refusal('environment: {"{{ 7*7 }}": x}').message
    assert "means nothing here" in refusal('filesystem: {"{{ scratch }}": ro}').message


def test_a_known_variable_is_refused_where_nothing_replaces_it() -> None:
    error = refusal('filesystem: {/data: {from: "{{ scratch }}"}}')
    assert "means nothing here" in error.message
    assert "language.run" in (error.hint or "")


def test_variables_may_stand_in_commands_and_environment() -> None:
    text = """
language:
  run: ["{{ runtime }}", "{{ file }}"]
  compile: {run: [cc, "{{ file }}"]}
environment: {LIB: "{{ runtime.prefix }}/lib"}
"""
    values = {entry.path: entry.value for entry in policy_layer(text, "p.yaml").entries}
    assert values["language", "run"] == ("{{ runtime }}", "{{ file }}")
    assert values["environment", "LIB"] == "{{ runtime.prefix }}/lib"


@pytest.mark.parametrize("escape", [r"\0", r"\a", r"\e", r"\x7f", r"\N", r"\L", r"\P", r"\n", r"\t", r"\r", r"\x9b"])
@pytest.mark.parametrize("clause", ["environment: {A", "artifacts: {collect", "language: {file", "network", "extends"])
def test_an_escaped_control_character_is_refused_in_a_value(clause: str, escape: str) -> None:
    value = f'"a{escape}b"'
    value = f"[{value}]" if "collect" in clause else value
    closing = "}" if "{" in clause else ""
    assert re.search(
        r"holds the (control character|line separator) U\+", refusal(f"{clause}: {value}{closing}").message
    )


def test_an_escaped_control_character_is_refused_in_a_key() -> None:
    assert "control character U+0000" in refusal(r'environment: {"A\0": x}').message
    assert "control character U+001B" in refusal(r'"\e[2J": x').message


def test_only_description_value_and_selftest_may_have_several_lines() -> None:
    text = """
description: |
  Two
  lines.
language:
  value: [x, "a\\nb"]
  selftest:
    source: |
      if True:
      \tprint("OK")
    stdout: "OK\\n"
"""
    values = {entry.path: entry.value for entry in policy_layer(text, "p.yaml").entries}
    assert values["description",] == "Two\nlines.\n"
    assert values["language", "value"] == ("x", "a\nb")
    assert values["language", "selftest", "source"] == 'if True:\n\tprint("OK")\n'
    error = refusal("environment:\n  A: |\n    two\n    lines\n")
    assert (error.line, error.clause) == (2, "environment.A")
    assert "several lines" in (error.hint or "")


def test_even_several_lines_hold_no_other_control_character() -> None:
    assert "control character U+001B" in refusal(r'description: "\e[31mred"').message


@pytest.mark.parametrize(
    "endpoint", ["pypi.org:443", "localhost:1", "192.0.2.1:65535", "[2001:db8::1]:80", "xn--bcher-kva.example:8080"]
)
def test_an_endpoint_of_the_network_is_a_host_and_a_port(endpoint: str, site: Site) -> None:
    assert site.load(f"network: {{allow: ['{endpoint}']}}").network == {"allow": (endpoint,)}


def test_a_tilde_in_place_of_a_mount_is_told_what_takes_one_away() -> None:
    assert (refusal("filesystem: {/data: ~}").hint or "").startswith("null takes away")


@pytest.mark.parametrize("value", ["3.10", "no", "010", "1:30", "~", "yes", "0x1F", "1e3", "2026-11-23"])
def test_an_environment_value_keeps_its_text(value: str, site: Site) -> None:
    assert site.load(f"environment: {{A: {value}}}").environment == {"A": value}


def test_names_of_the_environment_may_hold_dots_and_dashes(site: Site) -> None:
    loaded = site.load("environment: {a.b: x, c-d: '', 'e f': z}")
    assert loaded.environment == {"a.b": "x", "c-d": "", "e f": "z"}
    assert loaded.sources["environment.a.b"]["line"] == 1


def test_the_error_reads_as_one_line_with_its_place(site: Site) -> None:
    path = site.write("p.yaml", "limits:\n  memory: 512M\n")
    with pytest.raises(PolicyError) as caught:
        policy.load(str(path))
    assert str(caught.value) == f"{path}:2:11: limits.memory: 'M' is not a unit of size"
    assert caught.value.hint == "did you mean 512MiB? Units are B, KiB, MiB, GiB, TiB, kB, MB, GB, TB"


def test_the_question_for_a_version_is_one_of_a_few_known_ones() -> None:
    """It is put to the runtime outside of any jail."""
    hostile = "language: {runtime: {command: python3, version: \"-c__import__('os').system('id')\"}}"
    assert refusal(hostile).message.startswith("there is no question ")
