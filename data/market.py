"""What energy markets published, by when it was known, and what CO2 of the grid turned out to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from cpms.domain.tariff import PriceInterval
from cpms.domain.time import Interval
from data.database import Topic


class Market(Topic):
    """Prices of bidding zones, CO2 of the grid."""

    async def add_market_prices(self, zone: str, prices: Sequence[PriceInterval], issued_at: datetime) -> int:
        """Keep the import prices that are new or have changed, as known from `issued_at` on; how many there were."""
        if not prices:
            return 0
        known = set(await self.market_prices(zone, min(one.interval.starts_at for one in prices), issued_at))
        new = [one for one in prices if PriceInterval(one.interval, one.import_price_per_kwh) not in known]
        async with self._db.transaction() as work:
            await work.run_many(
                "add_market_price",
                (
                    {
                        "zone": zone,
                        "starts_at": one.interval.starts_at,
                        "ends_at": one.interval.ends_at,
                        "issued_at": issued_at,
                        "price_per_kwh": one.import_price_per_kwh,
                    }
                    for one in new
                ),
            )
        return len(new)

    async def market_prices(self, zone: str, since: datetime, known_at: datetime) -> tuple[PriceInterval, ...]:
        """The zone's prices [money/kWh] that end after `since`, as known at `known_at`, in order of time; they earn nothing."""
        rows = await self._db.rows("market_prices", zone=zone, since=since, known_at=known_at)
        return tuple(PriceInterval(Interval(row["starts_at"], row["ends_at"]), row["price_per_kwh"]) for row in rows)

    async def add_grid_carbon(self, came: Mapping[Interval, float]) -> None:
        """Keep grams of CO2 per kWh from the grid that came; the last word on an interval counts."""
        async with self._db.transaction() as work:
            await work.run_many(
                "add_grid_carbon",
                (
                    {"starts_at": one.starts_at, "ends_at": one.ends_at, "co2_g_per_kwh": grams}
                    for one, grams in came.items()
                ),
            )

    async def grid_carbon(self, since: datetime, until: datetime) -> dict[datetime, float]:
        """Grams of CO2 per kWh that came, by the begin of the interval."""
        rows = await self._db.rows("grid_carbon", since=since, until=until)
        return {row["starts_at"]: row["co2_g_per_kwh"] for row in rows}
