"""A site's whole set of forecasts from what its meters said and what was trained. Runs in a worker."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cpms.app.day_and_month import Measured
from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import Forecast
from cpms.domain.forecast_record import ForecastModel, ForecastPoint, ModelKind
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.tariff import PriceInterval, Tariff
from cpms.domain.time import Interval, floor_time
from cpms.domain.weather import WeatherForecast
from data.forecast_records import Temperatures
from data.means import Quarters

if TYPE_CHECKING:
    from forecasting.arrivals.rests import Outlook
    from forecasting.arrivals.visits import Visit
    from forecasting.calendar import Calendar
    from forecasting.load.levels import Pasts
    from forecasting.prices.day_ahead import Pasts as PricePasts
    from forecasting.serving import Served
    from forecasting.sessions.model import Record
    from forecasting.solar.learned import BandRecord

log = logging.getLogger(__name__)

STEP_S = 900
HORIZON_STEPS = 48 * 4
HALF_S = STEP_S // 2
"""A mean stands for the middle of its step."""

SCORED_STEPS = (1, 4, 16, 96, 188)
"""Steps whose expectation is kept to be scored: a quarter of an hour, 1, 4, 24 and 47 hours ahead."""

NO_TEMPERATURES = Temperatures()


@dataclass(frozen=True)
class Trained:
    """What serves: models by kind, and how each, and the forecast of prices, did lately (None: not looked at yet)."""

    models: Mapping[ModelKind, ForecastModel] = field(default_factory=dict)
    solar_record: Sequence[BandRecord] | None = None
    load_record: Pasts | None = None
    session_records: Mapping[str, Record] | None = None
    price_record: PricePasts | None = None


@dataclass(frozen=True)
class Seen:
    """Everything a site's forecasts are made of, as known when they are issued.

    `quarters`: what the meter of the grid connection said; `ended`, `present`: sessions; `temperatures`: of the days before;
    `market`: published prices, past and to come.
    """

    site: Site
    quarters: Quarters
    trained: Trained = field(default_factory=Trained)
    weather: WeatherForecast | None = None
    ended: Sequence[Session] = ()
    present: Sequence[Session] = ()
    tariff: Tariff | None = None
    temperatures: Temperatures = field(default_factory=Temperatures)
    market: Sequence[PriceInterval] = ()


@dataclass(frozen=True)
class SiteForecasts:
    """Forecasts, the points of them that are kept to be scored, and who may still come (None: too little is known)."""

    forecasts: tuple[Forecast, ...]
    points: tuple[ForecastPoint, ...]
    arrivals: Outlook | None = None


def forecast_site(seen: Seen, now: datetime) -> SiteForecasts:
    """Other load, sun and prices of the coming 48 h, who still comes today, and the month's peak."""
    from cpms.app.site_arrivals import expected_arrivals, visits_of

    site, load = seen.site, load_of(seen.quarters)
    calendar = load_calendar(site, load, now, seen.temperatures, seen.weather)
    served, visits = _served(seen, load, calendar, now), visits_of(site, seen.ended)
    told, kept = _of_day_and_month(seen, visits, calendar, now)
    prices, told_prices = _prices(seen, now)
    return SiteForecasts(
        (*(one.forecast for one in served), *told, *([] if prices is None else [prices])),
        (*(point for one in served for point in _points(one)), *kept, *told_prices),
        expected_arrivals(site, visits, seen.present, seen.quarters, seen.tariff, now),
    )


def _of_day_and_month(
    seen: Seen, visits: Sequence[Visit], calendar: Calendar, now: datetime
) -> tuple[list[Forecast], list[ForecastPoint]]:
    """Who still comes today, and the month's peak, with the points of them that are kept."""
    from cpms.app.day_and_month import arrival_points, peak_points
    from cpms.app.site_arrivals import demand_window_s, forecast_arrivals, forecast_peak, power_of

    told: list[Forecast] = []
    kept: list[ForecastPoint] = []
    if visits:
        told.append(forecast_arrivals(seen.site, visits, seen.present, calendar, now))
        kept += arrival_points(told[-1], visits)
    power, window_s = power_of(seen.quarters), demand_window_s(seen.tariff)
    peak = forecast_peak(seen.site, power, seen.tariff, calendar, now)
    if peak is not None and window_s is not None:
        told.append(peak)
        kept += peak_points(peak, power, window_s)
    return told, kept


