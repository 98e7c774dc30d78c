"""Rules that ask the machine, on machines made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import PolicyError
from sandbox_cli.host.model import Problem
from sandbox_cli.plan import lint
from sandbox_cli.policy import ceiling
from tests.plan import made

if TYPE_CHECKING:
    from sandbox_cli.host.model import Host

NAMES = ("bwrap", "nsjail", "firejail")
ALL = tuple(made.jailer(name) for name in NAMES)


def rules(text: str, host: Host, path: Path) -> dict[str, str | None]:
    """Rule -> clause, of what is found beside what the text alone shows."""
    file = path / "policy.yaml"
    file.write_text(text)
    return {finding.rule: finding.clause for finding in examined(file, host).findings}


def examined(file: Path, host: Host) -> lint.Checked:
    return lint.examine([str(file)], lambda backend: host)


def test_clause_that_no_jailer_holds_is_told_with_each_reason(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("extends: _base\nlimits: {cpus: 1}\nrequire: {limits.cpus: strict}\n")
    (finding,) = examined(file, made.host(*ALL)).findings
    assert (finding.rule, finding.clause, finding.line) == ("not-held-here", "limits.cpus", 3)
    assert finding.message.startswith("bwrap, nsjail, firejail: strict is required")
    assert examined(file, made.host(*ALL, groups=made.GROUPS)).findings == []


def test_clause_that_one_jailer_holds_is_no_finding(tmp_path: Path) -> None:
    text = "extends: _base\nrequire: {limits.scratch_size: strict}\n"  # firejail gives a user a plain directory
    assert rules(text, made.host(*ALL), tmp_path) == {}
    assert rules(text, made.host(ALL[2]), tmp_path) == {"not-held-here": "limits.scratch_size"}


def test_jailers_that_miss_one_clause_each_hold_no_policy_together(tmp_path: Path) -> None:
    text = """
