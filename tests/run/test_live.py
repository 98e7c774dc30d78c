"""When a caller is told how a job is doing: the moments, by a clock of the test's own."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox_cli.run import live

OPENED = 100.0


class Seen:
    """An enforcer, a stream and a clock, as far as they matter here."""

    typed = False
    terminal = True
    in_line = False

    def __init__(self) -> None:
        self.now = OPENED
        self.told: list[Any] = []

    def monotonic(self) -> float:
        return self.now

    def measured(self) -> tuple[dict[str, float], dict[str, str]]:
        return {"cpu_user_s": 1.0, "cpu_system_s": 0.5, "memory_peak_bytes": 7}, {}

    def show(self, figures: Any, limits: Any) -> None:
        assert limits == {"wall_time": 1}
        self.told.append(figures)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen = Seen()
    monkeypatch.setattr(live, "time", seen)
    return seen


@pytest.fixture
def line(seen: Seen) -> live.Live:
    given: Any = seen
    line = live.Live(given.show, {"wall_time": 1}, given, (given,))  # type: ignore[dict-item]
    line.begin(OPENED)
    return line


def look_until(line: live.Live, seen: Any, moment: float) -> None:
    while seen.now < moment:
        seen.now += 0.01
        line.look([seen])


def test_a_job_of_two_seconds_is_never_told_of(line: live.Live, seen: Seen) -> None:
    look_until(line, seen, OPENED + 1.98)
    line.end()
    assert seen.told == []


def test_a_long_job_is_told_of_with_its_figures_at_most_four_times_a_second(line: live.Live, seen: Seen) -> None:
    look_until(line, seen, OPENED + 12)
    assert 15 < len(seen.told) <= 40
    assert seen.told[0]["wall_time_s"] == pytest.approx(2, abs=0.02)
    assert seen.told[0] | {"wall_time_s": 0} == {
        "wall_time_s": 0, "cpu_time_s": 1.5, "cpu_user_s": 1.0, "cpu_system_s": 0.5, "memory_peak_bytes": 7,
    }  # fmt: skip


def test_what_is_shown_goes_before_output_and_comes_again_in_quiet(line: live.Live, seen: Any) -> None:
    look_until(line, seen, OPENED + 3)
    assert seen.told[-1] is not None
    line.make_way(seen)
    assert seen.told[-1] is None
    count = len(seen.told)
    for _ in range(20):  # a job that talks all the time
        line.make_way(seen)
        look_until(line, seen, seen.now + 0.5)
    assert len(seen.told) == count
    look_until(line, seen, seen.now + 0.6)
    assert len(seen.told) > count


def test_output_that_goes_elsewhere_moves_nothing(line: live.Live, seen: Any) -> None:
    seen.terminal = False
    seen.in_line = True
    look_until(line, seen, OPENED + 3)
    line.make_way(seen)
    assert seen.told[-1] is not None


def test_nothing_is_shown_behind_a_prompt(line: live.Live, seen: Seen) -> None:
    seen.in_line = True
    look_until(line, seen, OPENED + 5)
    assert seen.told == []


def test_a_job_that_is_typed_to_is_left_alone_from_then_on(line: live.Live, seen: Seen) -> None:
    look_until(line, seen, OPENED + 3)
    seen.typed = True
    look_until(line, seen, OPENED + 9)
    assert seen.told.index(None) == len(seen.told) - 1


def test_the_end_takes_it_away_once_and_for_good(line: live.Live, seen: Seen) -> None:
    look_until(line, seen, OPENED + 3)
    line.end()
    line.end()
    look_until(line, seen, OPENED + 9)
    assert seen.told.count(None) == 1
    assert seen.told[-1] is None


def test_nobody_to_tell_is_never_due(seen: Any) -> None:
    nobody = live.Live(None, {}, seen, (seen,))
    nobody.begin(OPENED)
    nobody.make_way(seen)
    assert nobody.next is None
