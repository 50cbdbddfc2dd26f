import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput
from cpms.domain.time import Interval
from forecasting.calendar import EPOCH, Calendar, calendar_of
from forecasting.load.backtest import review_load
from forecasting.load.levels import forecast_other_load
from forecasting.series import resample
from forecasting.time_of_week import STEP_S, WINDOW_S, week_quantiles

ZONE = "Europe/Amsterdam"
MONDAY = datetime(2026, 6, 15, 6, tzinfo=UTC)


def steps(start, count=192):
    quarter = timedelta(minutes=15)
    return [Interval(start + k * quarter, start + (k + 1) * quarter) for k in range(count)]


def office_kw(instant):
    local = instant.astimezone(ZoneInfo(ZONE))
    open_ = local.weekday() < 5 and 8 <= local.hour < 18
    return 40.0 if open_ else 10.0


def history(until, days, kw=office_kw):
    times = [until - timedelta(minutes=15 * k) for k in range(days * 96, 0, -1)]
    return [(t, kw(t)) for t in times]


def test_workdays_are_not_forecast_from_weekends():
    forecast = forecast_other_load("site", ZONE, history(MONDAY, 21), steps(MONDAY), MONDAY)
    assert forecast.at(datetime(2026, 6, 15, 12, tzinfo=UTC)) == pytest.approx(40.0, abs=2.0)
    assert forecast.at(datetime(2026, 6, 15, 23, tzinfo=UTC)) == pytest.approx(10.0, abs=2.0)


def test_the_habits_of_the_clock_survive_the_change_to_winter_time():
    after_change = datetime(2026, 10, 26, 4, tzinfo=UTC)
    forecast = forecast_other_load("site", ZONE, history(after_change, 28), steps(after_change, 96), after_change)
    assert forecast.at(datetime(2026, 10, 26, 6, 30, tzinfo=UTC)) < 20.0
    assert forecast.at(datetime(2026, 10, 26, 7, 30, tzinfo=UTC)) > 30.0


def test_a_site_that_draws_more_than_usual_is_expected_to_go_on_for_a_while():
    tuesday = MONDAY + timedelta(days=1, hours=5)
    usual = history(tuesday, 21)
    more = [(t, kw + (8.0 if t >= tuesday - timedelta(hours=2) else 0.0)) for t, kw in usual]
    before = forecast_other_load("site", ZONE, usual, steps(tuesday), tuesday).quantile(0.5)
    after = forecast_other_load("site", ZONE, more, steps(tuesday), tuesday).quantile(0.5)
    assert after[0] - before[0] == pytest.approx(8.0, abs=1.0)
    assert abs(after[150] - before[150]) < 0.5


def test_the_last_quarter_hour_tells_most_of_the_next_and_little_of_the_one_in_two_hours():
    tuesday = MONDAY + timedelta(days=1, hours=5)
    usual = history(tuesday, 21)
    more = [*usual[:-1], (usual[-1][0], usual[-1][1] + 8.0)]
    before, after = (forecast_other_load("site", ZONE, one, steps(tuesday), tuesday) for one in (usual, more))
    moved_kw = np.array(after.quantile(0.5)) - np.array(before.quantile(0.5))
    assert moved_kw[0] > 5.0
    assert moved_kw[8] < 1.5
    assert (np.diff(moved_kw[:16]) <= 1e-9).all()


def test_whatever_draws_may_stop():
    levels, quantiles_kw = week_quantiles(
        resample(history(MONDAY, 21), MONDAY, STEP_S, WINDOW_S),
        ZoneInfo(ZONE),
        MONDAY.timestamp() + 900.0 * np.arange(192),
        scaled=True,
    )
    assert levels[0] == 0.0
    assert (quantiles_kw[:, 0] == 0.0).all()
    assert (quantiles_kw[:, 1] > 5.0).all()


def test_hours_that_may_be_idle_are_corrected_by_others_that_may():
    rng = np.random.default_rng(8)
    noise = rng.uniform(0.5, 1.5, 100 * 96)
    idle = rng.random(100 * 96) < 0.5

    def garage_kw(instant):
        number = int((MONDAY - instant).total_seconds()) // 900 % len(noise)
        hour = instant.astimezone(ZoneInfo(ZONE)).hour
        return 0.0 if not 6 <= hour < 22 and idle[number] else 20.0 * noise[number]

    drawing, sometimes = {}, {}
    for lead, (idle_past, drawing_past) in enumerate(review_load(history(MONDAY, 100, garage_kw), ZONE, MONDAY)):
        drawing[lead], sometimes[lead] = len(drawing_past.positions), len(idle_past.positions)
    assert all(count > 60 for count in (*drawing.values(), *sometimes.values()))