extends: _base
filesystem: {/usr/share: {from: /usr/share, mode: ro, noexec: true}}
require: {limits.scratch_size: strict}
"""
    host = made.host(ALL[0], ALL[2])
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    (finding,) = examined(file, host).findings
    assert finding.rule == "not-held-here"
    assert "bwrap can't hold filesystem./usr/share; firejail can't hold limits.scratch_size" in finding.message


def test_where_no_jailer_can_be_used_none_is_asked(tmp_path: Path) -> None:
    text = "extends: _base\nlimits: {cpus: 1}\nrequire: {limits.cpus: strict}\n"
    assert rules(text, made.host(), tmp_path) == {}
    assert rules(text, made.host(made.jailer("bwrap", problem="too old")), tmp_path) == {}


def test_requirement_below_what_the_chosen_jailer_gives(tmp_path: Path) -> None:
    text = "extends: _base\nrequire: {limits.memory: sampled, limits.cpu_time: sampled}\n"
    assert rules(text, made.host(*ALL, groups=made.GROUPS), tmp_path) == {
        "requirement-below-host": "require.limits.memory"
    }
    assert rules(text, made.host(*ALL, groups=Problem("none", None)), tmp_path) == {}


def test_mount_of_what_is_not_here_is_refused_here_unless_it_is_optional(tmp_path: Path) -> None:
    text = "extends: _base\nfilesystem:\n  /srv: {{from: {0}/data, mode: ro{1}}}\n"
    assert rules(text.format(tmp_path, ""), made.host(*ALL), tmp_path) == {"mount-refused-here": "filesystem./srv"}
    assert rules(text.format(tmp_path, ", optional: true"), made.host(*ALL), tmp_path) == {}
    (tmp_path / "data").mkdir()
    assert rules(text.format(tmp_path, ""), made.host(*ALL), tmp_path) == {}


def test_two_mounts_that_a_link_of_the_host_makes_one(tmp_path: Path) -> None:
    text = "extends: _base\nfilesystem:\n  /bin/x: {symlink: a}\n  /usr/bin/x: {symlink: b}\n"
    found = rules(text, made.host(*ALL), tmp_path)
    assert found["mount-hidden"] == "filesystem./usr/bin/x"
    assert "mount-hidden" not in rules(text, made.host(*ALL, root_links={}), tmp_path)


def test_home_of_who_checks_is_a_home_wherever_it_is(tmp_path: Path) -> None:
    text = f"extends: _base\nfilesystem: {{/x: {{from: {tmp_path}, mode: ro}}}}\n"
    assert rules(text, made.host(*ALL, home=f"{tmp_path}/anna"), tmp_path) == {"home-visible": "filesystem./x"}
    assert rules(text, made.host(*ALL, home="/home/anna"), tmp_path) == {}
    assert rules("extends: _base\n", made.host(*ALL, home="/usr/sbin"), tmp_path) == {}  # a daemon's


@pytest.mark.parametrize(
    ("target", "rule"), [("/", "whole-root-visible"), ("/home", "home-visible"), ("/proc", "kernel-files-visible")]
)
def test_a_link_of_this_machine_hides_nothing_of_where_it_leads(tmp_path: Path, target: str, rule: str) -> None:
    (tmp_path / "data").symlink_to(target)
    text = f"extends: _base\nfilesystem: {{/x: {{from: {tmp_path}/data, mode: ro}}}}\n"
    assert rules(text, made.host(*ALL), tmp_path) == {rule: "filesystem./x"}
    (tmp_path / "data").unlink()
    (tmp_path / "data").symlink_to(tmp_path)
    assert rules(text, made.host(*ALL), tmp_path) == {}


def test_grant_beyond_the_ceiling_is_told_and_a_number_is_not(tmp_path: Path) -> None:
    file, top = tmp_path / "policy.yaml", tmp_path / "ceiling.yaml"
    top.write_text("network: none\nlimits: {memory: 64MiB}\n")
    file.write_text("extends: _base\nlimits: {memory: 1GiB}\nnetwork: host\nsilence: {network-host: It serves.}\n")
    ceilings = ceiling.load({ceiling.VARIABLE: str(top)})
    (finding,) = lint.examine([str(file)], lambda backend: made.host(*ALL), ceilings).findings
    assert (finding.rule, finding.clause, finding.line) == ("beyond-ceiling-here", "network", 3)
    assert f"{top} allows none" in finding.message


def test_silence_of_a_rule_that_asks_the_machine_is_never_unused(tmp_path: Path) -> None:
    text = "extends: _base\nlimits: {cpus: 1}\nrequire: {limits.cpus: strict}\nsilence: {not-held-here: For servers.}\n"
    assert rules(text, made.host(*ALL), tmp_path) == {}
    assert rules(text, made.host(*ALL, groups=made.GROUPS), tmp_path) == {}


def test_what_two_policies_inherit_is_found_once(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("extends: _base\nnetwork: host\n")
    names = []
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(f"extends: ./base.yaml\ndescription: {name}.\n")
        names.append(str(tmp_path / f"{name}.yaml"))
    (finding,) = lint.examine(names, lambda backend: made.host(*ALL)).findings
    assert (finding.policy, finding.file) == (names[0], str(tmp_path / "base.yaml"))


def test_every_broken_policy_has_its_finding(tmp_path: Path) -> None:
    names = []
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("limits: {memroy: 1GiB}\n")
        names.append(str(tmp_path / f"{name}.yaml"))
    found = lint.examine(names, lambda backend: made.host(*ALL)).findings
    assert [(each.rule, each.file, each.line, each.column) for each in found] == [
        ("invalid", name, 1, 10) for name in names
    ]


def test_name_of_no_policy_is_a_mistake_of_whoever_asks() -> None:
    with pytest.raises(PolicyError, match="there is no policy"):
        lint.examine(["no-such"], lambda backend: made.host(*ALL))
