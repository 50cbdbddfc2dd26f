from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cpms.simulation.vehicle import TAPER_TO, accepted_a, follow


def one(value: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([value])


def settle(current_a: float, target_a: float, seconds: int) -> float:
    values = one(current_a)
    for _ in range(seconds):
        values = follow(values, one(target_a))
    return float(values[0])


def test_a_vehicle_takes_its_full_current_until_it_is_nearly_full() -> None:
    assert accepted_a(one(7.9), one(10.0), one(32.0))[0] == 32.0


def test_near_full_it_takes_less_and_less() -> None:
    assert accepted_a(one(9.0), one(10.0), one(32.0))[0] == 32.0 * (1 + TAPER_TO) / 2
    assert accepted_a(one(9.99), one(10.0), one(32.0))[0] < 13.0


def test_a_taper_never_goes_below_the_least_current_a_vehicle_can_draw() -> None:
    assert accepted_a(one(9.99), one(10.0), one(10.0))[0] == 6.0


def test_a_full_vehicle_and_an_empty_outlet_take_nothing() -> None:
    assert accepted_a(one(10.0), one(10.0), one(32.0))[0] == 0.0
    assert accepted_a(one(0.0), one(0.0), one(0.0))[0] == 0.0


def test_a_vehicle_ignores_a_limit_below_six_amps_and_wakes_when_it_is_raised() -> None:
    assert settle(16.0, 5.9, 10) == 0.0
    assert settle(0.0, 6.0, 1) == 6.0


def test_it_is_down_within_two_seconds_and_up_within_seven() -> None:
    assert settle(32.0, 0.0, 2) == 0.0
    assert settle(32.0, 8.0, 2) == 8.0
    assert settle(0.0, 32.0, 8) == 32.0


@given(current_a=st.sampled_from([0.0, 6.0, 13.0, 32.0]), target_a=st.floats(0, 80))
def test_it_never_draws_more_than_the_higher_of_before_and_limit_nor_between_zero_and_six(
    current_a: float, target_a: float
) -> None:
    next_a = settle(current_a, target_a, 1)
    assert next_a <= max(current_a, target_a)
    assert next_a == 0.0 or next_a >= 6.0
