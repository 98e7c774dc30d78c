"""`{{ file }}` and its like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy.variables import NAMES, expand, names_in, substitute

VALUES = {name: f"<{name}>" for name in NAMES}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ file }}", "<file>"),
        ("{{file}}", "<file>"),
        ("{{   runtime.prefix   }}/lib", "<runtime.prefix>/lib"),
        ("{{ runtime }}:{{ runtime.version }}", "<runtime>:<runtime.version>"),
        ("plain {text} }} with braces", "plain {text} }} with braces"),
        ("", ""),
    ],
)
def test_known_names_are_replaced(text: str, result: str) -> None:
    assert substitute(text, VALUES) == result


def test_a_value_is_never_looked_at_again() -> None:
    assert substitute("{{ file }}", {"file": "{{ scratch }}{% x %}", "scratch": "no"}) == "{{ scratch }}{% x %}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [("{{ fil }}", "{{ file }}"), ("{{ runtime.prefx }}", "{{ runtime.prefix }}"), ("{{ zzz }}", "{{ scratch }}")],
)
def test_an_unknown_name_is_refused_with_the_nearest(text: str, hint: str) -> None:
    with pytest.raises(PolicyError, match="no variable") as caught:
        names_in(text)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }}", "{{ file | upper }}", "{{ file.__class__ }}x{{", "{{", "{% for x in y %}", "{# comment #}",
        "{{ file }", "{{\nfile }}", "{{ 'file' }}", "{{- file }}", "{{ file }}{{", "{{ {{ file }} }}", "{{}}",
    ],
)  # fmt: skip
def test_any_other_expression_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        names_in(text)
    with pytest.raises(PolicyError):
        substitute(text, VALUES)


def test_a_name_without_a_value_is_refused() -> None:
    with pytest.raises(PolicyError, match="has no value"):
        substitute("{{ runtime }}", {"file": "main.py"})


def test_sources_become_a_word_each_and_are_never_looked_at_again() -> None:
    words = ["cc", "-o", "{{ file }}.out", "{{sources}}", "end"]
    assert expand(words, {"file": "a"}, ["b c", "{{ file }}"]) == ["cc", "-o", "a.out", "b c", "{{ file }}", "end"]
    assert expand(["{{ sources }}"], {}, []) == []


@given(some.text("{}%# filescratch.runtime\n", max_size=30))
def test_a_text_that_passes_holds_no_expression_after_substitution(text: str) -> None:
    try:
        result = substitute(text, dict.fromkeys(NAMES, ""))
    except PolicyError:
        return
    assert not any(opening in result for opening in ("{{", "{%", "{#"))