def _served(seen: Seen, load: Measured, calendar: Calendar, now: datetime) -> list[Served]:
    """Other load, and the sun of a site that has an array."""
    from forecasting.serving import serve_load, serve_solar
    from forecasting.solar.learned import NO_RECORD

    site, models, intervals = seen.site, seen.trained.models, coming(now)
    served = [serve_load(site, load, intervals, now, models.get(ModelKind.LOAD), calendar, seen.trained.load_record)]
    if site.solar is not None:
        record, sun = seen.trained.solar_record or NO_RECORD, sun_of(seen.quarters)
        model = models.get(ModelKind.SOLAR)
        served.append(serve_solar(site.id, site.solar, sun, intervals, now, model, record, seen.weather))
    return served


def _prices(seen: Seen, now: datetime) -> tuple[Forecast | None, tuple[ForecastPoint, ...]]:
    """What a kWh will cost a site whose tariff follows a market that has published anything, and the points of it that are kept."""
    from cpms.app.prices_told import price_points, prices_that_came
    from forecasting.prices.day_ahead import forecast_price
    from forecasting.serving import SERVED_LEVELS

    if seen.tariff is None or seen.tariff.day_ahead is None or not seen.market:
        return None, ()
    published = [seen.tariff.day_ahead.price(one) for one in seen.market]
    record = seen.trained.price_record
    told = forecast_price(seen.site.id, seen.tariff.timezone, published, coming(now), now, SERVED_LEVELS, record)
    return told, price_points(told, prices_that_came(seen.tariff, seen.market), SCORED_STEPS)


def load_calendar(
    site: Site,
    load: Measured,
    now: datetime,
    temperatures: Temperatures = NO_TEMPERATURES,
    weather: WeatherForecast | None = None,
) -> Calendar:
    """The site's public holidays over what was measured of its `load` (oldest first) and all that may be forecast at `now`, and the
    temperatures of its days: as they were told, and as `weather` tells them now.

    A stored region that is not known any more costs the holidays, never the forecast.
    """
    from forecasting.calendar import calendar_of

    first_at, zone = load[0][0] if load else now, ZoneInfo(site.timezone)
    last_at = now + timedelta(seconds=STEP_S * HORIZON_STEPS)
    try:
        calendar = calendar_of(site.region, first_at, last_at, zone)
    except InvalidInput as problem:
        log.warning("site %s: its load is forecast without holidays: %s", site.id, problem)
        calendar = calendar_of(None, first_at, last_at, zone)
    return replace(calendar, **_warmth(temperatures, weather, zone))


def _warmth(temperatures: Temperatures, weather: WeatherForecast | None, zone: ZoneInfo) -> dict[str, Any]:
    """Days and their mean temperatures, for a calendar."""
    from forecasting.calendar import day_temperatures

    told = dict(zip(temperatures.valid_at, temperatures.air_c, strict=True))
    if weather is not None:
        told |= dict(zip(weather.valid_at, weather.air_c, strict=True))
    instants = sorted(told)
    days, day_c = day_temperatures(instants, [told[at] for at in instants], zone)
    return {"days": days, "day_c": day_c}


def load_of(quarters: Quarters) -> Measured:
    """Other load [kW] in the middle of each quarter hour that has one."""
    return _column(quarters.starts_s, quarters.other_load_kw)


def sun_of(quarters: Quarters) -> Measured:
    """Sun [kW] in the middle of each quarter hour that has one."""
    return _column(quarters.starts_s, quarters.solar_kw)


def coming(now: datetime) -> tuple[Interval, ...]:
    """The quarter hours of the coming 48 h, the present one first."""
    first = floor_time(now, STEP_S)
    edges = [first + timedelta(seconds=STEP_S * n) for n in range(HORIZON_STEPS + 1)]
    return tuple(Interval(a, b) for a, b in itertools.pairwise(edges))


def _column(starts_s: Sequence[int], values_kw: Sequence[float | None]) -> Measured:
    return [
        (datetime.fromtimestamp(start_s + HALF_S, UTC), kw)
        for start_s, kw in zip(starts_s, values_kw, strict=True)
        if kw is not None
    ]


def _points(served: Served) -> list[ForecastPoint]:
    forecast, floor = served.forecast, served.floor
    return [
        ForecastPoint(
            site_id=forecast.site_id,
            quantity=forecast.quantity,
            issued_at=forecast.issued_at,
            valid_at=forecast.intervals[step].starts_at,
            horizon_s=step * STEP_S,
            levels=forecast.levels,
            values=forecast.values[step],
            floor_values=floor.values[step],
            model_version=forecast.model_version,
        )
        for step in SCORED_STEPS
    ]
