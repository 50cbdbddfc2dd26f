from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput
from cpms.domain.site import SolarArray
from cpms.domain.time import Interval
from forecasting.series import resample
from forecasting.solar.clearsky import clear_sky_kw
from forecasting.solar.persistence import forecast_solar

ARRAY = SolarArray(latitude_deg=52.0, longitude_deg=5.0, tilt_deg=30.0, azimuth_deg=180.0, peak_kw=60.0)
NOON = datetime(2026, 6, 12, 10, tzinfo=UTC)


def steps(start, count=192):
    quarter = timedelta(minutes=15)
    return [Interval(start + k * quarter, start + (k + 1) * quarter) for k in range(count)]


def measured(array, until, days, index):
    times = [until - timedelta(minutes=15 * k) for k in range(days * 96, 0, -1)]
    series = resample([(t, 0.0) for t in times], until, 900, days * 86400)
    return [(t, index * kw) for t, kw in zip(times, clear_sky_kw(array, series.epochs_s + 450), strict=True)]


def test_a_new_array_has_a_band_from_the_first_day():
    forecast = forecast_solar("site", ARRAY, [], steps(NOON), NOON)
    low, middle, high = forecast.values[4]
    assert 0 < low < middle < high <= 1.1 * ARRAY.peak_kw


def test_a_cloudy_morning_lowers_the_next_hours_more_than_tomorrow():
    sunny = forecast_solar("site", ARRAY, measured(ARRAY, NOON, 10, 1.0), steps(NOON), NOON)
    cloudy_now = [(t, kw * (0.2 if t > NOON - timedelta(hours=3) else 1.0)) for t, kw in measured(ARRAY, NOON, 10, 1.0)]
    cloudy = forecast_solar("site", ARRAY, cloudy_now, steps(NOON), NOON)
    now_ratio = cloudy.quantile(0.5)[1] / sunny.quantile(0.5)[1]
    tomorrow_ratio = cloudy.quantile(0.5)[97] / sunny.quantile(0.5)[97]
    assert now_ratio < 0.4
    assert tomorrow_ratio > 0.9


def test_the_band_widens_with_the_horizon():
    forecast = forecast_solar("site", ARRAY, measured(ARRAY, NOON, 10, 0.6), steps(NOON), NOON)
    soon, later, tomorrow = (forecast.values[k] for k in (0, 8, 96))
    assert _relative_width(soon) < _relative_width(later) < _relative_width(tomorrow)


def _relative_width(row):
    return (row[2] - row[0]) / row[1]


def test_there_is_no_sun_at_night_and_none_in_polar_night():
    midnight = datetime(2026, 6, 12, 23, tzinfo=UTC)
    assert max(max(row) for row in forecast_solar("site", ARRAY, [], steps(midnight, 8), midnight).values) == 0.0
    arctic = SolarArray(78.2, 15.6, 30.0, 180.0, 10.0)
    winter = datetime(2026, 12, 20, 6, tzinfo=UTC)
    history = [(winter - timedelta(hours=k), 0.0) for k in range(1, 200)]
    assert max(max(row) for row in forecast_solar("site", arctic, history, steps(winter), winter).values) == 0.0


def test_what_was_measured_after_the_issue_is_not_seen():
    history = measured(ARRAY, NOON, 5, 0.7)
    later = [*history, (NOON, 1e9), (NOON + timedelta(hours=1), 1e9)]
    assert forecast_solar("s", ARRAY, history, steps(NOON), NOON) == forecast_solar(
        "s", ARRAY, later, steps(NOON), NOON
    )


def test_gaps_and_not_a_number_do_not_hurt():
    history = [(t, float("nan") if t.hour == 8 else kw) for t, kw in measured(ARRAY, NOON, 5, 0.7) if t.hour != 9]
    forecast = forecast_solar("site", ARRAY, history, steps(NOON), NOON)
    assert forecast.quantile(0.5)[96] == pytest.approx(
        forecast_solar("site", ARRAY, measured(ARRAY, NOON, 5, 0.7), steps(NOON), NOON).quantile(0.5)[96], rel=0.1
    )


def test_an_impossible_array_is_named():
    with pytest.raises(InvalidInput, match="tilt_deg"):
        forecast_solar("site", SolarArray(52.0, 5.0, 120.0, 180.0, 60.0), [], steps(NOON), NOON)


@settings(max_examples=30, deadline=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    tilt=st.floats(0, 90),
    azimuth=st.floats(0, 360),
    day=st.integers(0, 364),
    kw=st.lists(st.floats(0, 20), max_size=50),
)
def test_quantiles_are_never_negative_and_never_cross(latitude, longitude, tilt, azimuth, day, kw):
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    history = [(start - timedelta(minutes=30 * (k + 1)), value) for k, value in enumerate(kw)]
    array = SolarArray(latitude, longitude, tilt, azimuth, 10.0)
    for row in forecast_solar("site", array, history, steps(start, 96), start).values:
        assert 0.0 <= row[0] <= row[1] <= row[2] <= 15.0
