"""Steps lie on the clock and end where somebody leaves soon."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.benchmarks.acn.data import ZONE
from tests.benchmarks.acn.horizon import mean_over, steps_until

MIDNIGHT = datetime(2019, 7, 1, tzinfo=ZONE)


def minutes(now: int, departures: list[int]) -> list[int]:
    """Lengths of the steps [min]."""
    return [round(60 * step.duration_h) for step in steps_until(MIDNIGHT, now, departures)]


def test_steps_grow_longer() -> None:
    assert minutes(0, [72]) == [15] * 4 + [30] * 4 + [60] * 3


def test_the_first_step_ends_on_the_clock_and_the_last_after_the_last_departure() -> None:
    assert minutes(2, [8]) == [5, 15, 10, 5]
    assert minutes(1, [50])[-1] == 60


def test_a_departure_soon_ends_a_step_and_a_late_one_does_not() -> None:
    assert minutes(0, [4, 72])[:3] == [15, 5, 10]
    assert minutes(0, [67, 72]) == minutes(0, [72])


def test_prices_are_means_over_steps() -> None:
    steps = steps_until(MIDNIGHT, 0, [6])
    assert mean_over([0.0, 0.0, 3.0, 1.0, 1.0, 1.0], MIDNIGHT, steps) == pytest.approx((1.0, 1.0))
