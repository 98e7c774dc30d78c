"""Each rule catches the policy that is made for it, and nothing else does; its good neighbour is caught by none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.policy import trace
from sandbox_cli.policy.lint import checks, silence
from sandbox_cli.policy.lint.table import NEVER_SILENCED, RULES

if TYPE_CHECKING:
    from sandbox_cli.policy.lint.found import Finding
    from tests.policy.conftest import Site

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.yaml"))
# Of files and machines, which no file alone can show: below, and in tests/plan/test_lint.py.
HERE_ALONE = {"requirement-below-host", "not-held-here", "mount-refused-here", "beyond-ceiling-here"}
ELSEWHERE = {"invalid", "extends-outside", "file-writable-by-all"} | HERE_ALONE


def examined(path: Path | str) -> tuple[list[Finding], list[silence.Silenced]]:
    traced = trace(str(path))
    return silence.apply("it", traced.layers, checks.check("it", traced))


def rules_of(path: Path | str) -> list[str]:
    return [finding.rule for finding in examined(path)[0]]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_policy_is_caught_by_the_rule_meant_for_it_alone(path: Path) -> None:
    findings, _ = examined(path)
    assert [finding.rule for finding in findings] == [path.stem]
    (finding,) = findings
    assert (finding.file, finding.severity) == (str(path), RULES[path.stem].severity)
    assert finding.line > 1  # the first one says what it extends


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_its_good_neighbour_is_caught_by_none(path: Path) -> None:
    assert rules_of(path) == []


def test_every_rule_has_a_bad_policy_and_a_good_neighbour() -> None:
    assert {path.stem for path in BAD} == {path.stem for path in GOOD} == set(RULES) - ELSEWHERE


def test_every_rule_has_a_check() -> None:
    assert set(checks.CHECKS) == set(RULES) - set(NEVER_SILENCED) - HERE_ALONE


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/", "whole-root-visible"),
        ("/root", "home-visible"),
        ("/home/anna", "home-visible"),
        ("/var/home", "home-visible"),
        ("/sys/class/net", "kernel-files-visible"),
        ("/dev", "device-visible"),
        ("/dev/kvm", "device-visible"),
        ("/etc/shadow", "secrets-visible"),
        ("/etc/ssl", "secrets-visible"),
        ("/root/.aws/credentials", "secrets-visible"),
        ("/srv/deploy/id_ed25519", "secrets-visible"),
        ("/run/secrets/db", "secrets-visible"),
        ("/run", "socket-visible"),
        ("/var/run", "socket-visible"),
        ("/run/user/1000/bus", "socket-visible"),
        ("/var/run/dbus/system_bus_socket", "socket-visible"),
        ("/run/podman", "socket-visible"),
        ("/tmp", "socket-visible"),
        ("/tmp/.X11-unix/X0", "socket-visible"),
        ("/tmp/ssh-abc/agent.7", "socket-visible"),
        ("/srv/postgres/server.sock", "socket-visible"),
        ("/var/log", "system-folder-visible"),
        ("/usr", None),
        ("/usr/lib", None),
        ("/opt/tools", None),
        ("/etc/ssl/certs", None),
        ("/etc/localtime", None),
        ("/home/anna/project", None),
        ("/run/current-system/sw", None),
        ("/var/lib/ghc/package.conf.d", None),
        ("/tmp/job-7", None),
        ("/srv/sys", None),
    ],
)  # fmt: skip
def test_what_a_path_of_the_host_names(site: Site, path: str, rule: str | None) -> None:
    policy = site.write("policy.yaml", f"extends: _base\nfilesystem: {{/x: {{from: {path}, mode: ro}}}}\n")
    assert rules_of(policy) == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("name", "value", "caught"),
    [
        ("AWS_SECRET_ACCESS_KEY", "x7Yq", True),
        ("db_password", "hunter2", True),
        ("STRIPE_API_KEY", "abcdef", True),
        ("PGPASSWORD", "hunter2", True),
        ("MYSQL_PWD", "hunter2", True),
        ("githubToken", "hunter2", True),
        ("GH_PAT", "hunter2", True),
        ("OLDPWD", "/srv", False),
        ("PWD", "/srv", False),
        ("COMPASS", "north", False),
        ("NOTES", "ghp_" + "a" * 36, True),
        ("DATABASE", "postgres://anna:hunter2@db/x", True),
        ("DATABASE", "postgres://db/x", False),
        ("SECRET_NAME", "db/main", False),
        ("HIDE_TOKEN", "1", False),
        ("KEYBOARD", "german", False),
        ("MONKEY", "bananas", False),
        ("SSH_AUTH_SOCK", "/x", False),
    ],
)
def test_secret_is_known_by_its_name_or_the_form_of_its_value(site: Site, name: str, value: str, caught: bool) -> None:
    policy = site.write("policy.yaml", f"extends: _base\nenvironment: {{{name}: '{value}'}}\n")
    findings, _ = examined(policy)
    assert [finding.rule for finding in findings] == (["secret-in-environment"] if caught else [])
    assert not any(value in text for finding in findings for text in finding if isinstance(text, str))


@pytest.mark.parametrize(
    ("syscalls", "rule"),
    [
        ("{deny: [ptrace]}", "dangerous-calls"),
        ('{allow: ["@system-service"]}', "calls-beyond-default"),
        ('{rules: [{syscall: ptrace, action: allow}]}', "dangerous-calls"),
        ('{rules: [{syscall: keyctl, action: log}]}', "calls-beyond-default"),
        ('{+deny: ["@chown"]}', None),
        ('{rules: [{syscall: personality, arg: 0, value: 0x8, action: errno}]}', None),
    ],
)  # fmt: skip
def test_what_a_filter_lets_through(site: Site, syscalls: str, rule: str | None) -> None:
    policy = site.write("policy.yaml", f"extends: _base\nsyscalls: {syscalls}\n")
    assert rules_of(policy) == ([rule] if rule else [])


def test_policy_without_any_limit_is_told_so_once(site: Site) -> None:
    policy = site.write("policy.yaml", "filesystem: {/usr: ro}\n")
    (finding,) = examined(policy)[0]
    assert (finding.rule, finding.clause, finding.line) == ("limit-missing", "limits", None)
    assert "memory" in finding.message
    assert "cpus" not in finding.message


def test_finding_is_placed_where_the_clause_was_said(site: Site) -> None:
    site.write("base.yaml", "extends: _base\n\nnetwork: host\n")
    policy = site.write("policy.yaml", "extends: ./base.yaml\nworkspace: none\n")
    (finding,) = examined(policy)[0]
    assert (finding.file, finding.line, finding.column) == (str(site.here / "base.yaml"), 3, 1)


def test_silence_holds_for_what_is_found_in_its_own_file(site: Site) -> None:
    site.write("base.yaml", "extends: _base\nnetwork: host\nsilence: {network-host: The base has its reasons.}\n")
    above = site.write("above.yaml", "extends: ./base.yaml\nworkspace: none\n")
    assert rules_of(above) == []
    said_again = site.write("again.yaml", "extends: ./base.yaml\nnetwork: none\n")
    assert rules_of(said_again) == []
    opened = site.write("opened.yaml", "extends: _base\nnetwork: host\n")
    assert rules_of(opened) == ["network-host"]


def test_silence_of_a_clause_holds_for_it_and_what_is_below(site: Site) -> None:
    text = """\
        extends: _base
        filesystem:
          /srv/a/b: rw
          /srv/ab: rw
        silence: {writable-and-executable filesystem./srv/a: A cache.}
        """
    findings, silenced = examined(site.write("policy.yaml", text))
    assert [finding.clause for finding in findings] == ["filesystem./srv/ab"]
    assert [(each.finding.clause, each.reason) for each in silenced] == [("filesystem./srv/a/b", "A cache.")]


def test_silence_changes_neither_policy_nor_digest(site: Site) -> None:
    plain = site.load("extends: _base\nnetwork: host\n")
    silenced = site.load("extends: _base\nnetwork: host\nsilence: {network-host: Because.}\n")
    assert silenced.digest == plain.digest
    assert not any(clause.startswith("silence") for clause in silenced.sources)


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("{network-hots: why}", "there is no rule 'network-hots'", "did you mean `network-host`?"),
        ("{network-host: ''}", "needs its reason", "say why"),
        ("{network-host: '  '}", "needs its reason", "say why"),
        ("{invalid: why}", "invalid can't be silenced", "hint"),
        ("{silence-unused: why}", "can't be silenced", "Remove"),
        ("{network-host network now: why}", "neither a rule nor a rule and a clause", "RULE"),
        ("{network-host: true}", "expects text", "quotes"),
        ("[network-host]", "expects a map", ""),
    ],
)
def test_silence_that_says_nothing_is_refused(site: Site, said: str, message: str, hint: str) -> None:
    error = site.refused(f"extends: _base\nsilence: {said}\n")
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.line == 2


def test_dead_override_looks_at_what_the_whole_chain_says(site: Site) -> None:
    site.write("base.yaml", "extends: _base\nlimits: {memory: 1GiB}\nsyscalls: {+deny: [personality]}\n")
    text = """\
        extends: ./base.yaml
        limits: {memory: {default: 1024MiB, max: 1GiB}}
        syscalls: {+deny: [personality]}
        filesystem: {/nowhere: null}
        environment: {A: b}
        """
    found = {finding.clause: finding.message for finding in examined(site.write("policy.yaml", text))[0]}
    assert found.keys() == {"limits.memory", "syscalls.deny", "filesystem./nowhere"}
    assert "takes away" in found["filesystem./nowhere"]


def test_list_that_comes_to_what_is_inherited_is_dead_in_other_words_too(site: Site) -> None:
    text = "extends: _base\nsyscalls: {deny: ['@default-deny', ptrace, '@mount']}\n"
    (finding,) = examined(site.write("policy.yaml", text))[0]
    assert (finding.rule, finding.clause) == ("dead-override", "syscalls.deny")
    assert rules_of(site.write("policy.yaml", text.replace("ptrace", "personality"))) == []
    assert rules_of(site.write("policy.yaml", text.replace("}", ", action: kill}"))) == []


def test_base_that_leaves_the_folder_is_told(site: Site) -> None:
    (site.root / "other").mkdir()
    (site.root / "other" / "base.yaml").write_text("extends: _base\n")
    policy = site.write("policy.yaml", "extends: ../other/base.yaml\n")
    assert rules_of(policy) == ["extends-outside"]
    (site.root / ".git").mkdir()  # one repository: reviewed together
    assert rules_of(policy) == []


def test_base_in_a_folder_below_is_no_finding(site: Site) -> None:
    (site.here / "bases").mkdir()
    (site.here / "bases" / "base.yaml").write_text("extends: _base\n")
    assert rules_of(site.write("policy.yaml", "extends: ./bases/base.yaml\n")) == []


def test_file_that_all_can_write_is_told_and_so_is_a_folder_above(site: Site) -> None:
    policy = site.write("policy.yaml", "extends: _base\n")
    assert rules_of(policy) == []
    policy.chmod(0o666)
    (finding,) = examined(policy)[0]
    assert (finding.rule, finding.hint) == ("file-writable-by-all", f"chmod o-w {policy}")
    policy.chmod(0o644)
    site.root.chmod(0o777)
    (finding,) = examined(policy)[0]
    assert finding.hint == f"chmod o-w {site.root}"
    site.root.chmod(0o1777)  # nobody removes what is another's
    assert rules_of(policy) == []


def test_mount_that_a_later_file_makes_redundant_is_no_mistake_of_the_earlier(site: Site) -> None:
    site.write("base.yaml", "extends: _base\nfilesystem: {/opt/a: ro}\n")
    assert rules_of(site.write("policy.yaml", "extends: ./base.yaml\nfilesystem: {/opt: ro}\n")) == []
