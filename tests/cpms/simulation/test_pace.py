"""How fast a day may pass on this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.settings import LATENCY_S
from cpms.simulation.pace import (
    FASTEST_CHOSEN,
    SLOWEST_CHOSEN,
    TOLERATED,
    UNIT_S,
    Pace,
    affordable_pace,
    pace_for,
)


def test_a_machine_as_fast_as_needed_lives_the_day_in_three_minutes() -> None:
    assert pace_for(UNIT_S) == pace_for(0.5 * UNIT_S) == Pace(FASTEST_CHOSEN)


def test_a_machine_that_has_half_the_time_takes_twice_as_long_and_its_messages_may_too() -> None:
    pace = pace_for(2.0 * UNIT_S)
    assert pace.speed == 0.5 * FASTEST_CHOSEN
    assert pace.latency_s == 2.0 * LATENCY_S


def test_a_slower_day_leaves_a_slower_machine_as_much_of_the_clock_for_its_work() -> None:
    assert pace_for(2.0 * UNIT_S).clock_s(1.0) == pytest.approx(Pace(FASTEST_CHOSEN).clock_s(1.0))


def test_a_machine_that_is_hopelessly_busy_still_ends_the_day() -> None:
    assert pace_for(100.0 * UNIT_S).speed == SLOWEST_CHOSEN


@given(st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_a_slower_machine_never_lives_faster_nor_expects_quicker_messages(one: float, other: float) -> None:
    fast, slow = (pace_for(each * UNIT_S) for each in sorted((one, other)))
    assert slow.speed <= fast.speed
    assert slow.latency_s >= fast.latency_s


def test_small_differences_between_runs_do_not_change_the_pace() -> None:
    assert pace_for(0.99 * TOLERATED * UNIT_S) == Pace(FASTEST_CHOSEN)


def test_this_machine_gets_a_pace_it_can_live() -> None:
    assert SLOWEST_CHOSEN <= affordable_pace().speed <= FASTEST_CHOSEN
