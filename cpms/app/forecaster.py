"""Makes a site's forecasts on a cycle, in a worker process, from what its meters said."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cpms.app.planner import Workers
from cpms.control.events import ControlEvent, ForecastsChanged
from cpms.domain.forecast import Forecast
from cpms.domain.site import Site
from cpms.domain.time import Clock, Interval, floor_time
from data.means import MeasurementMean
from data.store import Store

log = logging.getLogger(__name__)

MEMORY = timedelta(days=28)
HORIZON_STEPS = 48 * 4
STEP_S = 900
HALF = timedelta(seconds=STEP_S / 2)
"""A mean stands for the middle of its step."""

Measured = Sequence[tuple[datetime, float]]


@dataclass
class Forecaster:
    """One site's forecasts of sun and other load."""

    site: Site
    store: Store
    workers: Workers
    clock: Clock
    cycle_s: float
    post: Callable[[ControlEvent], None]

    async def run(self) -> None:
        """Forecast for ever. Supervised: after a failure the next attempt comes by itself."""
        while True:
            await self.forecast()
            await self.clock.sleep(self.cycle_s)

    async def forecast(self) -> tuple[Forecast, ...]:
        """Forecast once, keep it, and tell the controller."""
        now = self.clock.now()
        means = await self.store.measurement_means(self.site.id, self.site.root.id, now - MEMORY, now, STEP_S)
        forecasts = await self.workers.run(forecast_site, self.site, means, now)
        for forecast in forecasts:
            await self.store.add_forecast(forecast)
        self.post(ForecastsChanged(forecasts))
        return forecasts


def forecast_site(site: Site, means: Sequence[MeasurementMean], now: datetime) -> tuple[Forecast, ...]:
    """Forecasts of a site from 15-minute means of its root meter; runs in a worker."""
    from forecasting.load import forecast_other_load
    from forecasting.solar import forecast_solar

    intervals = _intervals(now)
    load: Measured = [(m.starts_at + HALF, m.other_load_kw) for m in means if m.other_load_kw is not None]
    prior_kw = site.reserved_other_load_kw / 2
    forecasts = [forecast_other_load(site.id, site.timezone, load, intervals, now, prior_kw=prior_kw)]
    if site.solar is not None:
        sun: Measured = [(m.starts_at + HALF, m.solar_kw) for m in means if m.solar_kw is not None]
        forecasts.append(forecast_solar(site.id, site.solar, sun, intervals, now))
    return tuple(forecasts)


def _intervals(now: datetime) -> tuple[Interval, ...]:
    first = floor_time(now, STEP_S)
    edges = [first + timedelta(seconds=STEP_S * n) for n in range(HORIZON_STEPS + 1)]
    return tuple(Interval(a, b) for a, b in itertools.pairwise(edges))
