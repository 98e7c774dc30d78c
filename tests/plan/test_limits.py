from __future__ import annotations

from typing import Any

import pytest

from sandbox_cli.errors import RefusedError, UsageError
from sandbox_cli.plan import limits
from tests.plan import made


def test_an_option_within_max_becomes_the_value_and_takes_the_blame():
    policy = limits.apply(made.policy(), {"memory": "1GiB"}, None)
    assert policy.limits["memory"].default == 1 << 30
    assert policy.limits["memory"].max == 8 << 30
    assert limits.blame(policy, "limits.memory") == {
        "clause": "limits.memory", "source": "option", "file": None, "line": None,
    }  # fmt: skip


def test_an_option_leaves_the_policy_itself_alone():
    policy = made.policy()
    limits.apply(policy, {"memory": "1GiB"}, None)
    assert policy.limits["memory"].default == 512 << 20
    assert policy.sources["limits.memory"]["source"] == "file"


def test_an_option_may_be_exactly_the_most():
    assert limits.apply(made.policy(), {"memory": "8GiB"}, None).limits["memory"].default == 8 << 30


def test_more_than_the_most_is_refused_with_the_policy_line():
    with pytest.raises(RefusedError) as refused:
        limits.apply(made.policy(), {"memory": "9GiB"}, None)
    assert str(refused.value) == "limits.memory: 9GiB is more than the 8GiB that policy made allows"
    assert refused.value.hint == "ask for 8GiB or less, or raise `max` in /policies/made.yaml:9"
    assert refused.value.blame == {"clause": "limits.memory", "source": "file", "file": made.FILE, "line": 9}


def test_more_than_the_most_is_blamed_on_the_line_of_max():
    policy = made.policy()
    line: Any = {"clause": "limits.memory.max", "source": "file", "file": "/policies/other.yaml", "line": 3}
    policy = policy.model_copy(update={"sources": {**policy.sources, "limits.memory.max": line}})
    with pytest.raises(RefusedError) as refused:
        limits.apply(policy, {"memory": "9GiB"}, None)
    assert refused.value.blame == {**line, "clause": "limits.memory"}


def test_a_limit_without_a_max_takes_any_option():
    assert limits.apply(made.policy(), {"cpus": "16"}, None).limits["cpus"].default == 16


def test_an_unknown_limit_is_a_usage_error_with_the_nearest_spelling():
    with pytest.raises(UsageError) as error:
        limits.apply(made.policy(), {"memmory": "1GiB"}, None)
    assert "memmory" in error.value.message
    assert "`memory`" in error.value.hint


def test_a_value_without_its_unit_is_a_usage_error():
    with pytest.raises(UsageError) as error:
        limits.apply(made.policy(), {"wall_time": "10"}, None)
    assert str(error.value) == "limits.wall_time: '10' has no unit"
    assert "10s" in error.value.hint
    assert error.value.blame == limits.by_option("limits.wall_time")
    assert error.value.blame["source"] == "option"


@pytest.mark.parametrize(
    ("said", "option", "gets"),
    [
        ("none", None, "none"),
        ("none", "none", "none"),
        ("host", None, "host"),
        ("host", "host", "host"),
        ("host", "none", "none"),
        ({"allow": ("pypi.org:443",)}, "none", "none"),
    ],
)
def test_network_only_tightens(said, option, gets):
    assert limits.apply(made.policy(network=said), {}, option).network == gets


def test_loosening_the_network_is_refused_with_the_policy_line():
    with pytest.raises(RefusedError) as refused:
        limits.apply(made.policy(network="none"), {}, "host")
    assert str(refused.value) == "network: policy made allows none, and --network can only tighten"
    assert refused.value.hint == "say `network: host` in /policies/made.yaml:14"
    assert refused.value.blame == {"clause": "network", "source": "file", "file": made.FILE, "line": 14}


@pytest.mark.parametrize("option", [None, "host"])
def test_an_allow_list_is_refused_as_not_built_yet(option):
    with pytest.raises(RefusedError, match="allow-list of policy made can't be held: that is not built yet") as refused:
        limits.apply(made.policy(network={"allow": ("pypi.org:443",)}), {}, option)
    assert refused.value.blame == {"clause": "network", "source": "file", "file": made.FILE, "line": 14}


def test_an_unknown_network_is_a_usage_error():
    with pytest.raises(UsageError, match="--network can't be 'all'") as error:
        limits.apply(made.policy(), {}, "all")
    assert error.value.blame == limits.by_option("network")


def test_what_no_file_says_is_blamed_on_a_default():
    blame = limits.blame(made.policy(), "limits.cpus")
    assert blame == {"clause": "limits.cpus", "source": "default", "file": None, "line": None}


def test_a_part_is_blamed_on_the_line_of_the_whole():
    blame = limits.blame(made.policy(), "limits.memory.max")
    assert (blame["clause"], blame["file"], blame["line"]) == ("limits.memory.max", made.FILE, 9)


def test_somebody_at_a_terminal_gets_the_most_of_what_bounds_a_session():
    policy = limits.at_most(made.policy(), {"output": "1MiB"})
    assert policy.limits["wall_time"].default == policy.limits["wall_time"].max == 600
    assert policy.limits["cpu_time"].default == 600
    assert policy.limits["output"].default == made.policy().limits["output"].default
    assert policy.limits["memory"] == made.policy().limits["memory"]


def test_the_most_of_a_session_is_blamed_on_the_line_of_max():
    policy = made.policy()
    line: Any = {"clause": "limits.wall_time.max", "source": "file", "file": "/policies/other.yaml", "line": 3}
    policy = policy.model_copy(update={"sources": {**policy.sources, "limits.wall_time.max": line}})
    found = limits.blame(limits.at_most(policy, {}), "limits.wall_time")
    assert found == {**line, "clause": "limits.wall_time"}
