"""Which policy and language a job gets, with policies of a user's own beside the built-in ones."""

from __future__ import annotations

import pytest

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.plan import request

RULES = """\
extends: _base
description: Rules without a language.
"""
STRICT = """\
extends: python
limits: {memory: 64MiB}
"""
AWK = """\
extends: _base
language:
  aliases: [gawk]
  extensions: [.awk]
  file: main.awk
  run: [awk, -f, "{{ file }}"]
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path_factory):
    """A user's policies: rules, strict (for python), awk, and one that can't be read."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "sandbox/policies").mkdir(parents=True)
    for name, text in (("rules", RULES), ("strict", STRICT), ("awk", AWK), ("broken", "limits: [")):
        (folder / "sandbox/policies" / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder / "sandbox/policies"


@pytest.mark.parametrize(
    ("job", "policy", "language", "version"),
    [
        ({"code": b"", "language": "python"}, "python", "python", None),
        ({"code": b"", "language": "py"}, "python", "python", None),
        ({"code": b"", "language": "python@3.12"}, "python", "python", "3.12"),
        ({"code": b"", "language": "gawk"}, "awk", "awk", None),
        ({"file": "x/y.py"}, "python", "python", None),
        ({"file": "y.awk"}, "awk", "awk", None),
        ({"file": "y.awk", "language": "python"}, "python", "python", None),
        ({"file": "y.py", "policy": "strict"}, "strict", "python", None),
        ({"code": b"", "policy": "strict"}, "strict", "python", None),
        ({"code": b"", "policy": "strict", "language": "python3"}, "strict", "python", None),
        ({"code": b"", "policy": "rules", "language": "awk"}, "rules", "awk", None),
        ({"command": ["ls"]}, "command", None, None),
        ({"command": ["ls"], "policy": "rules"}, "rules", None, None),
        ({"command": ["ls"], "policy": "strict"}, "strict", "python", None),
        ({"command": ["ls"], "language": "python"}, "python", "python", None),
    ],
)
def test_policy_and_language(job, policy, language, version):
    asked = request.resolve(job)
    said = asked.policy.language
    assert (asked.policy.name, said.name if said else None, asked.version) == (policy, language, version)


def test_a_policy_given_by_path_says_what_is_allowed(folder):
    asked = request.resolve({"code": b"", "policy": str(folder / "strict.yaml")})
    assert asked.policy.limits["memory"].default == 64 << 20


def test_a_language_that_is_supplied_changes_nothing_that_is_allowed():
    asked = request.resolve({"code": b"", "policy": "rules", "language": "python"})
    assert asked.policy.environment == {}
    assert asked.policy.description == "Rules without a language."


@pytest.mark.parametrize(
    ("job", "words", "hint"),
    [
        (
            {"code": b"", "language": "pyton"},
            "there is no language 'pyton'",
            "did you mean `python`? `sandbox languages` lists them",
        ),
        (
            {"code": b"", "language": "qqqqqq"},
            "there is no language 'qqqqqq'",
            "`sandbox languages` lists them",
        ),
        ({"code": b"", "language": "command"}, "there is no language 'command'", "`sandbox languages` lists them"),
        ({"code": b"", "language": ".py"}, "there is no language '.py'", None),
        (
            {"code": b"", "policy": "strict", "language": "awk"},
            "policy strict is for python, not for awk",
            "leave out -l, or name a policy for awk with -p",
        ),
        (
            {"code": b"", "policy": "rules"},
            "policy rules names no language, and code needs one",
            "name it with -l; `sandbox languages` lists them",
        ),
        ({"code": b""}, "a snippet doesn't say which language it is in", None),
        (
            {"file": "x.zzz"},
            "'x.zzz' doesn't say which language it is in: there is no language with the extension .zzz",
            "name it with -l; `sandbox languages` lists them",
        ),
        ({"file": "script"}, "'script' doesn't say which language it is in: it has no extension", None),
        ({"code": b"", "language": "python@"}, "-l 'python@' is no NAME@VERSION", None),
        ({"code": b"", "language": "@3"}, "-l '@3' is no NAME@VERSION", None),
        ({}, "a job needs exactly one of code, file and command, and this one has none", None),
        (
            {"code": b"", "command": ["ls"]},
            "a job needs exactly one of code, file and command, and this one has code and command",
            None,
        ),
    ],
)
def test_what_cannot_be_told_is_a_usage_error_with_a_hint(job, words, hint):
    with pytest.raises(UsageError) as error:
        request.resolve(job)
    assert error.value.message == words
    if hint is not None:
        assert error.value.hint == hint


def test_a_broken_policy_is_told_where_it_is_asked_for_and_hurts_nobody_else():
    with pytest.raises(PolicyError):
        request.resolve({"code": b"", "policy": "broken"})
    assert request.resolve({"file": "y.awk"}).policy.name == "awk"


def test_the_catalogue_has_each_language_once_under_its_own_policy():
    names = [policy.name for policy in request.catalogue()]
    assert {"awk", "python", "sh"} <= set(names)
    assert not {"strict", "rules", "broken", "command", "_base"} & set(names)
    assert len(names) == len(set(names))
