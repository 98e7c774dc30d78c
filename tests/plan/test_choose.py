from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandbox_cli.errors import HostError, PolicyError, RefusedError, UsageError
from sandbox_cli.host.model import Problem
from sandbox_cli.plan import choose
from sandbox_cli.policy.config import Config
from tests.plan import made

ORDER = choose.Order(["bwrap", "nsjail", "firejail"], "the default order", one=False)
FILES = {"clause": "limits.scratch_files", "level": "sampled", "reason": "no bound on files", "fix": "use nsjail"}
MOUNT = {"clause": "filesystem./data", "level": "none", "reason": "no binding elsewhere", "fix": "use bwrap or nsjail"}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """What each made-up backend can't hold; a test adds to it."""
    shortfalls: dict[str, list[Any]] = {name: [] for name in ORDER.names}
    backends = {
        name: SimpleNamespace(
            NAME=name, MINIMUM=(1, 0), INSTALL=None, WHEEL=None, gaps=lambda policy, host, name=name: shortfalls[name]
        )
        for name in ORDER.names
    }
    monkeypatch.setattr(choose, "BACKENDS", backends)
    return shortfalls


def everything():
    return made.host(*(made.jailer(name) for name in ORDER.names))


def choice(policy=None, order=ORDER, host=None, starts=lambda host, name: None, **options):
    host = host or everything()
    return choose.choose(policy or made.policy(), order, lambda name: host, starts, **options)


def test_the_first_that_serves_is_chosen_and_says_so():
    chosen = choice()
    assert (chosen.backend, chosen.jailer.program) == ("bwrap", "/usr/bin/bwrap")
    assert chosen.chosen == "first of the default order (bwrap, nsjail, firejail)"


def test_a_named_backend_says_who_named_it():
    assert choice(order=choose.Order(["nsjail"], "--backend", one=True)).chosen == "from --backend"


def test_one_that_is_not_installed_is_passed_over():
    chosen = choice(host=made.host(made.jailer("nsjail")))
    assert chosen.backend == "nsjail"
    assert chosen.chosen == (
        "first of the default order (bwrap, nsjail, firejail) that serves; bwrap: bwrap is not installed"
    )


def test_one_that_does_not_start_is_passed_over():
    chosen = choice(starts=lambda host, name: Problem("no user namespaces", None) if name == "bwrap" else None)
    assert chosen.backend == "nsjail"
    assert chosen.chosen.endswith("that serves; bwrap: no user namespaces")


def test_one_that_misses_a_requirement_is_passed_over_and_never_tried(short):
    short["bwrap"] = [FILES]
    tried = []
    policy = made.policy(require={"limits.scratch_files": "strict"})
    chosen = choice(policy, starts=lambda host, name: tried.append(name))
    assert (chosen.backend, tried) == ("nsjail", ["nsjail"])
    assert chosen.chosen.endswith(
        "bwrap: limits.scratch_files: strict is required (a policy of your own that extends it),"
        " it would be sampled: no bound on files"
    )


def test_backends_behind_the_chosen_one_are_not_even_looked_for():
    looked = []

    def look(name):
        looked.append(name)
        return everything()

    choose.choose(made.policy(), ORDER, look, lambda host, name: None)
    assert looked == ["bwrap"]


def test_nothing_installed_is_the_hosts_fault_and_says_what_to_install():
    with pytest.raises(HostError) as error:
        choice(host=made.host())
    assert error.value.message == "no jailer of the default order is installed: bwrap, nsjail or firejail is needed"
    assert error.value.hint == "install bwrap 1.0 or newer"
    assert [gap["backend"] for gap in error.value.gaps] == ["bwrap", "nsjail", "firejail"]


def test_a_configured_order_of_which_nothing_is_installed_says_what_it_would_take():
    with pytest.raises(HostError) as error:
        choice(order=choose.Order(["nsjail"], "the configured order", one=False), host=made.host(made.jailer("bwrap")))
    assert error.value.message == "no jailer of the configured order is installed: nsjail is needed"
    assert "nsjail 1.0 or newer" in error.value.hint


def test_a_named_backend_that_is_not_installed_is_not_replaced():
    with pytest.raises(HostError) as error:
        choice(order=choose.Order(["nsjail"], "SANDBOX_BACKEND", one=True), host=made.host(made.jailer("bwrap")))
    assert error.value.message == "nsjail, which SANDBOX_BACKEND names, is not installed"
    assert "nsjail 1.0 or newer" in error.value.hint


def test_a_jailer_that_was_found_but_is_useless_says_why():
    old = made.jailer("bwrap", problem="bwrap 0.4 is too old", fix="install bubblewrap 0.8")
    with pytest.raises(RefusedError) as refused:
        choice(order=choose.Order(["bwrap"], "--backend", one=True), host=made.host(old))
    assert refused.value.message == "bwrap can't hold any policy here: bwrap 0.4 is too old"
    assert refused.value.hint == "install bubblewrap 0.8"


