from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput
from forecasting.load.month_peak import month_peak

ZONE = "Europe/Amsterdam"
LOCAL = ZoneInfo(ZONE)
NOW = datetime(2026, 6, 10, 6, tzinfo=UTC)
MONTH_END = datetime(2026, 7, 1, tzinfo=LOCAL)


def measured(until, days, seed=1, spread=0.1):
    """Working days whose highest quarter hour, at noon, is about 50 kW; 5 kW else."""
    rng = np.random.default_rng(seed)
    rows = []
    for back in range(days, 0, -1):
        day = until.astimezone(LOCAL).date() - timedelta(days=back)
        peak_kw = 50.0 * float(np.exp(rng.normal(0, spread))) if day.weekday() < 5 else 6.0
        midnight = datetime(day.year, day.month, day.day, tzinfo=LOCAL).astimezone(UTC)
        rows += [(midnight + timedelta(minutes=15 * k), peak_kw if k == 48 else 5.0) for k in range(0, 96, 16)]
    return rows


def told(now=NOW, so_far_kw=0.0, ends_at=MONTH_END, days=42):
    return month_peak(measured(NOW, days), ZONE, now, ends_at, so_far_kw)


def test_the_highest_of_many_days_is_above_most_days():
    low_kw, middle_kw, high_kw = told().peak_kw
    assert 50.0 < low_kw < middle_kw < high_kw < 110.0


def test_weekends_and_days_that_differ_by_themselves_do_not_make_high_peaks_likely():
    rng = np.random.default_rng(5)
    months_kw = 50.0 * np.exp(rng.normal(0, 0.1, (2000, 15)).max(axis=1))  # so many working days are left
    highest = [month_peak(measured(NOW, 56, seed), ZONE, NOW, MONTH_END, 0.0).peak_kw[2] for seed in range(5)]
    assert np.mean(highest) == pytest.approx(np.quantile(months_kw, 0.9), rel=0.12)


def test_the_fewer_days_are_left_the_lower_the_peak_that_is_expected():
    tomorrow = datetime(2026, 6, 11, tzinfo=LOCAL)
    assert told(ends_at=tomorrow).peak_kw[1] < told().peak_kw[1]


def test_what_was_reached_is_certain_and_a_high_peak_ends_the_matter():
    assert told(so_far_kw=200.0).peak_kw == (200.0, 200.0, 200.0)


def test_after_the_noon_of_the_last_day_nothing_more_is_to_come():
    evening = datetime(2026, 6, 10, 18, tzinfo=UTC)
    history = [*measured(NOW, 42), *[(NOW + timedelta(minutes=15 * k), 5.0) for k in range(48)]]
    view = month_peak(history, ZONE, evening, datetime(2026, 6, 11, tzinfo=LOCAL), 48.0)
    assert view.peak_kw[2] == pytest.approx(48.0, abs=0.5)


def test_bands_hold_the_peaks_of_months_never_seen():
    inside = 0
    for seed in range(20):
        history = measured(datetime(2026, 7, 1, 12, tzinfo=UTC), 72, seed)
        came_kw = max(kw for at, kw in history if at >= NOW)
        low_kw, _, high_kw = month_peak(history, ZONE, NOW, MONTH_END, 0.0).peak_kw
        inside += low_kw <= came_kw <= high_kw
    assert 0.7 <= inside / 20 <= 0.97


def emptied(days_ago, factor=0.15):
    """A garage that has been nearly empty for so many days."""
    since = NOW - timedelta(days=days_ago)
    return [(at, kw * (factor if at >= since else 1.0)) for at, kw in measured(NOW, 56)]


def test_a_garage_that_emptied_weeks_ago_is_not_expected_to_be_full():
    low_kw, middle_kw, high_kw = month_peak(emptied(21), ZONE, NOW, MONTH_END, 0.0).peak_kw
    full_kw = month_peak(measured(NOW, 56), ZONE, NOW, MONTH_END, 0.0).peak_kw
    assert middle_kw < 0.35 * full_kw[1]
    assert low_kw < 0.15 * 70.0 < high_kw


def test_where_weeks_have_differed_more_is_possible():
    def reach(view):
        return view.peak_kw[2] / view.peak_kw[0]

    steady = month_peak(measured(NOW, 56), ZONE, NOW, MONTH_END, 0.0)
    assert reach(month_peak(emptied(21), ZONE, NOW, MONTH_END, 0.0)) > 1.3 * reach(steady)


def test_days_on_which_nothing_flows_make_no_high_peak_likely():
    busy = measured(NOW, 56)
    idle = [(at, 0.0 if at.astimezone(LOCAL).weekday() in (0, 2, 5, 6) else kw) for at, kw in busy]
    assert month_peak(idle, ZONE, NOW, MONTH_END, 0.0).peak_kw[2] < 1.2 * told(days=56).peak_kw[2]


def test_where_nothing_has_ever_flowed_nothing_is_expected():
    nothing = [(at, 0.0) for at, _ in measured(NOW, 30)]
    assert month_peak(nothing, ZONE, NOW, MONTH_END, 0.0).peak_kw == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)


def test_without_history_the_peak_so_far_is_all_that_is_known():
    assert month_peak([], ZONE, NOW, MONTH_END, 12.0).peak_kw == (12.0, 12.0, 12.0)


def test_an_end_that_has_passed_and_an_unknown_zone_are_named():
    with pytest.raises(InvalidInput, match="billing_ends_at"):
        month_peak([], ZONE, NOW, NOW, 0.0)
    with pytest.raises(InvalidInput, match="timezone"):
        month_peak([], "Moon/Base", NOW, MONTH_END, 0.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 500), min_size=1, max_size=20), st.floats(0, 300), st.integers(1, 60 * 24 * 20))
def test_quantiles_ascend_from_what_was_reached(kw, so_far_kw, minutes):
    history = [(NOW - timedelta(hours=7 * k), value) for k, value in enumerate(kw, start=1)]
    view = month_peak(history, ZONE, NOW + timedelta(minutes=minutes - 1), MONTH_END, so_far_kw)
    assert so_far_kw <= view.peak_kw[0] <= view.peak_kw[1] <= view.peak_kw[2]
