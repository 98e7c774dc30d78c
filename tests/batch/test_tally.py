"""Quantiles of any number of jobs."""

from __future__ import annotations

import random

import pytest

from sandbox_cli.batch.tally import Spread


@pytest.mark.parametrize("shape", [(1e-3, 2.0), (1e8, 0.5), (1.0, 0.0)])
def test_quantiles_are_true_to_a_hundredth(shape: tuple[float, float]) -> None:
    dice, spread = random.Random(7), Spread()
    values = [shape[0] * dice.lognormvariate(0, shape[1]) for _ in range(10_000)]
    for value in values:
        spread.add(value)
    values.sort()
    assert spread.quantiles() == pytest.approx((values[4999], values[8999], values[9899], values[-1]), rel=0.0101)
    assert len(spread._counts) < 2000


def test_nothing_has_no_quantiles_and_zero_has() -> None:
    spread = Spread()
    assert spread.quantiles() is None
    spread.add(0.0)
    assert spread.quantiles() == (0, 0, 0, 0)
