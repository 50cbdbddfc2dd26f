from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.series import Series
from forecasting.solar.sensors import find_bad, follows_summer_time, leave_out
from tests.forecasting.weather_worlds import ARRAY, cloudy_series


def spoiled(change):
    series = cloudy_series(10)
    values = series.values.copy()
    change(values)
    return Series(series.epochs_s, values, 900)


def notes(series):
    return {span.note for span in find_bad(ARRAY, series)}


def test_a_healthy_array_has_nothing_left_out():
    assert find_bad(ARRAY, cloudy_series(30)) == []


def test_a_spike_is_found_and_left_out_alone():
    series = spoiled(lambda kw: kw.__setitem__(96 * 4 + 48, 900.0))
    (span,) = find_bad(ARRAY, series)
    assert "more than" in span.note
    assert len(leave_out(series, [span])) == len(series) - 1


def test_a_stuck_meter_is_found_over_its_whole_span():
    series = spoiled(lambda kw: kw.__setitem__(slice(96 * 4 + 40, 96 * 4 + 60), 12.345))
    (span,) = find_bad(ARRAY, series)
    assert span.note == "the same value again and again"
    assert (span.ends_at - span.starts_at).total_seconds() >= 19 * 900


def test_power_at_night_is_found():
    assert "power at night" in notes(spoiled(lambda kw: kw.__setitem__(slice(96 * 4, 96 * 4 + 8), 3.0)))


def test_no_number_and_negative_power_are_found():
    assert notes(spoiled(lambda kw: kw.__setitem__(96 * 4 + 48, np.nan))) == {"below zero or no number"}
    assert notes(spoiled(lambda kw: kw.__setitem__(96 * 4 + 48, -9.0))) == {"below zero or no number"}


def test_a_clock_that_follows_summer_time_is_found_and_a_true_one_is_not():
    zone = ZoneInfo("Europe/Berlin")
    true = cloudy_series(80, begin=datetime(2026, 2, 15, tzinfo=UTC))
    change_s = datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()
    moved = Series(np.where(true.epochs_s >= change_s, true.epochs_s + 3600, true.epochs_s), true.values, 900)
    assert not follows_summer_time(ARRAY, true, zone)
    assert follows_summer_time(ARRAY, moved, zone)
    assert not follows_summer_time(ARRAY, moved, ZoneInfo("UTC"))
