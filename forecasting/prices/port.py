"""The port through which day-ahead prices come in, and prices from a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from cpms.domain.tariff import PriceInterval
from forecasting.prices.day_ahead import read_day_ahead
from forecasting.weather.rereading import Rereading


class PriceService(Protocol):
    """Somebody who knows what energy markets published."""

    async def prices(self, zone_eic: str, now: datetime) -> tuple[PriceInterval, ...]:
        """What is known of a bidding zone (its EIC code), in order of time [money/kWh]; nothing where nothing is, whatever the
        reason."""
        ...

    def problem(self, zone_eic: str) -> str:
        """Why the last ask brought nothing; empty while all is well."""
        ...


class FilePrices:
    """A PriceService from the transparency platform's CSV at `path`, which holds for every zone; read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._file = Rereading[tuple[PriceInterval, ...]]("day-ahead prices", path, _read, ())

    async def prices(self, zone_eic: str, now: datetime) -> tuple[PriceInterval, ...]:
        """All the file holds."""
        return await self._file.get()

    def problem(self, zone_eic: str) -> str:
        """Why the file could not be read."""
        return self._file.problem


def _read(path: Path) -> tuple[PriceInterval, ...]:
    return tuple(read_day_ahead(path.read_text(encoding="utf-8")))
