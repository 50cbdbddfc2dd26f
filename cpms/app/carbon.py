"""How much CO2 a kWh from the grid costs: fetched, kept as a forecast of every site, and handed to the controllers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cpms.control.events import ControlEvent, ForecastsChanged
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.time import Clock
from data.store import Store
from forecasting.prices.carbon import CarbonInterval, CarbonService

MEDIAN = (0.5,)


@dataclass
class CarbonWatch:
    """The background job over all sites, which are on the one grid that the service tells of."""

    store: Store
    service: CarbonService | None
    site_ids: Callable[[], Sequence[str]]
    post: Callable[[str, ControlEvent], None]
    clock: Clock
    cycle_s: float
    detail: str = ""
    counters: dict[str, float] = field(default_factory=lambda: {"in_trouble": 0})
    _told: dict[str, tuple[CarbonInterval, ...]] = field(default_factory=dict)
    """What each site was told last."""

    async def run(self) -> None:
        """Look for news for ever."""
        while True:
            await self.round()
            await self.clock.sleep(self.cycle_s)

    async def round(self) -> None:
        """Ask once; keep and tell what is new."""
        if self.service is None:
            return
        known = await self.service.intensity(self.clock.now())
        for site_id in self.site_ids() if known else ():
            if self._told.get(site_id) != known:
                await self._tell(site_id, known)
        problem = self.service.problem()
        until = f"known until {known[-1].interval.ends_at:%Y-%m-%d %H:%M} UTC" if known else "nothing is known"
        self.counters["in_trouble"] = float(bool(problem))
        self.detail = until + (f" ({problem})" if problem else "")

    async def _tell(self, site_id: str, known: tuple[CarbonInterval, ...]) -> None:
        forecast = Forecast(
            site_id,
            ForecastQuantity.CO2_G_PER_KWH,
            self.clock.now(),
            tuple(one.interval for one in known),
            MEDIAN,
            tuple((one.co2_g_per_kwh,) for one in known),
            "as the grid's operator tells",
        )
        await self.store.add_forecast(forecast)
        self.post(site_id, ForecastsChanged((forecast,)))
        self._told[site_id] = known
