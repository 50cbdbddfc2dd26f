"""A site's forecasts as they serve: by the model in service, or by the simple forecast, and then it says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import Forecast
from cpms.domain.forecast_record import ForecastModel
from cpms.domain.site import Site, SolarArray
from cpms.domain.time import Interval
from cpms.domain.weather import WeatherForecast
from forecasting.calendar import PLAIN, Calendar
from forecasting.load.levels import Pasts, forecast_other_load
from forecasting.load.training import read_load
from forecasting.series import Measurement
from forecasting.solar.learned import NO_RECORD, BandRecord, forecast_learned
from forecasting.solar.persistence import forecast_solar
from forecasting.solar.training import read_solar

SERVED_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
MAX_SILENCE = timedelta(hours=24)
"""A model knows what was just measured; after a day without it guesses more than the simple forecast does."""


@dataclass(frozen=True)
class Served:
    """The forecast that serves, and the simple one it is judged against (the same where that serves)."""

    forecast: Forecast
    floor: Forecast


def serve_load(
    site: Site,
    measured: Sequence[Measurement],
    intervals: Sequence[Interval],
    now: datetime,
    model: ForecastModel | None = None,
    calendar: Calendar = PLAIN,
    record: Pasts | None = None,
) -> Served:
    """Other load [kW] per interval from `measured` (means of quarter hours, stamped in their middle, oldest first); `calendar`:
    the site's holidays, from the first of `measured` to the last of `intervals`; `record`: how its bands did until lately
    (`forecasting.load.backtest.review_load`), else until `model` was trained."""

    def forecast(past: Pasts | None) -> Forecast:
        prior_kw = site.reserved_other_load_kw / 2
        return forecast_other_load(
            site.id, site.timezone, measured, intervals, now, SERVED_LEVELS, prior_kw, past, calendar
        )

    floor = forecast(None)
    if model is None:
        return Served(floor, floor)
    try:
        _require_recent(measured, now)
        trained = read_load(model.text)
    except InvalidInput as problem:
        return _fallen_back(floor, problem)
    return Served(replace(forecast(record or trained), model_version=model.version), floor)


def serve_solar(
    site_id: str,
    array: SolarArray,
    measured: Sequence[Measurement],
    intervals: Sequence[Interval],
    now: datetime,
    model: ForecastModel | None = None,
    record: Sequence[BandRecord] = NO_RECORD,
    weather: WeatherForecast | None = None,
) -> Served:
    """Sun [kW] per interval; `record`: how the model did lately (`forecasting.solar.learned.review`)."""
    floor = forecast_solar(site_id, array, measured, intervals, now, SERVED_LEVELS)
    if model is None:
        return Served(floor, floor)
    try:
        _require_recent(measured, now)
        trained_for, learned = read_solar(model.text)
        if trained_for != array:
            raise InvalidInput("model", "was trained before the array was changed", "wait for the next training")
        if learned.uses_weather:
            _require_weather(weather, now)
    except InvalidInput as problem:
        return _fallen_back(floor, problem)
    ours = forecast_learned(site_id, learned, measured, intervals, now, SERVED_LEVELS, record, weather, floor)
    return Served(replace(ours, model_version=model.version), floor)


def _require_recent(measured: Sequence[Measurement], now: datetime) -> None:
    if not measured or measured[-1][0] < now - MAX_SILENCE:
        since = f"{measured[-1][0]:%Y-%m-%d %H:%M} UTC" if measured else "ever"
        raise InvalidInput("measurements", f"nothing was measured since {since}", "look at the meter")


def _require_weather(weather: WeatherForecast | None, now: datetime) -> None:
    if weather is None:
        raise InvalidInput("weather", "there is no forecast", "look at the weather service")
    if not weather.usable_at(now):
        raise InvalidInput("weather", f"the forecast is of {weather.issued_at:%Y-%m-%d %H:%M} UTC", "it is too old")


def _fallen_back(floor: Forecast, problem: InvalidInput) -> Served:
    simple = replace(floor, fallback=f"{problem.field}: {problem.problem}")
    return Served(simple, simple)
