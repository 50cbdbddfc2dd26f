"""How much CO2 a kWh from the grid costs: fetched, kept as a forecast of every site, and handed to the controllers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cpms.control.events import ControlEvent, ForecastsChanged
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.time import Clock
from data.store import Store
from forecasting.prices.carbon import CarbonInterval, CarbonService
from forecasting.prices.carbon_bands import REVIEW, CarbonRecord, carbon_points, forecast_carbon, review_carbon
from forecasting.serving import SERVED_LEVELS

REVIEWED_EVERY = timedelta(days=1)
Told = tuple[CarbonInterval, ...]


@dataclass
class CarbonWatch:
    """The background job over all sites on the one grid that the service tells of; those elsewhere are told nothing."""

    store: Store
    service: CarbonService | None
    site_ids: Callable[[], Sequence[str]]
    post: Callable[[str, ControlEvent], None]
    clock: Clock
    cycle_s: float
    detail: str = ""
    counters: dict[str, float] = field(default_factory=lambda: {"in_trouble": 0, "sites_elsewhere": 0})
    _told: dict[str, Told] = field(default_factory=dict)
    """What each site was told last."""

    _record: CarbonRecord = ()
    _reviewed_at: datetime | None = None

    async def run(self) -> None:
        """Look for news for ever."""
        while True:
            await self.round()
            await self.clock.sleep(self.cycle_s)

    async def round(self) -> None:
        """Ask once; keep and tell what is new."""
        if self.service is None:
            return
        now, site_ids = self.clock.now(), await self._served(self.service)
        known = await self.service.intensity(now)
        await self.store.add_grid_carbon({one.interval: one.co2_g_per_kwh for one in known if one.came})
        await self._review(site_ids, now)
        told = tuple(one for one in known if one.interval.ends_at > now)
        for site_id in site_ids if told else ():
            if self._told.get(site_id) != told:
                await self._tell(site_id, told, now)
        problem = self.service.problem()
        until = f"known until {told[-1].interval.ends_at:%Y-%m-%d %H:%M} UTC" if told else "nothing is known"
        self.counters["in_trouble"] = float(bool(problem))
        self.counters["sites_elsewhere"] = float(len(self.site_ids()) - len(site_ids))
        self.detail = until + (f" ({problem})" if problem else "")

    async def _served(self, service: CarbonService) -> list[str]:
        on_grid = {site.id for site in await self.store.sites() if service.serves(site)}
        return [site_id for site_id in self.site_ids() if site_id in on_grid]

    async def _review(self, site_ids: Sequence[str], now: datetime) -> None:
        """Once a day: how what was told came out lately, by the site that has been told of it for the longest time."""
        if self._reviewed_at is not None and now < self._reviewed_at + REVIEWED_EVERY:
            return
        self._reviewed_at, since = now, now - REVIEW
        came = await self.store.grid_carbon(since, now)
        points = [
            await self.store.forecast_points(site_id, ForecastQuantity.CO2_G_PER_KWH, since, now)
            for site_id in site_ids
        ]
        self._record = review_carbon(max(points, key=len, default=[]), came)

    async def _tell(self, site_id: str, told: Told, now: datetime) -> None:
        forecast = forecast_carbon(site_id, told, now, SERVED_LEVELS, self._record)
        await self.store.add_forecast(forecast)
        await self.store.add_points(carbon_points(forecast, told))
        self.post(site_id, ForecastsChanged((forecast,)))
        self._told[site_id] = told
