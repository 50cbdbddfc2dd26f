"""What is done about a site's forecasts once a day: train, compare, look back, score. Runs in a worker that has its own database
connections, so that a year of measurements never passes through the serving process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cpms.app.day_and_month import Measured, Outcome
from cpms.app.market import known_prices
from cpms.app.prices_told import prices_that_came
from cpms.app.site_arrivals import demand_window_s, power_of, visits_of
from cpms.app.site_forecasts import HALF_S, Trained, load_calendar, load_of, sun_of
from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.forecast_record import ForecastModel, ForecastScore, ModelKind
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.tariff import PriceInterval, Tariff
from cpms.domain.weather import WeatherForecast
from data.forecast_records import Temperatures
from data.quarter_energy import QUARTER_S
from data.store import Store
from forecasting.learning.scoring import Came, by_time, score_points
from forecasting.load.backtest import review_load
from forecasting.load.training import read_load, train_site_load
from forecasting.prices.backtest import review_prices
from forecasting.sessions.outlook import review_outlooks
from forecasting.sessions.training import WINDOW as SESSIONS_WINDOW
from forecasting.sessions.training import read_sessions, train_site_sessions
from forecasting.solar.learned import review
from forecasting.solar.training import WINDOW, read_solar, train_site_solar

NICENESS = 15
MARKET_WINDOW = timedelta(days=90)
SCORE_WINDOW = timedelta(days=28)
PEAK_WINDOW = timedelta(days=366)
"""A month has one peak: it takes several to say anything of the forecasts of them."""

HALF = timedelta(seconds=HALF_S)
_READERS: Mapping[ModelKind, Callable[[str], object]] = {
    ModelKind.LOAD: read_load,
    ModelKind.SESSIONS: read_sessions,
    ModelKind.SOLAR: read_solar,
}


@dataclass(frozen=True)
class Improved:
    """What serves from now on, what was trained, and the scores."""

    trained: Trained
    trainings: tuple[ForecastModel, ...]
    scores: tuple[ForecastScore, ...]


@dataclass(frozen=True)
class Known:
    """Everything stored about a site that forecasts learn from."""

    site: Site
    load: Measured
    sun: Measured
    sessions: Sequence[Session]
    weather: Sequence[WeatherForecast]
    temperatures: Temperatures = field(default_factory=Temperatures)
    market: Sequence[PriceInterval] = ()
    power: Measured = ()
    present: Sequence[Session] = ()
    tariff: Tariff | None = None
    carbon: Mapping[datetime, float] = field(default_factory=dict)

    @property
    def ended_and_present(self) -> tuple[Session, ...]:
        """Those that are still open teach how busy it was when others came."""
        return (*self.sessions, *self.present)


def improve(dsn: str, site_id: str, now: datetime, train: bool) -> Improved:
    """Look back and score; `train` anew first. Everything that comes of it is stored."""
    return asyncio.run(_improve(dsn, site_id, now, train))


def improve_quietly(dsn: str, site_id: str, now: datetime, train: bool) -> Improved:
    """The same, after everybody else of the machine."""
    os.nice(NICENESS)
    return improve(dsn, site_id, now, train)


async def _improve(dsn: str, site_id: str, now: datetime, train: bool) -> Improved:
    async with Store.open(dsn, max_connections=2) as store:
        await store.sum_quarters(site_id, now)
        known = await read_known(store, site_id, now)
        models = await store.models_in_service(site_id)
        trainings = [await store.add_model(one) for one in train_site(known, models, now)] if train else []
        models |= {model.kind: model for model in trainings if model.in_service}
        scores = await _score(store, known, now)
    light = tuple(replace(model, text="") for model in trainings)
    return Improved(look_back(known, models, now), light, tuple(scores))


async def read_known(store: Store, site_id: str, now: datetime) -> Known:
    """What is stored about a site up to `now`."""
    site = await store.site(site_id)
    quarters = await store.quarters(site_id, site.root.id, now - WINDOW, now)
    tariff = await store.tariff(site_id)
    return Known(
        site=site,
        load=load_of(quarters),
        sun=sun_of(quarters),
        sessions=await store.ended_sessions(site_id, now - SESSIONS_WINDOW),
        weather=await store.weather_forecasts(site_id, now - WINDOW, now),
        temperatures=await store.air_temperatures(site_id, now - WINDOW, now),
        market=await known_prices(store, tariff, now, MARKET_WINDOW),
        power=power_of(quarters),
        present=await store.open_sessions(site_id),
        tariff=tariff,
        carbon=await store.grid_carbon(now - SCORE_WINDOW, now),
    )


def train_site(known: Known, models: dict[ModelKind, ForecastModel], now: datetime) -> list[ForecastModel]:
    """A training of every kind there is enough data for."""
    site = known.site
    incumbents = {kind: model for kind, model in models.items() if _readable(model)}
    calendar = load_calendar(site, known.load, now, known.temperatures)
    trained = [
        train_site_load(site.id, site.timezone, known.load, now, incumbents.get(ModelKind.LOAD), calendar),
        train_site_sessions(site.id, site.timezone, known.ended_and_present, now, incumbents.get(ModelKind.SESSIONS)),
    ]
    if site.solar is not None:
        zone, incumbent = ZoneInfo(site.timezone), incumbents.get(ModelKind.SOLAR)
        trained.append(train_site_solar(site.id, site.solar, zone, known.sun, known.weather, now, incumbent))
    return [model for model in trained if model is not None]


def look_back(known: Known, models: dict[ModelKind, ForecastModel], now: datetime) -> Trained:
    """The models with how they did lately."""
    solar, sessions = models.get(ModelKind.SOLAR), models.get(ModelKind.SESSIONS)
    timezone, load = known.site.timezone, models.get(ModelKind.LOAD)
    calendar = load_calendar(known.site, known.load, now, known.temperatures)
    return Trained(
        models,
        review(read_solar(solar.text)[1], known.sun, now) if solar is not None and _readable(solar) else None,
        review_load(known.load, timezone, now, calendar) if load is not None and _readable(load) else None,
        review_outlooks(known.ended_and_present, timezone, read_sessions(sessions.text), now)
        if sessions is not None and _readable(sessions)
        else None,
        review_prices(known.market, timezone),
    )


async def _score(store: Store, known: Known, now: datetime) -> list[ForecastScore]:
    ended = [s for s in known.sessions if s.ended_at is not None]
    actual: dict[ForecastQuantity, Mapping[datetime, float] | Mapping[str, float]] = {
        ForecastQuantity.SOLAR_KW: {instant - HALF: kw for instant, kw in known.sun},
        ForecastQuantity.OTHER_LOAD_KW: {instant - HALF: kw for instant, kw in known.load},
        ForecastQuantity.SESSION_ENERGY_KWH: {s.id: s.energy_kwh for s in ended},
        ForecastQuantity.STAY_H: {
            s.id: (s.ended_at - s.started_at).total_seconds() / 3600.0 for s in ended if s.ended_at is not None
        },
        ForecastQuantity.CO2_G_PER_KWH: known.carbon,
        ForecastQuantity.IMPORT_PRICE_PER_KWH: prices_that_came(known.tariff, known.market),
    }
    judges = {quantity: by_time(came) for quantity, came in actual.items()} | _days_and_months(known)
    scores = []
    for quantity, came in judges.items():
        since = now - (PEAK_WINDOW if quantity is ForecastQuantity.PEAK_IMPORT_KW else SCORE_WINDOW)
        points = await store.forecast_points(known.site.id, quantity, since, now)
        scores += score_points(points, came, now)
    await store.add_scores(scores)
    return scores


def _days_and_months(known: Known) -> dict[ForecastQuantity, Came]:
    """What came of statements about the rest of a day and about a month's peak."""
    tariff, visits = known.tariff, visits_of(known.site, known.sessions)
    zone = ZoneInfo(known.site.timezone if tariff is None else tariff.timezone)
    came = Outcome(visits, known.present, known.power, zone, demand_window_s(tariff) or QUARTER_S)
    return {ForecastQuantity.ARRIVALS_KWH: came.arrivals_kwh, ForecastQuantity.PEAK_IMPORT_KW: came.peak_kw}


def _readable(model: ForecastModel) -> bool:
    try:
        _READERS[model.kind](model.text)
    except InvalidInput:
        return False
    return True
