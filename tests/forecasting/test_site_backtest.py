from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.errors import InvalidInput
from forecasting.arrivals.visits import Visit
from forecasting.site_backtest import backtest_arrivals, backtest_load, backtest_solar
from tests.forecasting.weather_worlds import ARRAY, BEGIN, cloudy_series

DAYS = 70
NOW, SINCE = BEGIN + timedelta(days=DAYS), BEGIN + timedelta(days=60)


def middles(series, change=None):
    stamps = [datetime.fromtimestamp(int(s) + 450, UTC) for s in series.epochs_s]
    return [
        (at, kw if change is None else change(at, kw)) for at, kw in zip(stamps, series.values.tolist(), strict=True)
    ]


def office(at):
    return 10.0 + 5.0 * (6 <= at.hour < 18) + (int(at.timestamp()) // 900 * 7 % 5) / 5


@pytest.fixture(scope="module")
def load():
    return [(at, office(at)) for at, _ in middles(cloudy_series(DAYS))]


def test_load_is_tested_at_every_horizon_against_last_week(load):
    tested = backtest_load("Europe/Berlin", load, NOW, SINCE)
    assert [one.horizon_h for one in tested] == [0.25, 1.0, 4.0, 24.0, 47.0]
    assert {one.baseline for one in tested} == {"same time last week"}
    assert all(one.score.nrmse < 0.1 for one in tested)


def test_what_comes_after_the_last_target_changes_no_score(load):
    end = SINCE + timedelta(days=5)
    until = [entry for entry in load if entry[0] < end]
    assert backtest_load("Europe/Berlin", until, NOW, SINCE) == backtest_load("Europe/Berlin", load, end, SINCE)


def test_nothing_is_tested_where_too_little_lies_before_or_after(load):
    for since in (BEGIN - timedelta(days=1), NOW + timedelta(days=1)):
        with pytest.raises(InvalidInput, match="both sides"):
            backtest_load("Europe/Berlin", load, NOW, since)
    with pytest.raises(InvalidInput, match="too few"):
        backtest_solar(ARRAY, middles(cloudy_series(6)), NOW, BEGIN + timedelta(days=3))


def test_sun_is_tested_against_smart_persistence_with_models_of_its_own_past():
    """Trains for real, once."""
    tested = backtest_solar(ARRAY, middles(cloudy_series(DAYS)), NOW, SINCE)
    assert [one.horizon_h for one in tested] == [0.5, 1.0, 4.0, 24.0, 48.0]
    assert all(np.isfinite(one.score.crps) and one.score.count > 50 for one in tested)


def commuters(days):
    """Who comes every working day at seven, nine and eleven, in UTC, for as many kWh as the hour."""
    mornings = [BEGIN + timedelta(days=n, hours=h) for n in range(days) for h in (7, 9, 11)]
    return [Visit(at, at + timedelta(hours=6), float(at.hour), 11.0) for at in mornings if at.weekday() < 5]


def test_who_will_still_come_is_told_at_several_hours_of_the_day():
    tested = backtest_arrivals("UTC", commuters(52), BEGIN + timedelta(days=40))
    assert [one.horizon_h for one in tested] == [24.0, 18.0, 15.0, 12.0, 9.0]
    assert {one.baseline for one in tested} == {"same day last week"}
    assert min(one.score.count for one in tested) > 7
    assert all(one.score.nrmse < 0.3 for one in tested)


def test_arrivals_without_a_past_are_not_tested():
    for visits in ([], commuters(30)):
        with pytest.raises(InvalidInput, match="both sides"):
            backtest_arrivals("UTC", visits, BEGIN + timedelta(days=40))
