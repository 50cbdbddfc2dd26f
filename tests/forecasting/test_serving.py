"""A site's solar and load models from training to serving, on a made-up sky."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.site import Feeder, Site
from cpms.domain.weather import WeatherForecast
from forecasting.learning.conformal import Past
from forecasting.learning.contest import HELD_OUT
from forecasting.learning.stored import pack
from forecasting.load.training import train_site_load, write_load
from forecasting.series import zone_of
from forecasting.serving import serve_load, serve_solar
from forecasting.solar.clearsky import clear_sky
from forecasting.solar.training import as_expected, read_solar, train_site_solar
from tests.forecasting.weather_worlds import ARRAY, BEGIN, cloudy_series, steps

DAYS = 110
NOW = BEGIN + timedelta(days=DAYS)
ZONE = zone_of("Europe/Berlin")
SITE = Site("site", "Site", "Europe/Berlin", "EUR", (Feeder("grid", 100.0),), reserved_other_load_kw=20.0)


def in_the_middle(series):
    stamps = [datetime.fromtimestamp(int(s) + 450, UTC) for s in series.epochs_s]
    return list(zip(stamps, series.values.tolist(), strict=True))


@pytest.fixture(scope="module")
def weather():
    """A service that is right about the clouds: every day at six, for three days."""
    series = cloudy_series(DAYS + 4)
    hours = np.arange(0, len(series), 4)
    sky = clear_sky(ARRAY.latitude_deg, ARRAY.longitude_deg, series.epochs_s[hours])
    power_kw, clear_w = np.maximum(series.values[hours], 0.0), sky.global_w_m2
    index = np.clip(power_kw / np.maximum(0.05 * clear_w, 1.0), 0.0, 1.0)
    words = [
        (datetime.fromtimestamp(int(s), UTC), float(i * w))
        for s, i, w in zip(series.epochs_s[hours], index, clear_w, strict=True)
    ]
    issues = [BEGIN + timedelta(days=day, hours=6) for day in range(DAYS)]
    return [_issue(at, [word for word in words if at <= word[0] < at + timedelta(days=3)]) for at in issues]


def _issue(at, words):
    return WeatherForecast(at, tuple(w[0] for w in words), tuple(w[1] for w in words), (15.0,) * len(words))


@pytest.fixture(scope="module")
def measured():
    return in_the_middle(cloudy_series(DAYS))


@pytest.fixture(scope="module")
def with_weather(measured, weather):
    """Trained for seconds, once for the module; a spike and a stuck afternoon are in what was measured."""
    spoiled = list(measured)
    spoiled[48] = (spoiled[48][0], 900.0)
    return train_site_solar("site", ARRAY, ZONE, spoiled, weather, NOW, None)


def test_a_model_with_good_weather_beats_the_simple_forecast_and_says_what_it_left_out(with_weather):
    assert with_weather.in_service, with_weather.why
    assert with_weather.crps < 0.8 * with_weather.floor_crps
    assert read_solar(with_weather.text)[1].uses_weather
    assert any("more than the array can give" in note for note in with_weather.notes)
    assert with_weather.data_until <= NOW - HELD_OUT


def test_it_serves_with_its_version_while_weather_is_fresh(with_weather, measured, weather):
    serving = replace(with_weather, version=4)
    served = serve_solar("site", ARRAY, measured, steps(NOW), NOW, serving, weather=weather[-1])
    assert (served.forecast.model_version, served.forecast.fallback) == (4, "")
    assert served.forecast.values != served.floor.values
    assert "clear sky" in served.floor.method


@pytest.mark.parametrize(
    ("age", "reason"), [(None, "weather: there is no forecast"), (timedelta(days=2), "weather: the forecast is of")]
)
def test_without_fresh_weather_the_simple_forecast_serves_and_says_why(with_weather, measured, weather, age, reason):
    latest = None if age is None else replace(weather[-1], issued_at=NOW - age)
    served = serve_solar("site", ARRAY, measured, steps(NOW), NOW, with_weather, weather=latest)
    assert served.forecast.values == served.floor.values
    assert served.forecast.model_version == 0
    assert served.forecast.fallback.startswith(reason)


def test_a_meter_that_fell_silent_an_array_that_changed_and_an_old_version_are_reasons_too(
    with_weather, measured, weather
):
    def fallback(array=ARRAY, history=measured, model=with_weather):
        return serve_solar("s", array, history, steps(NOW), NOW, model, weather=weather[-1]).forecast.fallback

    assert "nothing was measured since" in fallback(history=measured[:-100])
    assert "nothing was measured since ever" in fallback(history=[])
    assert "before the array was changed" in fallback(array=replace(ARRAY, peak_kw=70.0))
    assert "another version" in fallback(model=replace(with_weather, text=pack({})[:-2] + 'x"}'))


def test_a_new_array_is_forecast_from_the_first_day_without_any_reason_to_complain():
    served = serve_solar("site", ARRAY, [], steps(NOW), NOW)
    assert max(served.forecast.quantile(0.5)) > 0.0
    assert (served.forecast.model_version, served.forecast.fallback) == (0, "")


def test_too_little_history_trains_nothing(measured):
    assert train_site_solar("site", ARRAY, ZONE, measured[-30 * 96 :], [], NOW, None) is None
    assert train_site_solar("site", ARRAY, ZONE, [], [], NOW, None) is None


def test_training_sees_weather_only_as_it_was_expected_a_day_before(weather):
    known = as_expected(weather, NOW)
    by_hour = {
        (issue.issued_at, at): w for issue in weather for at, w in zip(issue.valid_at, issue.global_w_m2, strict=True)
    }
    for at, global_w_m2 in list(zip(known.valid_at, known.global_w_m2, strict=True))[100:200]:
        issued_at = max(i for i, valid_at in by_hour if valid_at == at and i + timedelta(hours=24) <= at)
        assert by_hour[issued_at, at] == global_w_m2
    assert as_expected(weather[:30], NOW) is None


def load(days):
    count = days * 96
    rng = np.random.default_rng(3)
    stamps = [NOW - timedelta(minutes=15) * (count - n) + timedelta(minutes=7.5) for n in range(count)]
    return [(at, 10.0 + 5.0 * (6 <= at.hour < 18) + float(rng.normal(0, 1))) for at in stamps]


def test_a_load_model_is_scored_against_the_simple_forecast_and_serves_only_if_it_is_better():
    history = load(100)
    model = train_site_load("site", SITE.timezone, history, NOW, None)
    assert model.scored > 700
    assert model.in_service == (model.crps < model.floor_crps)
    assert train_site_load("site", SITE.timezone, history[-20 * 96 :], NOW, None) is None


def test_a_load_model_corrects_the_bands_and_falls_back_like_any_other():
    history = load(70)
    low, high = (((Past(np.arange(200) / 400 + begin, np.ones(200)),) * 2,) * 5 for begin in (0.0, 0.5))
    model = ForecastModel("site", ModelKind.LOAD, 2, NOW, NOW, NOW, 0, write_load(low))
    served = serve_load(SITE, history, steps(NOW), NOW, model)
    assert served.forecast.model_version == 2
    assert served.forecast.quantile(0.5)[50] < served.floor.quantile(0.5)[50]
    lately = serve_load(SITE, history, steps(NOW), NOW, model, record=high)
    assert lately.forecast.quantile(0.5)[50] > served.floor.quantile(0.5)[50]
    silent = serve_load(SITE, history[:-200], steps(NOW), NOW, model)
    assert "nothing was measured" in silent.forecast.fallback
    assert serve_load(SITE, [], steps(NOW), NOW).forecast.quantile(0.5)[0] == 10.0
