"""Day-ahead prices for the tariffs that follow a market: fetched, kept as they become known, and handed to the controllers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cpms.app.cycle import changed_or_due
from cpms.domain.tariff import PriceInterval, Tariff
from cpms.domain.time import Clock
from data.store import Store
from forecasting.prices.port import PriceService

PRICES_KEPT_AT_HAND = timedelta(days=1)
"""A controller knows prices from so long ago on."""

MEMORY = timedelta(days=56)
"""What the forecast of prices looks back on."""


async def tariff_in_force(store: Store, site_id: str, now: datetime) -> Tariff | None:
    """The site's tariff with what its market has published, as stored; None if it has none."""
    tariff = await store.tariff(site_id)
    if tariff is None or tariff.day_ahead is None:
        return tariff
    return tariff.with_published(await store.market_prices(tariff.day_ahead.zone, now - PRICES_KEPT_AT_HAND, now))


async def known_prices(
    store: Store, tariff: Tariff | None, now: datetime, memory: timedelta = MEMORY
) -> tuple[PriceInterval, ...]:
    """The market's prices of the last `memory` and those to come; nothing where the tariff follows none."""
    if tariff is None or tariff.day_ahead is None:
        return ()
    return await store.market_prices(tariff.day_ahead.zone, now - memory, now)


@dataclass
class MarketWatch:
    """The background job over all sites. `tell`: called with the id of a site whose prices changed."""

    store: Store
    service: PriceService | None
    site_ids: Callable[[], Sequence[str]]
    tell: Callable[[str], Awaitable[None]]
    clock: Clock
    cycle_s: float
    detail: str = ""
    counters: dict[str, float] = field(default_factory=lambda: {"zones": 0, "new_prices": 0, "zones_in_trouble": 0})
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """A tariff changed, and may follow another market."""
        self._changed.set()

    async def run(self) -> None:
        """Look for new prices for ever: on a cycle, and when woken."""
        while True:
            await self.round()
            await changed_or_due(self._changed, self.clock, self.cycle_s)
            self._changed.clear()

    async def round(self) -> None:
        """Ask once for every zone that a tariff names."""
        if self.service is None:
            return
        zones: dict[str, list[str]] = {}
        for site_id in self.site_ids():
            tariff = await self.store.tariff(site_id)
            if tariff is not None and tariff.day_ahead is not None:
                zones.setdefault(tariff.day_ahead.zone, []).append(site_id)
        said = [await self._zone(self.service, zone, site_ids) for zone, site_ids in zones.items()]
        self.counters["zones"] = len(zones)
        self.counters["zones_in_trouble"] = sum(bool(self.service.problem(zone)) for zone in zones)
        self.detail = "; ".join(said)

    async def _zone(self, service: PriceService, zone: str, site_ids: Sequence[str]) -> str:
        """Fetch, keep and tell; how it stands, in words."""
        now = self.clock.now()
        prices = await service.prices(zone, now)
        if new := await self.store.add_market_prices(zone, prices, now):
            self.counters["new_prices"] += new
            for site_id in site_ids:
                await self.tell(site_id)
        until = f"known until {prices[-1].interval.ends_at:%Y-%m-%d %H:%M} UTC" if prices else "nothing is known"
        problem = service.problem(zone)
        return f"{zone}: {until}" + (f" ({problem})" if problem else "")
