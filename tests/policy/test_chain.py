"""`extends`: names, paths, circles, and who may rest on whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import chain, places

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy.conftest import Site

PYTHONS = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}  # what the shipped policy sets


def refusal(name: str | Path) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policy.load(str(name))
    return caught.value


def says(site: Site, name: str, where: str, *, extends: str = "[]") -> Path:
    """A policy whose description tells where it stands."""
    return site.write(f"{name}.yaml", f"extends: {extends}\nenvironment: {{{name}_{where}: x}}", where)


def seen(name: str | Path) -> set[str]:
    return set(policy.load(str(name)).environment)


def test_a_path_is_relative_to_the_file_that_says_it(site: Site) -> None:
    (site.here / "sub").mkdir()
    site.write("sub/top.yaml", "extends: ../base.yaml")
    base = site.write("base.yaml", "environment: {A: base}")
    top = site.here / "sub" / "top.yaml"
    loaded = policy.load(str(top))
    assert loaded.environment == {"A": "base"}
    assert [str(top), str(top.parent / ".." / "base.yaml")] != list(loaded.files)  # normal, not as written
    assert loaded.files == (str(top), str(base))


def test_an_absolute_path_can_be_extended(site: Site) -> None:
    site.write("base.yaml", "environment: {A: base}")
    assert policy.load(str(site.write("one.yaml", f"extends: {site.here}/base.yaml"))).environment == {"A": "base"}


@pytest.mark.parametrize("target", ["./base", "/etc/shadow"])
def test_a_file_that_is_no_policy_by_its_name_is_not_extended(site: Site, target: str) -> None:
    site.write("base", "environment: {A: base}")
    error = refusal(site.write("top.yaml", f"extends: {target}"))
    assert "no policy by its name" in error.message
    assert error.hint == f"rename it to {target.rpartition('/')[2]}.yaml"


def test_a_link_leads_to_a_policy_and_to_nothing_else(site: Site) -> None:
    site.write("secret", "root-token: 5")
    site.write("base.yaml", "environment: {A: base}")
    for name, target in (("good.yaml", "base.yaml"), ("bad.yaml", "secret")):
        (site.here / name).symlink_to(target)
    assert policy.load("./good.yaml").environment == {"A": "base"}
    assert policy.load(str(site.write("up.yaml", "extends: ./good.yaml"))).environment == {"A": "base"}
    for file in (site.here / "bad.yaml", site.write("over.yaml", "extends: ./bad.yaml")):
        error = refusal(file)
        assert f"a link to {site.here}/secret" in error.message
        assert "root-token" not in str(error)


def test_a_list_merges_left_to_right_with_the_file_itself_last(site: Site) -> None:
    for name in "abc":
        site.write(f"{name}.yaml", f"environment: {{LAST: {name}, {name}: x}}")
    loaded = policy.load(str(site.write("top.yaml", "extends: [./a.yaml, ./b.yaml, ./c.yaml]\nenvironment: {top: x}")))
    assert loaded.environment == {"LAST": "c", "a": "x", "b": "x", "c": "x", "top": "x"}
    assert [file.rpartition("/")[2] for file in loaded.files] == ["top.yaml", "c.yaml", "b.yaml", "a.yaml"]


def test_a_common_base_counts_once_and_undoes_nothing(site: Site) -> None:
    site.write("base.yaml", "environment: {A: base}\nartifacts: {collect: [x]}")
    site.write("a.yaml", "extends: ./base.yaml\nenvironment: {A: a}\nartifacts: {+collect: [a]}")
    site.write("b.yaml", "extends: ./base.yaml\nenvironment: {B: b}\nartifacts: {+collect: [b]}")
    loaded = policy.load(str(site.write("top.yaml", "extends: [./a.yaml, ./b.yaml]")))
    assert loaded.environment == {"A": "a", "B": "b"}
    assert loaded.artifacts.collect == ("x", "a", "b")


def test_a_circle_is_refused_with_its_chain(site: Site) -> None:
    site.write("a.yaml", "extends: ./b.yaml")
    site.write("b.yaml", "extends: [_base, ./c.yaml]")
    site.write("c.yaml", "\nextends: a.yaml")
    error = refusal(site.here / "a.yaml")
    assert "a.yaml -> b.yaml -> c.yaml -> a.yaml" in error.message
    assert (error.file, error.line, error.clause) == (str(site.here / "c.yaml"), 2, "extends")


def test_a_file_that_extends_its_own_path_is_a_circle(site: Site) -> None:
    path = site.write("a.yaml", "extends: ./a.yaml")
    (site.here / "link.yaml").symlink_to(path)
    assert "a.yaml -> a.yaml" in refusal(path).message
    assert "circle" in refusal(site.here / "link.yaml").message


def test_a_circle_of_names_is_refused(site: Site) -> None:
    says(site, "one", "user", extends="two")
    says(site, "two", "user", extends="one")
    assert "one.yaml -> two.yaml -> one.yaml" in refusal("one").message


def test_a_missing_base_is_refused_at_the_line_that_names_it(site: Site) -> None:
    path = site.write("top.yaml", "# first\nextends:\n  - _base\n  - ./none.yaml\n")
    error = refusal(path)
    assert (error.file, error.line, error.column, error.clause) == (str(path), 4, 5, "extends")
    assert f"{site.here}/none.yaml" in error.message


def test_an_unknown_name_gets_the_nearest(site: Site) -> None:
    error = refusal(site.write("top.yaml", "extends: pyhton"))
    assert "no policy 'pyhton'" in error.message
    assert error.hint == "did you mean `python`?"


def test_a_mistake_in_a_base_names_the_file_of_the_base(site: Site) -> None:
    base = site.write("base.yaml", "limits: {memory: 5}")
    error = refusal(site.write("top.yaml", "extends: ./base.yaml\nlimits: {memory: 1GiB}"))
    assert (error.file, error.line) == (str(base), 1)


def test_a_chain_of_too_many_files_is_refused(site: Site) -> None:
    for number in range(chain.MOST_FILES + 1):
        site.write(f"{number}.yaml", f"extends: ./{number + 1}.yaml")
    site.write(f"{chain.MOST_FILES + 1}.yaml", "{}")
    assert "more than 64 files" in refusal(site.here / "0.yaml").message


def test_files_that_say_too_much_together_are_refused(site: Site) -> None:
    site.write("top.yaml", "extends: [./a.yaml, ./b.yaml]")
    for name in "ab":
        site.write(f"{name}.yaml", f"syscalls: {{+deny: [{', '.join(['bpf'] * 2400)}]}}\nextends: _base")
    assert policy.load(str(site.here / "top.yaml")).name == "top"
    site.write("b.yaml", f"syscalls: {{+deny: [{', '.join(['bpf'] * 2600)}]}}\nextends: _base")
    assert "more than 5000 values together" in refusal(site.here / "top.yaml").message
    for name in "abcde":
        site.write(f"{name}.yaml", f"description: {'x' * 1_000_000}")
    site.write("top.yaml", "extends: [./a.yaml, ./b.yaml, ./c.yaml, ./d.yaml, ./e.yaml]")
    assert "more than 4 MiB together" in refusal(site.here / "top.yaml").message


def test_many_ways_to_one_base_are_walked_once(site: Site) -> None:
    for number in range(40):
        site.write(f"{number}.yaml", f"extends: [./{number + 1}.yaml, ./{number + 1}.yaml, ./40.yaml]")
    site.write("40.yaml", "environment: {A: x}")
    assert len(policy.load(str(site.here / "0.yaml")).files) == 41


# ---- trust ----


def test_a_user_policy_may_rest_on_every_place(site: Site) -> None:
    says(site, "sys", "system")
    says(site, "mine", "user")
    says(site, "top", "user", extends="[sys, mine, _base]")
    assert seen("top") == {"sys_system", "mine_user", "top_user"}


def test_a_system_policy_never_rests_on_a_user_policy(site: Site) -> None:
    says(site, "mine", "user")
    top = says(site, "top", "system", extends="mine")
    error = refusal("top")
    assert (error.file, error.line) == (str(top), 1)
    assert "no policy 'mine'" in error.message
    assert "trusted" in (error.hint or "")


def test_a_user_policy_does_not_change_what_others_rest_on(site: Site) -> None:
    site.write("_base.yaml", "environment: {HIJACKED: x}", "user")
    says(site, "top", "system", extends="_base")
    assert seen("top") == {"top_system"}
    assert "HIJACKED" not in seen("python")


def test_an_administrators_base_holds_for_the_built_in_languages(site: Site) -> None:
    site.write("_base.yaml", "extends: _base\nlimits: {memory: 64MiB}", "system")
    loaded = policy.load("python")
    assert loaded.limits["memory"].max == 64 << 20
    assert loaded.sources["limits.memory"]["file"] == str(site.system / "policies" / "_base.yaml")


def test_a_policy_that_extends_its_own_name_rests_on_the_next_one(site: Site) -> None:
    says(site, "python", "user", extends="python")
    assert seen("python") == {"python_user", *PYTHONS}
    says(site, "python", "system", extends="python")
    assert seen("python") == {"python_system", *PYTHONS}
    assert seen(site.user / "policies" / "python.yaml") == {"python_user", "python_system", *PYTHONS}


def test_a_file_by_path_may_rest_on_every_place(site: Site) -> None:
    says(site, "mine", "user")
    assert seen(says(site, "top", "here", extends="mine")) == {"top_here", "mine_user"}


def test_a_system_policy_given_by_path_keeps_its_trust(site: Site) -> None:
    site.write("_base.yaml", "environment: {HIJACKED: x}", "user")
    assert seen(says(site, "top", "system", extends="_base")) == {"top_system"}


def test_a_file_reached_from_a_system_policy_keeps_its_trust(site: Site) -> None:
    site.write("_base.yaml", "environment: {HIJACKED: x}", "user")
    outside = says(site, "outside", "here", extends="_base")
    says(site, "top", "system", extends=str(outside))
    assert seen("top") == {"top_system", "outside_here"}
    assert "HIJACKED" in seen(outside)


def test_nothing_is_taken_from_the_current_directory_by_name(site: Site) -> None:
    says(site, "python", "here")
    says(site, "_base", "here")
    assert seen("python") == PYTHONS
    assert seen("python.yaml") == {"python_here"}


def test_a_changed_file_is_read_again(site: Site) -> None:
    path = site.write("a.yaml", "environment: {A: one}")
    assert policy.load(str(path)).environment == {"A": "one"}
    path.write_text("environment: {A: other}")
    assert policy.load(str(path)).environment == {"A": "other"}


def test_the_places_are_searched_from_the_system_down(site: Site) -> None:
    assert [place.where for place in places.search_order()] == ["system", "user", "built in"]
    says(site, "x", "user")
    assert seen("x") == {"x_user"}
    says(site, "x", "system")
    assert seen("x") == {"x_system"}
