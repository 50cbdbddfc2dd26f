from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.weather import WeatherForecast
from forecasting.score import rmse
from forecasting.solar.backtest import hindcast_solar, terms
from forecasting.solar.features import SolarTable, lay_grid
from forecasting.solar.learned import NO_RECORD, BandRecord, forecast_learned, review, with_weather
from forecasting.solar.model import SolarModel, train_solar
from forecasting.solar.persistence import forecast_solar
from tests.forecasting.weather_worlds import ARRAY, BEGIN, as_history, cloudy_series, steps

DAYS, TRAINED_DAYS = 130, 100
NOON = BEGIN + timedelta(days=TRAINED_DAYS + 20, hours=11)


@pytest.fixture(scope="module")
def series():
    return cloudy_series(DAYS)


@pytest.fixture(scope="module")
def table(series):
    return SolarTable(lay_grid(ARRAY, series, int(series.epochs_s[0]), int(series.epochs_s[-1]) + 900))


@pytest.fixture(scope="module")
def model(table):
    return train_solar(table, 0, TRAINED_DAYS * 96)


@pytest.fixture(scope="module")
def history(series):
    return as_history(series)


def test_a_trained_model_beats_smart_persistence_on_days_it_never_saw(table):
    made = hindcast_solar(table, terms(table, TRAINED_DAYS * 96, refit_days=91), ahead=7, capacity_kw=ARRAY.peak_kw)
    score = made.score(ARRAY.peak_kw)
    assert score.skill > 0.05
    assert 0.65 < score.coverage_80 < 0.95
    assert rmse(made.persistence_kw, made.actual_kw) > 0


def test_too_little_history_trains_nothing(table):
    assert train_solar(table, 0, 5 * 96) is None


def test_a_stored_model_says_the_same_after_reading_it_back(model, history):
    again = SolarModel.from_text(model.to_text())
    said, says = (forecast_learned("s", one, history, steps(NOON), NOON).values for one in (model, again))
    assert np.allclose(said, says, atol=0.05)


def test_what_was_measured_after_the_issue_is_not_seen(model, history):
    changed = [(t, kw if t < NOON else 49.0) for t, kw in history]
    assert forecast_learned("s", model, history, steps(NOON), NOON) == forecast_learned(
        "s", model, changed, steps(NOON), NOON
    )


def test_quantiles_ascend_and_nights_are_dark(model, history):
    forecast = forecast_learned("s", model, history, steps(NOON), NOON, record=review(model, history, NOON))
    values = np.array(forecast.values)
    assert (np.diff(values, axis=1) >= 0).all()
    assert values.min() >= 0.0
    assert values[datetime_step(23)].max() == 0.0
    assert "learned until" in forecast.method


def datetime_step(hour):
    return int((datetime(NOON.year, NOON.month, NOON.day, hour, tzinfo=UTC) - NOON) / timedelta(minutes=15))


def test_where_persistence_did_better_it_serves(model, history):
    loser = BandRecord(np.zeros(0), squared_error=2.0, persistence_squared_error=1.0)
    forecast = forecast_learned("s", model, history, steps(NOON), NOON, record=(loser, *NO_RECORD[1:]))
    simple = forecast_solar("s", model.array, history, steps(NOON), NOON)
    assert forecast.values[:8] == simple.values[:8]
    assert forecast.values[8:40] != simple.values[8:40]
    assert "smart persistence" in forecast.method


def test_the_review_looks_only_at_what_came_after_training(model, history):
    first_day = BEGIN + timedelta(days=TRAINED_DAYS)
    assert review(model, history, first_day) == NO_RECORD
    later = review(model, history, NOON)
    assert all(len(band.positions) > 0 for band in later)
    assert all(0.0 <= band.covered <= 1.0 for band in later)


def test_a_model_that_wants_weather_falls_back_when_there_is_none_or_it_is_old(model, history):
    wants = SolarModel(model.array, model.trained_from_s, model.trained_until_s, True, model.bands, model.holdout)
    simple = forecast_solar("s", model.array, history, steps(NOON), NOON)
    hours = tuple(NOON + timedelta(hours=k) for k in range(49))
    old = WeatherForecast(NOON - timedelta(days=2), hours, (500.0,) * 49, (10.0,) * 49)
    fresh = WeatherForecast(NOON - timedelta(hours=1), hours, (500.0,) * 49, (10.0,) * 49)
    not_yet = WeatherForecast(NOON + timedelta(hours=1), hours, (500.0,) * 49, (10.0,) * 49)
    for weather in (None, old, not_yet):
        assert forecast_learned("s", wants, history, steps(NOON), NOON, weather=weather) == simple
    assert forecast_learned("s", wants, history, steps(NOON), NOON, weather=fresh) != simple


def test_a_week_under_snow_is_expected_to_go_on(model, history):
    snowed = [(t, 0.0 if NOON - timedelta(days=7) <= t else kw) for t, kw in history]
    under = forecast_learned("s", model, snowed, steps(NOON), NOON)
    assert under.quantile(0.5)[0] < 0.5 * forecast_learned("s", model, history, steps(NOON), NOON).quantile(0.5)[0]


def test_missing_hours_of_weather_are_not_made_up(table):
    hours = [NOON + timedelta(hours=k) for k in range(12) if not 2 < k < 7]
    grid = with_weather(table.grid, WeatherForecast(NOON, tuple(hours), (500.0,) * len(hours), (10.0,) * len(hours)))
    place = grid.position(NOON.timestamp())
    known = np.isfinite(grid.weather_c[place : place + 48]).reshape(-1, 4).all(axis=1)
    assert known.tolist() == [True, True] + [False] * 5 + [True] * 4 + [False]
    assert not np.isfinite(grid.weather_c[:place]).any()
