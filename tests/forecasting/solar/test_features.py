import numpy as np

from forecasting.series import Series
from forecasting.solar.features import SolarTable, lay_grid
from tests.forecasting.weather_worlds import ARRAY, cloudy_series


def table(series):
    return SolarTable(lay_grid(ARRAY, series, int(series.epochs_s[0]), int(series.epochs_s[-1]) + 900 + 2 * 86400))


def test_no_row_changes_when_what_comes_after_its_issue_does():
    series = cloudy_series(40)
    issues, ahead = np.array([3000, 3030, 3060]), np.array([0, 7, 47])
    for row, issue in enumerate(issues):
        changed = np.where(np.arange(len(series)) >= issue, 17.0, series.values)
        before = table(series).rows(issues, ahead)[row]
        after = table(Series(series.epochs_s, changed, 900)).rows(issues, ahead)[row]
        assert np.array_equal(before, after, equal_nan=True)


def test_rows_know_what_was_measured_just_before():
    series = cloudy_series(40)
    noon = 96 * 30 + 46
    changed = np.where(np.arange(len(series)) == noon - 1, 0.0, series.values)
    before = table(series).rows(np.array([noon]), np.array([0]))
    after = table(Series(series.epochs_s, changed, 900)).rows(np.array([noon]), np.array([0]))
    assert not np.array_equal(before, after, equal_nan=True)


def test_smart_persistence_holds_the_last_index_over_the_night():
    series = cloudy_series(5)
    index_of = table(series)
    evening, night = 96 * 3 + 60, 96 * 3 + 95
    held = index_of.persistence(np.array([evening, night]))
    assert 0.0 < held[0] <= 1.5
    assert np.isfinite(held[1])


def test_steps_without_a_measurement_are_unknown_and_not_zero():
    series = cloudy_series(5)
    keep = np.arange(len(series)) % 96 != 48
    gappy = table(Series(series.epochs_s[keep], series.values[keep], 900))
    assert np.isfinite(gappy.power_kw(np.array([48])))[0]
    both = (np.arange(len(series)) % 96 < 48) | (np.arange(len(series)) % 96 > 49)
    assert np.isnan(table(Series(series.epochs_s[both], series.values[both], 900)).power_kw(np.array([48])))[0]
