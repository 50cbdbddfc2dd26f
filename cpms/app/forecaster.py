"""Makes a site's forecasts on a cycle, in a worker process, from what its meters said and what was trained."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cpms.app.planner import Workers
from cpms.app.site_forecasts import SiteForecasts, Trained, forecast_site
from cpms.control.events import ControlEvent, ForecastsChanged
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.site import Site
from cpms.domain.time import Clock
from cpms.domain.weather import WeatherForecast
from data.store import Store
from forecasting.weather.port import WeatherService

log = logging.getLogger(__name__)

MEMORY = timedelta(days=56)


@dataclass
class Forecaster:
    """One site's forecasts of sun and other load. `trained`: what serves; None until it was read."""

    site: Site
    store: Store
    workers: Workers
    weather: WeatherService | None
    clock: Clock
    cycle_s: float
    post: Callable[[ControlEvent], None]
    trained: Trained | None = None
    _fallbacks: dict[ForecastQuantity, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Forecast for ever. Supervised: after a failure the next attempt comes by itself."""
        while True:
            await self.forecast()
            await self.clock.sleep(self.cycle_s)

    async def forecast(self) -> SiteForecasts:
        """Forecast once, keep it, and tell the controller."""
        now = self.clock.now()
        await self.store.sum_quarters(self.site.id, now)
        quarters = await self.store.quarters(self.site.id, self.site.root.id, now - MEMORY, now)
        weather = await self._weather(now)
        made = await self.workers.run(forecast_site, self.site, quarters, await self.serving(), weather, now)
        self._tell(made)
        for forecast in made.forecasts:
            await self.store.add_forecast(forecast)
        await self.store.add_points(made.points)
        self.post(ForecastsChanged(made.forecasts))
        return made

    async def serving(self) -> Trained:
        """The models in service, read once; whoever trains hands over new ones."""
        if self.trained is None:
            self.trained = Trained(await self.store.models_in_service(self.site.id))
        return self.trained

    async def _weather(self, now: datetime) -> WeatherForecast | None:
        """The sky as it is expected now; kept, since models learn from what was expected."""
        if self.weather is None or self.site.solar is None:
            return None
        found = await self.weather.forecast(self.site.solar.latitude_deg, self.site.solar.longitude_deg, now)
        if found is not None:
            await self.store.add_weather(self.site.id, found)
        return found

    def _tell(self, made: SiteForecasts) -> None:
        """Say aloud when the simple forecast begins to stand in for a model, and when that is over."""
        for forecast in made.forecasts:
            before = self._fallbacks.get(forecast.quantity, "")
            if forecast.fallback and forecast.fallback != before:
                log.warning(
                    "site %s: %s is the simple forecast: %s", self.site.id, forecast.quantity.value, forecast.fallback
                )
            elif before and not forecast.fallback:
                log.warning("site %s: %s is the model's again", self.site.id, forecast.quantity.value)
            self._fallbacks[forecast.quantity] = forecast.fallback
