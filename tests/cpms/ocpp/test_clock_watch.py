"""What messages tell of a station's clock."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.station_clock import StationClock
from cpms.ocpp.clock_watch import ClockWatch
from cpms.ocpp.station_time import StationTime, write_instant

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def told(watch: ClockWatch, ahead_s: float = 0.0) -> StationClock:
    clock = watch.clock(ahead_s)
    assert clock is not None
    return clock


def heard(watch: ClockWatch, ahead_s: list[float], start_s: float = 0.0, every_s: float = 30.0) -> StationClock:
    """What is known after messages in a row."""
    for number, seconds in enumerate(ahead_s):
        watch.note(seconds, NOW + timedelta(seconds=start_s + number * every_s))
    return told(watch)


def test_nothing_is_known_of_a_clock_that_was_not_heard():
    assert ClockWatch().clock(0.0) is None


def test_a_message_or_two_measure_nothing_yet():
    clock = heard(ClockWatch(), [-1.0, -90.0])
    assert (clock.behind_s, clock.measured) == (5.0, False)


@pytest.mark.parametrize(("lateness_s", "behind_s"), [(0.5, 5.0), (4.0, 10.0), (90.0, 95.0), (7200.0, 7205.0)])
def test_a_clock_is_behind_by_no_more_than_its_least_late_message_is_late(lateness_s: float, behind_s: float):
    clock = heard(ClockWatch(), [-lateness_s - 3.0, -lateness_s, -lateness_s - 20.0])
    assert clock.measured
    assert clock.behind_s == behind_s


def test_a_clock_that_is_ahead_may_be_set_right_at_any_moment():
    clock = heard(ClockWatch(), [100.0, 99.0, 98.0])
    assert (clock.behind_s, clock.error_s) == (5.0, 100.0)


def test_a_queue_that_is_worked_off_says_nothing_until_it_is():
    watch = ClockWatch()
    assert not heard(watch, [-1000.0 + 28.0 * n for n in range(30)], every_s=2.0).measured
    assert heard(watch, [-1.0, -2.0, -1.0], start_s=60.0).behind_s == 5.0


def test_a_queue_does_not_make_a_clock_that_is_known_look_slow():
    watch = ClockWatch()
    heard(watch, [-1.0, -1.0, -1.0])
    assert heard(watch, [-600.0, -300.0, -1.0, -1.0, -1.0], start_s=300.0).behind_s == 5.0


def test_a_clock_that_was_set_back_is_behind_within_some_messages():
    watch = ClockWatch()
    heard(watch, [-1.0] * 3)
    assert heard(watch, [-91.0] * 3, start_s=300.0).behind_s == 95.0


def test_what_is_known_rests_on_messages_since_its_row_began():
    watch = ClockWatch()
    assert heard(watch, [-1.0] * 3).since == NOW
    assert heard(watch, [-1.0] * 3, start_s=600.0).since == NOW + timedelta(seconds=600)


@pytest.mark.parametrize("zone_h", [2, -5])
def test_a_clock_that_shows_local_time_may_be_set_to_or_from_summer_time(zone_h: int):
    watch, ahead_s = ClockWatch(), zone_h * 3600.0
    heard(watch, [ahead_s - 1.0] * 3)
    assert told(watch, ahead_s).behind_s == max(0.0, -ahead_s) + 3600.0 + 5.0


def test_a_station_that_starts_anew_may_have_another_time():
    time = StationTime()
    for second in (0, 30, 60):
        time.resolve(write_instant(NOW + timedelta(seconds=second - 90)), NOW + timedelta(seconds=second), [])
    assert time.clock == StationClock(behind_s=95.0, error_s=-90.0)
    time.booted()
    assert time.clock is None


@given(st.floats(-3600, 3600), st.floats(0, 4), st.integers(3, 60), st.integers(0, 1000))
def test_a_clock_is_never_further_behind_than_is_known(error_s: float, swiftest_s: float, messages: int, seed: int):
    random, watch = Random(seed), ClockWatch()
    heard(watch, [error_s - swiftest_s - random.uniform(0, 40) for _ in range(messages)])
    assert told(watch).behind_s >= -error_s
    assert told(watch).behind_s >= 0.0
