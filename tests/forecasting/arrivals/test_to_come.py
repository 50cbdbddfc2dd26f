from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput
from forecasting.arrivals.to_come import arrivals_to_come
from forecasting.arrivals.visits import Visit
from forecasting.calendar import EPOCH, Calendar

ZONE = "Europe/Berlin"
BERLIN = ZoneInfo(ZONE)
FRIDAY = date(2026, 3, 27)
"""The night to the 29th has no hour from two to three."""


def at(day, hour):
    return datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN)


def visit(day, hour, energy_kwh=10.0, stay_h=3.0):
    arrives_at = at(day, hour).astimezone(UTC)
    return Visit(arrives_at, arrives_at + timedelta(hours=stay_h), energy_kwh, 11.0)


def office(days, rng=None):
    """Two visits in the morning and one at 15:00 of every working day before FRIDAY, of about 10 kWh."""
    made = []
    for day in (FRIDAY - timedelta(days=back) for back in range(days, 0, -1)):
        if day.weekday() < 5:
            kwh = 10.0 if rng is None else float(rng.uniform(5, 15))
            made += [visit(day, 8, kwh), visit(day, 9, kwh), visit(day, 15, kwh)]
    return made


def test_what_comes_after_now_on_days_alike_is_expected():
    history = office(40)
    assert arrivals_to_come(history, [], at(FRIDAY, 6), ZONE).energy_kwh[1] == pytest.approx(30.0, rel=1e-3)
    there = [at(FRIDAY, 8), at(FRIDAY, 9)]
    assert arrivals_to_come(history, there, at(FRIDAY, 12), ZONE).energy_kwh[1] == pytest.approx(10.0, rel=0.01)


def test_weekends_and_holidays_are_not_working_days():
    history = office(40)
    assert arrivals_to_come(history, [], at(FRIDAY + timedelta(days=1), 6), ZONE).energy_kwh[1] == 0.0
    good_friday = Calendar(off=np.array([(FRIDAY - EPOCH).days]))
    assert arrivals_to_come(history, [], at(FRIDAY, 6), ZONE, calendar=good_friday).energy_kwh[1] == 0.0


def test_a_busy_morning_promises_a_busy_afternoon():
    history, now = office(40), at(FRIDAY, 12)
    calm, busy = (arrivals_to_come(history, [at(FRIDAY, 9)] * n, now, ZONE).energy_kwh[1] for n in (2, 12))
    assert busy > 1.2 * calm


def test_nothing_that_ends_after_now_is_known():
    now = at(FRIDAY, 6)
    history = office(40)
    later = [*history, visit(FRIDAY, 8, 50.0), visit(FRIDAY - timedelta(days=1), 20, 60.0, stay_h=12.0)]
    assert arrivals_to_come(later, [], now, ZONE) == arrivals_to_come(history, [], now, ZONE)


def test_scenarios_add_up_to_the_distribution_and_lie_ahead():
    now = at(FRIDAY, 6)
    told = arrivals_to_come(office(60, np.random.default_rng(1)), [], now, ZONE, (0.1, 0.3, 0.5, 0.7, 0.9))
    totals_kwh = [sum(visit.energy_kwh for visit in scenario) for scenario in told.scenarios]
    assert totals_kwh == pytest.approx(told.energy_kwh, rel=0.01)
    assert all(visit.arrives_at >= now for scenario in told.scenarios for visit in scenario)


def test_bands_hold_what_they_promise_and_the_middle_beats_last_week_on_days_never_seen():
    rng = np.random.default_rng(4)
    visits = []
    for n in range(150):
        day = FRIDAY + timedelta(days=n)
        if day.weekday() < 5:
            visits += [visit(day, int(rng.integers(7, 18)), float(rng.gamma(3, 4))) for _ in range(rng.poisson(12))]
    inside, ours, last_week = [], [], []
    for n in range(90, 150):
        now = at(FRIDAY + timedelta(days=n), 5)
        came, week_ago = (_came(visits, now - timedelta(days=back)) for back in (0, 7))
        low, middle, high = arrivals_to_come(visits, [], now, ZONE).energy_kwh
        inside.append(low <= came <= high)
        ours.append(abs(middle - came))
        last_week.append(abs(week_ago - came))
    assert 0.7 <= np.mean(inside) <= 0.95
    assert np.mean(ours) < np.mean(last_week)