def test_without_history_the_prior_speaks():
    forecast = forecast_other_load("site", ZONE, [], steps(MONDAY, 4), MONDAY, prior_kw=20.0)
    assert forecast.quantile(0.5) == pytest.approx((20.0,) * 4)
    assert forecast.values[0][0] < 20.0 < forecast.values[0][2]


def test_what_was_measured_after_the_issue_is_not_seen():
    known = history(MONDAY, 10)
    later = [*known, *((MONDAY + timedelta(minutes=15 * k), 999.0) for k in range(20))]
    assert forecast_other_load("s", ZONE, known, steps(MONDAY), MONDAY) == forecast_other_load(
        "s", ZONE, later, steps(MONDAY), MONDAY
    )


def test_an_unknown_zone_is_named():
    with pytest.raises(InvalidInput, match="timezone"):
        forecast_other_load("site", "Mars/Olympus", [], steps(MONDAY), MONDAY)


@settings(max_examples=30, deadline=None)
@given(
    kw=st.lists(st.one_of(st.floats(0, 1e4), st.just(math.nan)), max_size=300),
    step_min=st.sampled_from([1, 15, 60, 300]),
)
def test_quantiles_never_cross_whatever_was_measured(kw, step_min):
    known = [(MONDAY - timedelta(minutes=step_min * (k + 1)), value) for k, value in enumerate(kw)]
    for row in forecast_other_load("site", ZONE, known, steps(MONDAY, 96), MONDAY).values:
        assert 0.0 <= row[0] <= row[1] <= row[2] <= 2e4


def test_a_band_that_held_too_little_is_widened_by_its_past():
    rng = np.random.default_rng(3)
    drift = np.cumsum(rng.normal(0.0, 0.6, 90 * 96))
    wild = [(t, max(0.0, kw + 5.0 * drift[k] / 10)) for k, (t, kw) in enumerate(history(MONDAY, 90))]
    past = review_load(wild, ZONE, MONDAY)
    plain = forecast_other_load("site", ZONE, wild, steps(MONDAY), MONDAY)
    corrected = forecast_other_load("site", ZONE, wild, steps(MONDAY), MONDAY, past=past)
    assert sum(len(one.positions) for kinds in past for one in kinds) > 200
    assert plain.values != corrected.values
    assert all(row[0] <= row[1] <= row[2] for row in corrected.values)


def test_the_review_of_a_site_with_little_history_corrects_nothing():
    few = history(MONDAY, 3)
    past = review_load(few, ZONE, MONDAY)
    assert forecast_other_load("s", ZONE, few, steps(MONDAY), MONDAY, past=past) == forecast_other_load(
        "s", ZONE, few, steps(MONDAY), MONDAY
    )


def test_a_public_holiday_is_forecast_like_a_sunday():
    holiday = datetime(2026, 6, 4, 6, tzinfo=UTC)  # Corpus Christi, a Thursday
    calendar = calendar_of("DE-BY", holiday - timedelta(days=60), holiday + timedelta(days=3), ZoneInfo(ZONE))
    known = history(holiday, 42)
    noon = 4 * 6
    plain = forecast_other_load("site", ZONE, known, steps(holiday), holiday)
    told = forecast_other_load("site", ZONE, known, steps(holiday), holiday, calendar=calendar)
    assert plain.quantile(0.5)[noon] == pytest.approx(40.0)
    assert told.quantile(0.5)[noon] == pytest.approx(10.0)


def test_a_cold_day_is_forecast_from_cold_days():
    def day_of(instant):
        return (instant.astimezone(ZoneInfo(ZONE)).date() - EPOCH).days

    first = day_of(MONDAY) - 42
    cold_days = {first + n for n in range(43) if n % 3 == 0}
    days = np.arange(first, first + 43)
    calendar = Calendar(days=days, day_c=np.array([-5.0 if day in cold_days else 15.0 for day in days]))

    def heated_kw(instant):
        return 60.0 if day_of(instant) in cold_days else 20.0

    # told at midnight, when nothing of the day was measured
    midnight = MONDAY.replace(hour=22) - timedelta(days=1)
    told = forecast_other_load(
        "site", ZONE, history(midnight, 42, heated_kw), steps(midnight), midnight, calendar=calendar
    )
    assert day_of(MONDAY) in cold_days
    assert told.quantile(0.5)[48] == pytest.approx(60.0, abs=5.0)
