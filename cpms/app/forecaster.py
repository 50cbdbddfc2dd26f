"""Makes a site's forecasts on a cycle, in a worker process, from what its meters said and what was trained."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cpms.app.market import known_prices
from cpms.app.planner import Workers
from cpms.app.site_forecasts import Seen, SiteForecasts, Trained, forecast_site
from cpms.control.events import ControlEvent, ForecastsChanged
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.time import Clock
from cpms.domain.weather import WeatherForecast
from data.store import Store
from forecasting.weather.port import WeatherService

log = logging.getLogger(__name__)

MEMORY = timedelta(days=56)


@dataclass
class Forecaster:
    """One site's forecasts. `history`: its ended sessions; `likely_arrivals`: whether the controller is told who may still come;
    `trained`: what serves, None until it was read."""

    site: Site
    store: Store
    workers: Workers
    weather: WeatherService | None
    clock: Clock
    cycle_s: float
    post: Callable[[ControlEvent], None]
    history: Callable[[], Sequence[Session]] = tuple
    likely_arrivals: bool = True
    trained: Trained | None = None
    weather_problem: str = ""
    """Why the weather service brought nothing new the last time."""

    _fallbacks: dict[ForecastQuantity, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Forecast for ever. Supervised: after a failure the next attempt comes by itself."""
        while True:
            await self.forecast()
            await self.clock.sleep(self.cycle_s)

    async def forecast(self) -> SiteForecasts:
        """Forecast once, keep it, and tell the controller."""
        now = self.clock.now()
        made = await self.workers.run(forecast_site, await self._seen(now), now)
        self._tell(made)
        for forecast in made.forecasts:
            await self.store.add_forecast(forecast)
        await self.store.add_points(made.points)
        self.post(ForecastsChanged(made.forecasts, made.arrivals if self.likely_arrivals else None))
        return made

    async def _seen(self, now: datetime) -> Seen:
        """Everything that is known now."""
        site, store = self.site, self.store
        await store.sum_quarters(site.id, now)
        tariff = await store.tariff(site.id)
        weather = await self._weather(now)
        return Seen(
            site=site,
            quarters=await store.quarters(site.id, site.root.id, now - MEMORY, now),
            trained=await self.serving(),
            weather=weather,
            ended=self.history(),
            present=await store.open_sessions(site.id),
            tariff=tariff,
            temperatures=await store.air_temperatures(site.id, now - MEMORY, now),
            market=await known_prices(store, tariff, now),
        )

    async def serving(self) -> Trained:
        """The models in service, read once; whoever trains hands over new ones."""
        if self.trained is None:
            self.trained = Trained(await self.store.models_in_service(self.site.id))
        return self.trained

    async def _weather(self, now: datetime) -> WeatherForecast | None:
        """The sky as it is expected now; kept, since models learn from what was expected."""
        place = self.site.weather_place
        if self.weather is None or place is None:
            return None
        found = await self.weather.forecast(place.latitude_deg, place.longitude_deg, now)
        self.weather_problem = self.weather.problem(place.latitude_deg, place.longitude_deg)
        if found is not None:
            await self.store.add_weather(self.site.id, found)
        return found

    @property
    def standing(self) -> tuple[str, ...]:
        """What serves instead of what should, in words."""
        weather = (f"weather: {self.weather_problem}",) if self.weather_problem else ()
        return (*weather, *(f"{quantity.value}: {why}" for quantity, why in self._fallbacks.items() if why))

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
