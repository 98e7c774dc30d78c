"""Times, sizes, counts and numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import units


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("wall_time", "10s", 10.0), ("wall_time", "250ms", 0.25), ("wall_time", "1.5min", 90.0),
        ("cpu_time", "10min", 600.0), ("cpu_time", "2h", 7200.0), ("wall_time", "1d", 86400.0),
        ("memory", "512MiB", 512 << 20), ("memory", "1.5GiB", 3 << 29), ("memory", "64 KiB", 65536),
        ("memory", "1MB", 1_000_000), ("memory", "1kB", 1000), ("memory", "7B", 7), ("output", "0B", 0),
        ("processes", "64", 64), ("open_files", "1", 1), ("cpus", "1.5", 1.5), ("cpus", "2", 2.0),
        ("cpus", "0.01", 0.01),
    ],
)  # fmt: skip
def test_a_quantity_becomes_its_canonical_value(name: str, text: str, value: float) -> None:
    parsed = units.parse_limit(name, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        ("wall_time", "10", "no unit", "10s"),
        ("memory", "512", "no unit", "512MiB"),
        ("memory", "512M", "not a unit", "512MiB"),
        ("memory", "1g", "not a unit", "1GiB"),
        ("memory", "1mb", "not a unit", "1MB"),
        ("memory", "1KB", "not a unit", "1kB"),
        ("memory", "1bytes", "not a unit", "1B"),
        ("wall_time", "5m", "not a unit", "5min"),
        ("wall_time", "5sec", "not a unit", "5s"),
        ("wall_time", "5msec", "not a unit", "5ms"),
        ("wall_time", "1hour", "not a unit", "1h"),
        ("processes", "64k", "not a whole number", "without a unit"),
        ("processes", "1.5", "no whole number", "write it as in 64"),
        ("memory", "1.5B", "no whole number of bytes", "write it as in 512MiB"),
        ("processes", "010", "not a whole number", "64"),
        ("processes", "-1", "not a whole number", "64"),
        ("processes", "1e3", "not a whole number", "64"),
        ("processes", "\u0661", "not a whole number", "64"),
        ("wall_time", "1:30", "not a time", "10s"),
        ("wall_time", "", "not a time", "10s"),
        ("wall_time", "10s\n", "not a time", "10s"),
        ("processes", "0", "more than 0", "none"),
        ("cpus", "0", "more than 0", "none"),
        ("cpus", "0.0099", "too little", "at least 0.01"),
        ("scratch_size", "0B", "more than 0", "none"),
        ("memory", "9999999TiB", "too much", "at most 4194304TiB"),
        ("wall_time", "9999999999s", "too much", "at most 1000000000s"),
        ("processes", "9999999999", "too much", "at most 2147483647"),
        ("memry", "1B", "no limit 'memry'", "memory"),
    ],
)  # fmt: skip
def test_what_is_no_quantity_is_refused_with_the_right_spelling(
    name: str, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(PolicyError) as caught:
        units.parse_limit(name, text)
    assert message in caught.value.message
    assert caught.value.clause == f"limits.{name}"
    if hint:
        assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("memory", 536870912, "512MiB"), ("memory", 1_000_000, "1MB"), ("memory", 1500, "1500B"),
        ("memory", 1 << 40, "1TiB"), ("memory", 1536 << 20, "1536MiB"), ("output", 0, "0B"),
        ("wall_time", 600.0, "10min"), ("wall_time", 90.0, "90s"), ("wall_time", 0.1, "100ms"),
        ("wall_time", 0.00015, "0.00015s"), ("processes", 64, "64"), ("cpus", 0.5, "0.5"), ("cpus", 4.0, "4"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_briefly_as_it_is_exact(name: str, value: float, text: str) -> None:
    assert units.format_limit(name, value) == text


@given(some.integers(0, 1 << 62))
def test_every_size_survives_being_written_and_read(value: int) -> None:
    assert units.parse("size", units.format_value("size", value)) == value


@given(some.integers(0, (1 << 31) - 1))
def test_every_count_survives_being_written_and_read(value: int) -> None:
    assert units.parse("count", units.format_value("count", value)) == value


@given(some.floats(1e-9, 1e9))
def test_every_time_survives_being_written_and_read(value: float) -> None:
    assert units.parse("time", units.format_value("time", value)) == value


@given(some.floats(1e-9, 65536))
def test_every_number_survives_being_written_and_read(value: float) -> None:
    assert units.parse("number", units.format_value("number", value)) == value


@given(some.sampled_from(sorted(units.LIMITS)), some.text(max_size=40))
def test_any_text_gives_a_value_or_a_policy_error(name: str, text: str) -> None:
    try:
        value = units.parse_limit(name, text)
    except PolicyError as error:
        assert error.message
    else:
        assert units.parse_limit(name, units.format_limit(name, value)) == value