def test_a_refusal_names_the_gaps_of_every_backend(short):
    short["bwrap"], short["nsjail"], short["firejail"] = [FILES], [], [MOUNT]
    policy = made.policy(
        require={"limits.scratch_files": "strict"},
        sources={
            "require.limits.scratch_files": {"clause": "", "source": "file", "file": "/etc/site.yaml", "line": 3},
        },
    )
    with pytest.raises(RefusedError) as refused:
        choice(policy, starts=lambda host, name: Problem("no user namespaces", "sysctl"))
    reason = "strict is required (/etc/site.yaml:3), it would be sampled: no bound on files"
    assert refused.value.gaps == [
        {"backend": "bwrap", "clause": "limits.scratch_files", "reason": reason, "fix": "use nsjail"},
        {"backend": "nsjail", "clause": "jailer", "reason": "no user namespaces", "fix": "sysctl"},
        {
            "backend": "firejail",
            "clause": "filesystem./data",
            "reason": "strict is required, it would be none: no binding elsewhere",
            "fix": "use bwrap or nsjail",
        },
    ]
    assert refused.value.message == (
        "no jailer can hold limits.scratch_files and filesystem./data here as policy made requires"
    )
    assert refused.value.hint == "use nsjail"
    assert refused.value.blame == {
        "clause": "require.limits.scratch_files", "source": "file", "file": "/etc/site.yaml", "line": 3,
    }  # fmt: skip


def test_a_refusal_of_jailers_that_do_not_start_names_no_clause():
    with pytest.raises(RefusedError) as refused:
        choice(starts=lambda host, name: Problem("no user namespaces", "sysctl"))
    assert refused.value.message == "no jailer of the default order can be used here"
    assert [gap["clause"] for gap in refused.value.gaps] == ["jailer"] * 3


def test_a_named_backend_that_falls_short_names_its_clauses_and_leaves_the_reasons_to_the_gaps(short):
    short["bwrap"] = [FILES]
    policy = made.policy(require={"limits.scratch_files": "strict", "limits.memory": "strict"})
    with pytest.raises(RefusedError) as refused:
        choice(policy, order=choose.Order(["bwrap"], "--backend", one=True))
    assert refused.value.message == (
        "bwrap can't hold limits.memory and limits.scratch_files here as policy made requires"
    )
    assert [gap["clause"] for gap in refused.value.gaps] == ["limits.memory", "limits.scratch_files"]


def test_a_clause_that_no_policy_requires_in_words_is_blamed_itself(short):
    short["firejail"] = [MOUNT]
    said: Any = {"clause": "filesystem./data", "source": "file", "file": made.FILE, "line": 5}
    with pytest.raises(RefusedError) as refused:
        choice(made.policy(sources={"filesystem./data": said}), order=choose.Order(["firejail"], "--backend", one=True))
    assert refused.value.blame == said


def test_a_gap_that_nothing_on_the_host_closes_says_what_the_policy_could_accept():
    policy = made.policy(require={"limits.memory": "strict"})
    with pytest.raises(RefusedError) as refused:
        choice(policy)
    assert refused.value.hint == (
        "accept less in the policy: `require: {limits.memory: sampled}`, or for one run --best-effort"
    )


def test_best_effort_lowers_a_limit_and_marks_it():
    chosen = choice(made.policy(require={"limits.memory": "strict"}), best_effort=True)
    assert chosen.backend == "bwrap"
    assert [each.clause for each in chosen.held if each.lowered] == ["limits.memory"]
    (gap,) = chosen.lowered
    assert (gap["backend"], gap["clause"]) == ("bwrap", "limits.memory")
    assert "it would be sampled: counted from outside" in gap["reason"]
    assert gap["fix"] == "accept less in the policy: `require: {limits.memory: sampled}`"


def test_best_effort_lowers_nothing_but_limits(short):
    short["firejail"] = [MOUNT]
    with pytest.raises(RefusedError) as refused:
        choice(order=choose.Order(["firejail"], "--backend", one=True), best_effort=True)
    assert "--best-effort" not in refused.value.hint


@pytest.mark.parametrize(
    ("option", "environ", "names", "source"),
    [
        ("nsjail", {"SANDBOX_BACKEND": "firejail"}, ["nsjail"], "--backend"),
        (None, {"SANDBOX_BACKEND": "firejail"}, ["firejail"], "SANDBOX_BACKEND"),
        (None, {"SANDBOX_BACKEND": ""}, ["bwrap", "nsjail", "firejail"], "the default order"),
        (None, {}, ["bwrap", "nsjail", "firejail"], "the default order"),
    ],
)
def test_an_option_comes_before_the_environment_before_the_order(option, environ, names, source):
    order = choose.order(option, environ, Config())
    assert (list(order.names), order.source) == (names, source)


def configured(*names):
    said: Any = {"clause": "backends", "source": "file", "file": "/etc/sandbox/config.yaml", "line": 2}
    return Config(backends=names, sources={"backends": said})


def test_a_configured_order_is_taken_and_named():
    order = choose.order(None, {}, configured("nsjail", "bwrap"))
    assert (list(order.names), order.source, order.one) == (["nsjail", "bwrap"], "the configured order", False)


def test_an_unknown_backend_of_the_configuration_is_refused_with_its_line():
    with pytest.raises(PolicyError) as error:
        choose.order(None, {}, configured("bwarp"))
    assert str(error.value) == "/etc/sandbox/config.yaml:2: backends: there is no backend 'bwarp'"


@pytest.mark.parametrize(
    ("option", "environ", "words"),
    [
        ("bwarp", {}, "--backend: there is no backend 'bwarp'"),
        (None, {"SANDBOX_BACKEND": "bwarp"}, "SANDBOX_BACKEND: there is no backend 'bwarp'"),
    ],
)
def test_an_unknown_backend_is_a_usage_error_with_the_nearest_spelling(option, environ, words):
    with pytest.raises(UsageError) as error:
        choose.order(option, environ, Config())
    assert (error.value.message, error.value.hint) == (words, "did you mean `bwrap`?")


def test_an_empty_backend_is_a_usage_error_that_lists_them():
    with pytest.raises(UsageError) as error:
        choose.order("", {}, Config())
    assert error.value.message == "--backend: there is no backend ''"
    assert error.value.hint == "known here: bwrap, nsjail, firejail"