def _came(visits, begins_at):
    return sum(v.energy_kwh for v in visits if v.arrives_at.astimezone(BERLIN).date() == begins_at.date())


def test_without_history_nothing_is_expected_and_no_scenario_made():
    told = arrivals_to_come([], [], at(FRIDAY, 6), ZONE)
    assert told.energy_kwh == (0.0, 0.0, 0.0)
    assert told.scenarios == ()


def test_naive_instants_and_unknown_zones_are_refused():
    with pytest.raises(InvalidInput, match="now"):
        arrivals_to_come([], [], datetime(2026, 3, 27), ZONE)  # noqa: DTZ001  what is refused
    with pytest.raises(InvalidInput, match="timezone"):
        arrivals_to_come([], [], at(FRIDAY, 6), "Mars/Olympus")


moments = st.builds(lambda m: at(FRIDAY, 0) + timedelta(minutes=m), st.integers(-60 * 24 * 40, 60 * 24 * 3))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(moments, st.floats(0, 80), st.floats(0.1, 40)), max_size=25), moments)
def test_quantiles_ascend_and_no_scenario_asks_for_more_than_a_vehicle_can_draw(stays, now):
    visits = [Visit(begin, begin + timedelta(hours=hours), kwh, 11.0) for begin, kwh, hours in stays]
    told = arrivals_to_come(visits, [], now, ZONE)
    assert 0.0 <= told.energy_kwh[0] <= told.energy_kwh[1] <= told.energy_kwh[2]
    for visit_ in (v for scenario in told.scenarios for v in scenario):
        assert visit_.energy_kwh <= 11.0 * (visit_.departs_at - visit_.arrives_at).total_seconds() / 3600 + 1e-9


def test_when_fewer_come_than_used_to_fewer_are_expected():
    closed_since = FRIDAY - timedelta(days=8)
    history = [v for v in office(60) if v.arrives_at.date() < closed_since or v.arrives_at.hour > 12]
    still_open = arrivals_to_come(office(60), [], at(FRIDAY, 6), ZONE).energy_kwh[1]
    assert arrivals_to_come(history, [], at(FRIDAY, 6), ZONE).energy_kwh[1] < 0.75 * still_open


def test_a_hole_in_the_record_is_not_taken_for_days_on_which_nobody_came():
    """As where sessions were imported up to a day, and the product went into service a month later."""
    before = [visit for visit in office(70) if visit.arrives_at < at(FRIDAY - timedelta(days=32), 0)]
    told = arrivals_to_come([*before, *office(2)], [], at(FRIDAY, 6), ZONE)
    assert told.energy_kwh[1] == pytest.approx(30.0, rel=0.1)
    assert told.scenarios


def test_where_somebody_comes_once_in_three_weeks_the_days_between_are_no_hole():
    seldom = [visit(FRIDAY - timedelta(days=back), 8) for back in range(20, 120, 20)]
    assert arrivals_to_come(seldom, [], at(FRIDAY, 6), ZONE).energy_kwh[1] == 0.0


@pytest.mark.parametrize("share_of_days", [0.1, 0.2, 0.3, 0.4])
def test_where_somebody_comes_now_and_then_no_band_reaches_far_beyond_what_any_day_brought(share_of_days):
    rng = np.random.default_rng(3)
    days = [FRIDAY - timedelta(days=back) for back in range(120) if rng.random() < share_of_days]
    visits = [visit(day, 8, float(rng.uniform(5, 30))) for day in days]
    for back in range(60):
        high = arrivals_to_come(visits, [], at(FRIDAY - timedelta(days=back), 6), ZONE).energy_kwh[-1]
        assert high <= 3 * 30.0
