"""`syscalls.rules` as files write them: numbers, what can't be, merging, and what a reader gets to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.cli.policy import as_yaml
from sandbox_cli.policy.document import document
from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.words import words
from tests.policy.machine import ALLOW, EPERM, KILL, run

if TYPE_CHECKING:
    from tests.policy.conftest import Site

RULE = "{syscall: socket, arg: 0, value: 0x26, action: errno}"
WHOLE = 0xFFFF_FFFF_FFFF_FFFF


def rules(site: Site, *written: str, clause: str = "") -> list[dict[str, Any]]:
    loaded = site.load(f"syscalls: {{{clause}rules: [{', '.join(written)}]}}").syscalls.rules
    return [rule.model_dump() for rule in loaded]


def test_a_rule_looks_at_the_low_32_bits_unless_its_mask_says_otherwise(site: Site) -> None:
    made = rules(site, RULE, RULE.replace("value", "mask: 0xff, value"))
    assert made == [
        {"syscall": "socket", "arg": 0, "mask": mask, "value": 0x26, "action": "errno"} for mask in (0xFFFFFFFF, 0xFF)
    ]


def test_a_rule_without_an_argument_is_about_every_call(site: Site) -> None:
    made = rules(site, "{syscall: ptrace, action: allow}")
    assert made == [{"syscall": "ptrace", "arg": None, "mask": 0xFFFFFFFF, "value": 0, "action": "allow"}]


@pytest.mark.parametrize(
    ("written", "value"),
    [("0", 0), ("38", 38), ("0x26", 38), ("0XFF", None), ("0xfF", 255), ("0o46", 38), ("'38'", 38), ("0xffff", 65535)],
)  # fmt: skip
def test_a_number_is_decimal_hex_or_octal(site: Site, written: str, value: int | None) -> None:
    text = RULE.replace("0x26", written)
    if value is None:
        assert "no number" in site.refused(f"syscalls: {{rules: [{text}]}}").message
    else:
        assert rules(site, text)[0]["value"] == value


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        ("{arg: 0, value: 1, action: errno}", "a rule needs `syscall`", "as in {syscall: socket"),
        ("{syscall: socket, arg: 0, value: 1}", "a rule needs `action`", "as in {syscall: socket"),
        ("{syscall: socket, value: 1, action: errno}", "`value` says nothing without `arg`", "as in"),
        ("{syscall: socket, arg: 1, action: errno}", "`arg` says nothing without `value`", "as in"),
        ("{syscall: socket, mask: 1, action: errno}", "`mask` says nothing without `arg`", "as in"),
        ("{syscall: socket, arg: 6, value: 1, action: errno}", "'6' is no argument's place, 0 to 5", "has six at most"),
        ("{syscall: socket, arg: x, value: 1, action: errno}", "'x' is no argument's place", "has six at most"),
        ("{syscall: socket, arg: 0, value: x, action: errno}", "'x' is no number", "hex (0x28)"),
        ("{syscall: socket, arg: 0, value: '', action: errno}", "'' is no number", "hex (0x28)"),
        ("{syscall: socket, arg: 0, value: 1_0, action: errno}", "'1_0' is no number", "hex (0x28)"),
        ("{syscall: socket, arg: 0, value: ٣, action: errno}", "is no number", "hex (0x28)"),
        ("{syscall: chmod, arg: 1, value: 04000, action: errno}", "'04000' is no number", "write 0o4000 where"),
        ("{syscall: openat, arg: 0, value: -100, action: errno}", "'-100' is no number", "sees -100 as 0xffffff9c"),
        (f"{{syscall: lseek, arg: 1, value: {1 << 64}, action: allow}}", "more than 64 bits", "has 64"),
        (f"{{syscall: lseek, arg: 1, value: {'9' * 500}, action: allow}}", "more than 64 bits", "has 64"),
        ("{syscall: socket, arg: 0, mask: 0, value: 0, action: errno}", "a mask of 0 looks at nothing", "leave arg"),
        ("{syscall: socket, arg: 0, mask: 2, value: 3, action: errno}", "never matches", "take them out"),
        ("{syscall: lseek, arg: 1, value: 0x100000000, action: allow}", "never matches", f"mask: {WHOLE:#x}"),
        (f"{{syscall: lseek, arg: 1, mask: {WHOLE:#x}, value: 1, action: kill}}", "garbage", "for `allow` and `log`"),
        ("{syscall: sokcet, action: errno}", "no syscall 'sokcet'", "did you mean `socket`?"),
        ("{syscall: '@mount', action: kill}", "'@mount' is a set", "sets stand under"),
        ("{syscall: '@mont', action: kill}", "'@mont' is a set", "sets stand under"),
        ("{syscall: setns, action: allow}", "refused under every policy", "take the rule out"),
        ("{syscall: clone3, action: kill}", "refused under every policy", "take the rule out"),
        ("{syscall: ioctl, arg: 1, value: 0x5412, action: allow}", "with that argument is", "take the rule out"),
        ("{syscall: clone, arg: 0, mask: 0x10000000, value: 0x10000000, action: log}", "with that argument", "take"),
        ("{syscall: setrlimit, arg: 0, value: 4, action: allow}", "with that argument", "take the rule out"),
        ("{syscall: write, arg: 0, value: 7, action: errno}", "write can't be refused", "always let through"),
        ("{syscall: socket, arg: 0, value: 40, action: allow}", "unless the network is the host's", "network: host"),
        ("{syscall: io_uring_setup, action: allow}", "unless the network is the host's", "network: host"),
        ("{syscall: socket, action: deny}", "'deny' is none of errno, kill, log, allow", None),
        ("{syscal: socket, action: errno}", "unknown key 'syscal'", "did you mean `syscall`?"),
        ("{syscall: socket, arg: null, action: errno}", "null removes what is inherited", "leave arg out"),
        ("{syscall: [socket], action: errno}", "expects one value, not a list", None),
        ("{+syscall: socket, action: errno}", "a + appends to inherited lists only", None),
        ("socket", "expects maps in this list, not a single value", "write {syscall: socket"),
        ("[socket]", "expects maps in this list, not a list", "write {syscall: socket"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_in_one_sentence(
    site: Site, rule: str, message: str, hint: str | None
) -> None:
    error = site.refused(f"description: x\nsyscalls:\n  rules:\n    - {RULE}\n    - {rule}\n")
    assert message in error.message
    assert hint is None or hint in (error.hint or "")
    assert (error.clause or "").startswith("syscalls.rules")
    assert error.line in {5, 3}  # what takes the whole policy to see is told of the list


@pytest.mark.parametrize(
    ("text", "message"), [("socket", "expects a list"), ("{syscall: socket}", "expects a list, not")]
)
def test_rules_are_a_list(site: Site, text: str, message: str) -> None:
    error = site.refused(f"syscalls: {{rules: {text}}}")
    assert message in error.message
    assert error.hint == "write [{syscall: socket, arg: 0, value: 0x28, action: errno}]"


def test_what_only_a_network_of_its_own_closes_can_be_had_with_the_hosts(site: Site) -> None:
    text = "network: host\nsyscalls: {deny: [], rules: [{syscall: socket, arg: 0, value: 40, action: allow}]}"
    assert site.load(text).syscalls.rules[0].value == 40
    assert site.load("network: host\nsyscalls: {allow: [io_uring_setup]}").syscalls.allow == ("io_uring_setup",)
    error = site.refused("syscalls: {allow: [io_uring_setup]}")
    assert ("io_uring_setup" in error.message, error.clause) == (True, "syscalls.allow")


def test_a_plus_appends_rules_and_without_it_they_replace(site: Site) -> None:
    site.write("base.yaml", f"syscalls: {{rules: [{RULE}]}}")
    more = "{syscall: ptrace, action: allow}"
    appended = site.load(f"extends: ./base.yaml\nsyscalls: {{+rules: [{more}]}}").syscalls
    assert [rule.syscall for rule in appended.rules] == ["socket", "ptrace"]
    assert appended.deny == ("@default-deny",)
    replaced = site.load(f"extends: ./base.yaml\nsyscalls: {{rules: [{more}]}}").syscalls
    assert [rule.syscall for rule in replaced.rules] == ["ptrace"]
    assert site.load("extends: ./base.yaml\nsyscalls: {rules: null}").syscalls.rules == ()
    kept = site.load("extends: ./base.yaml\nsyscalls: {allow: [openat]}").syscalls
    assert ([rule.syscall for rule in kept.rules], kept.deny) == (["socket"], None)


def test_a_set_in_place_of_a_list_is_hinted_at_in_quotes(site: Site) -> None:
    assert site.refused('syscalls: {allow: "@mount"}').hint == 'write ["@mount"]'


def test_rules_are_part_of_the_long_form_and_of_the_digest(site: Site) -> None:
    wide = f"{{syscall: lseek, arg: 1, mask: {WHOLE:#x}, value: 9, action: allow}}"
    loaded = site.load(f"syscalls: {{rules: [{RULE}, {wide}, {{syscall: ptrace, action: kill}}]}}")
    assert document(loaded)["syscalls"] == {
        "deny": ["@default-deny"],
        "rules": [
            {"syscall": "socket", "arg": 0, "mask": "0xffffffff", "value": "0x26", "action": "errno"},
            {"syscall": "lseek", "arg": 1, "mask": f"{WHOLE:#x}", "value": "0x9", "action": "allow"},
            {"syscall": "ptrace", "action": "kill"},
        ],
        "action": "errno",
    }
    assert loaded.digest != site.load(f"syscalls: {{rules: [{RULE}]}}").digest
    assert loaded.sources["syscalls.rules"]["line"] == 1


def test_the_long_form_can_be_loaded_again_and_has_the_same_digest(site: Site) -> None:
    wide = f"{{syscall: lseek, arg: 1, mask: {WHOLE:#x}, value: {WHOLE}, action: allow}}"
    loaded = site.load(f"syscalls: {{rules: [{RULE}, {wide}, {{syscall: ptrace, action: kill}}]}}")
    again = site.load(as_yaml.compact(document(loaded)))
    assert (again.digest, again.syscalls) == (loaded.digest, loaded.syscalls)


def test_the_receipt_names_each_rule(site: Site) -> None:
    masked = "{syscall: socket, arg: 1, mask: 0xf, value: 3, action: kill}"
    loaded = site.load(f"syscalls: {{rules: [{RULE}, {masked}, {{syscall: ptrace, action: allow}}]}}")
    assert words("syscalls", loaded) == (
        "socket arg 0 = 0x26 (errno), socket arg 1 & 0xf = 0x3 (kill), ptrace (allow), deny @default-deny (errno)"
    )


def test_a_rule_is_asked_before_the_list(site: Site) -> None:
    text = f"syscalls: {{rules: [{RULE.replace('errno', 'kill')}, {{syscall: ptrace, action: allow}}]}}"
    program = compile_filter(site.load(text).syscalls, "x86_64", isolated=True)
    answers = [run(program, 41, args=(family, 1, 0)) for family in (1, 0x26, 0x26 | 1 << 40, 0x27)]
    assert answers == [ALLOW, KILL, KILL, EPERM]
    assert run(program, 101) == ALLOW
