"""A site's whole set of forecasts from what its meters said and what was trained. Runs in a worker."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import Forecast
from cpms.domain.forecast_record import ForecastModel, ForecastPoint, ModelKind
from cpms.domain.site import Site
from cpms.domain.time import Interval, floor_time
from cpms.domain.weather import WeatherForecast
from data.means import Quarters

if TYPE_CHECKING:
    from forecasting.calendar import Calendar
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

Measured = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Trained:
    """What serves: models by kind, and how the solar and session models did lately (None: not looked at yet)."""

    models: Mapping[ModelKind, ForecastModel] = field(default_factory=dict)
    solar_record: Sequence[BandRecord] | None = None
    session_records: Mapping[str, Record] | None = None


@dataclass(frozen=True)
class SiteForecasts:
    """Forecasts, and the points of them that are kept to be scored."""

    forecasts: tuple[Forecast, ...]
    points: tuple[ForecastPoint, ...]


def forecast_site(
    site: Site, quarters: Quarters, trained: Trained, weather: WeatherForecast | None, now: datetime
) -> SiteForecasts:
    """Other load and sun of the coming 48 h."""
    from forecasting.serving import serve_load, serve_solar
    from forecasting.solar.learned import NO_RECORD

    intervals = coming(now)
    load, load_model = load_of(quarters), trained.models.get(ModelKind.LOAD)
    served = [serve_load(site, load, intervals, now, load_model, load_calendar(site, load, now))]
    if site.solar is not None:
        model, record = trained.models.get(ModelKind.SOLAR), trained.solar_record or NO_RECORD
        served.append(serve_solar(site.id, site.solar, sun_of(quarters), intervals, now, model, record, weather))
    points = tuple(point for one in served for point in _points(one))
    return SiteForecasts(tuple(one.forecast for one in served), points)


def load_calendar(site: Site, load: Measured, now: datetime) -> Calendar:
    """The site's public holidays over what was measured of its `load` (oldest first) and all that may be forecast at `now`.

    A stored region that is not known any more costs the holidays, never the forecast.
    """
    from forecasting.calendar import PLAIN, calendar_of

    first_at = load[0][0] if load else now
    try:
        return calendar_of(
            site.region, first_at, now + timedelta(seconds=STEP_S * HORIZON_STEPS), ZoneInfo(site.timezone)
        )
    except InvalidInput as problem:
        log.warning("site %s: its load is forecast without holidays: %s", site.id, problem)
        return PLAIN


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
