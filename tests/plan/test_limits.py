from __future__ import annotations

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
    assert refused.value.message == "limits.memory: 9GiB is more than the 8GiB that policy made allows"
    assert refused.value.hint == "ask for 8GiB or less, or raise `max` in /policies/made.yaml:9"


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
    assert error.value.message == "--limit wall_time=10: '10' has no unit"
    assert "10s" in error.value.hint


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
    assert refused.value.message == "network: policy made allows none, and --network can only tighten"
    assert refused.value.hint == "say `network: host` in /policies/made.yaml:14"


@pytest.mark.parametrize("option", [None, "host"])
def test_an_allow_list_is_refused_as_not_built_yet(option):
    with pytest.raises(RefusedError, match="allow-list of policy made can't be held: that is not built yet"):
        limits.apply(made.policy(network={"allow": ("pypi.org:443",)}), {}, option)


def test_an_unknown_network_is_a_usage_error():
    with pytest.raises(UsageError, match="--network can't be 'all'"):
        limits.apply(made.policy(), {}, "all")


def test_what_no_file_says_is_blamed_on_a_default():
    blame = limits.blame(made.policy(), "limits.cpus")
    assert blame == {"clause": "limits.cpus", "source": "default", "file": None, "line": None}


def test_a_part_is_blamed_on_the_line_of_the_whole():
    blame = limits.blame(made.policy(), "limits.memory.max")
    assert (blame["clause"], blame["file"], blame["line"]) == ("limits.memory.max", made.FILE, 9)
