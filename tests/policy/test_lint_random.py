"""Whatever a policy says, the rules have an answer, with a place."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import grammar
from sandbox_cli.policy.lint.table import RULES
from tests.policy.test_lint import examined

if TYPE_CHECKING:
    import pytest

MOUNT = st.sampled_from(
    ["ro", "rw", "tmpfs", None, {"from": "/"}, {"from": "/home", "mode": "rw"}, {"symlink": "/x"}, {"mode": "tmpfs"}]
)
PATHS = st.sampled_from(["/", "/usr", "/usr/lib", "/a", "/a/b", "/etc", "/run/docker.sock", "/x.y/z"])
LIMIT = st.sampled_from(["none", None, {"default": "1", "max": "none"}, {"max": "none"}])
LEVEL = st.sampled_from(grammar.LEVELS)
NAMES = st.sampled_from(["@mount", "@debug", "@default-deny", "@system-service", "ptrace", "bpf", "personality"])
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "extends": st.sampled_from(["_base", ["python"], []]),
        "filesystem": st.dictionaries(PATHS, MOUNT) | st.none(),
        "limits": st.dictionaries(st.sampled_from(["processes", "open_files", "cpus"]), LIMIT) | st.none(),
        "network": st.sampled_from(["none", "host", {"allow": ["a:1"]}, None]),
        "syscalls": st.fixed_dictionaries(
            {},
            optional={
                "allow": st.lists(NAMES),
                "deny": st.lists(NAMES),
                "+deny": st.lists(NAMES),
                "action": st.sampled_from(["log", "kill"]),
                "rules": st.lists(st.fixed_dictionaries({"syscall": NAMES, "action": st.just("allow")})),
            },
        ),
        "environment": st.dictionaries(st.sampled_from(["A_TOKEN", "PATH", "LD_PRELOAD", "__"]), st.text(max_size=8)),
        "require": st.dictionaries(st.sampled_from([*grammar.LEVELLED, "filesystem./a"]), LEVEL),
        "silence": st.dictionaries(st.sampled_from(["network-host", "dead-override limits"]), st.text()),
        "language": st.sampled_from([None, {"file": "a", "run": ["cat"]}]),
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(said=POLICIES)
def test_rules_never_raise_and_place_each_finding(
    tmp_path_factory: pytest.TempPathFactory, said: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / f"lint-{os.getpid()}.yaml"
    path.write_text(json.dumps(said))
    try:
        findings, silenced = examined(path)
    except PolicyError:
        return
    for finding in [*findings, *(each.finding for each in silenced)]:
        assert finding.file
        assert finding.message
        assert RULES[finding.rule].severity == finding.severity
