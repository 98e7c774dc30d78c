"""The long form as JSON, and the digest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.policy.document import document

if TYPE_CHECKING:
    from tests.policy.conftest import Site

FULL = """
description: All there is.
language:
  name: x
  aliases: [y]
  extensions: [.x]
  file: main.x
  runtime: {command: x, paths: ["/opt/x*/bin"], package: x-base}
  compile: {run: [cc, "{{ file }}"], limits: {wall_time: 30s}}
  run: ["{{ runtime }}", "{{ file }}"]
  value: ["{{ runtime }}", "a\\nb"]
  selftest: {source: "a\\n\\tb", args: [--x, ""], stdin: "1\\n", files: {data/in.txt: "2\\n"}, stdout: ""}
limits: {wall_time: {default: 1500ms, max: 1min}, memory: 1GiB, cpus: 1.5, processes: 7, output: none}
filesystem: {/usr: ro, /tmp: tmpfs, /l: {symlink: usr/l}, /d: {from: /e, mode: rw, optional: true},
  /n: {noexec: true}, /o: {mode: tmpfs, noexec: true}}
network: {allow: ["a:1"]}
syscalls: {allow: [openat], action: kill}
workspace: ro
environment: {A: "1"}
artifacts: {collect: [], max_files: 0, max_bytes: 1kB}
require: {limits.memory: strict, filesystem./usr: none}
"""


def test_the_document_is_the_long_form(site: Site) -> None:
    unbounded = {"default": None, "max": None}
    assert document(site.load(FULL)) == {
        "version": 1,
        "description": "All there is.",
        "language": {
            "name": "x", "aliases": ["y"], "extensions": [".x"], "file": "main.x",
            "runtime": {"command": "x", "version": "--version", "paths": ["/opt/x*/bin"], "package": "x-base"},
            "compile": {"run": ["cc", "{{ file }}"], "limits": {"wall_time": {"default": "30s", "max": "30s"}}},
            "run": ["{{ runtime }}", "{{ file }}"],
            "value": ["{{ runtime }}", "a\nb"],
            "selftest": {
                "source": "a\n\tb", "args": ["--x", ""], "stdin": "1\n", "files": {"data/in.txt": "2\n"}, "stdout": "",
            },
        },
        "limits": {
            "wall_time": {"default": "1500ms", "max": "1min"}, "cpu_time": unbounded,
            "memory": {"default": "1GiB", "max": "1GiB"}, "processes": {"default": "7", "max": "7"},
            "open_files": unbounded, "file_size": unbounded, "scratch_size": unbounded, "scratch_files": unbounded,
            "tmp_size": unbounded, "output": unbounded, "cpus": {"default": "1.5", "max": "1.5"},
        },
        "filesystem": {
            "/usr": {"from": "/usr", "mode": "ro", "optional": False}, "/tmp": "tmpfs", "/l": {"symlink": "usr/l"},
            "/d": {"from": "/e", "mode": "rw", "optional": True},
            "/n": {"from": "/n", "mode": "ro", "optional": False, "noexec": True},
            "/o": {"mode": "tmpfs", "noexec": True},
        },
        "network": {"allow": ["a:1"]},
        "syscalls": {"allow": ["openat"], "rules": [], "action": "kill"},
        "workspace": "ro",
        "environment": {"A": "1"},
        "artifacts": {"collect": [], "max_files": 0, "max_bytes": "1kB"},
        "require": {"limits.memory": "strict", "filesystem./usr": "none"},
    }  # fmt: skip


@pytest.mark.parametrize("text", [FULL, "{}", "extends: python", "extends: _base\nsyscalls: {deny: []}\nnetwork: host"])
def test_the_document_loads_again_and_says_the_same(site: Site, text: str) -> None:
    first = site.load(text)
    again = policy.load(str(site.write("again.yaml", json.dumps(document(first)))))
    assert document(again) == document(first)
    assert again.digest == first.digest
    ignored = {"name", "files", "sources", "digest"}
    assert again.model_dump(exclude=ignored) == first.model_dump(exclude=ignored)


def test_the_digest_is_sha256_of_the_sorted_document(site: Site) -> None:
    loaded = site.load(FULL)
    text = json.dumps(document(loaded), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert loaded.digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_order_comments_and_file_change_no_digest(site: Site) -> None:
    one = policy.load(str(site.write("one.yaml", "network: host # as ever\nlimits: {memory: 1GiB, processes: 5}")))
    two = policy.load(str(site.write("two.yaml", "limits:\n  processes: '5'\n  memory: 1024MiB\nnetwork: host")))
    assert one.digest == two.digest


@pytest.mark.parametrize(
    "change", ["network: host", "limits: {memory: {max: 9GiB}}", "environment: {A: ''}", "require: {network: strict}"]
)
def test_any_clause_changes_the_digest(site: Site, change: str) -> None:
    assert site.load(f"extends: _base\n{change}").digest != policy.load("_base").digest
