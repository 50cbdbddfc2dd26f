"""How much CO2 a kWh from the grid costs: the port, a table (CSV), and Great Britain's Carbon Intensity API.

The API is the one of National Energy System Operator, https://carbon-intensity.github.io/api-definitions, `/intensity/{from}/fw48h`:
half hours with a forecast and, later, an actual value in gCO2/kWh. CC BY 4.0.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import httpx

from cpms.domain.errors import InvalidInput
from cpms.domain.site import Site
from cpms.domain.time import Interval
from forecasting.weather.courtesy import Remembered
from forecasting.weather.rereading import Rereading

BASE_URL = "https://api.carbonintensity.org.uk"
MOST_G_PER_KWH = 2000.0
GB_TIMEZONES = frozenset({"Europe/London", "GB"})
LOOK_BACK = timedelta(hours=3)
"""What came is told within that."""

COLUMNS = ("starts_at", "ends_at", "co2_g_per_kwh")


@dataclass(frozen=True)
class CarbonInterval:
    """Grams of CO2 per kWh from the grid in one interval, as forecast, or what it turned out to be (`came`)."""

    interval: Interval
    co2_g_per_kwh: float
    came: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.co2_g_per_kwh) and 0.0 <= self.co2_g_per_kwh <= MOST_G_PER_KWH):
            problem = f"{self.co2_g_per_kwh} is out of range"
            raise InvalidInput("co2_g_per_kwh", problem, f"give grams per kWh, 0 to {MOST_G_PER_KWH:g}")


class CarbonService(Protocol):
    """Somebody who knows how clean the grid will be."""

    async def intensity(self, now: datetime) -> tuple[CarbonInterval, ...]:
        """What is known from LOOK_BACK before `now` on, in order of time, what is over only as it `came`; nothing where nothing is,
        whatever the reason."""
        ...

    def problem(self) -> str:
        """Why the last ask brought nothing; empty while all is well."""
        ...

    def serves(self, site: Site) -> bool:
        """Whether the site is on the grid that is told of."""
        ...


class CarbonIntensityGb:
    """A CarbonService for Great Britain over HTTP. `client` belongs to the caller, who closes it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str = BASE_URL,
        refresh: timedelta = timedelta(minutes=30),
        timeout_s: float = 5.0,
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._answers = Remembered("carbon intensity", self._fetch, refresh)

    async def intensity(self, now: datetime) -> tuple[CarbonInterval, ...]:
        """Those of the last good answer; a half hour that is over and has no actual value yet is left out."""
        known = await self._answers.get("GB", now) or ()
        return tuple(one for one in known if one.came or one.interval.ends_at > now)

    def problem(self) -> str:
        """Why the last ask failed."""
        return self._answers.problem("GB")

    def serves(self, site: Site) -> bool:
        """Those by London's clock, which every site's record names; Northern Ireland, which shares it, is told apart by `region`."""
        return site.timezone in GB_TIMEZONES and site.region != "GB-NIR"

    async def _fetch(self, _: str, now: datetime) -> tuple[CarbonInterval, ...]:
        address = f"{self._base_url}/intensity/{(now - LOOK_BACK).astimezone(UTC):%Y-%m-%dT%H:%MZ}/fw48h"
        answer = await self._client.get(address, timeout=self._timeout_s)
        answer.raise_for_status()
        return read_carbon_gb(answer.json())


class FileCarbon:
    """A CarbonService from a table (CSV) that somebody else keeps up to date; read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._file = Rereading[tuple[CarbonInterval, ...]]("carbon intensity", path, _read, ())

    async def intensity(self, now: datetime) -> tuple[CarbonInterval, ...]:
        """The table's intervals; what it says of those that are over is what came."""
        return tuple(
            replace(one, came=one.interval.ends_at <= now)
            for one in await self._file.get()
            if one.interval.ends_at > now - LOOK_BACK
        )

    def problem(self) -> str:
        """Why the table could not be read."""
        return self._file.problem

    def serves(self, site: Site) -> bool:
        """Every site: who keeps the table knows whose it is."""
        return True


def read_carbon_gb(document: object) -> tuple[CarbonInterval, ...]:
    """The half hours of an answer, the actual value where there is one; InvalidInput where it has another shape."""
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise InvalidInput("data", "is no list of half hours", "ask /intensity/{from}/fw48h")
    return _in_order([one for row in rows if (one := _half_hour(row)) is not None])


def read_carbon_table(text: str) -> tuple[CarbonInterval, ...]:
    """The intervals of a CSV with the columns starts_at, ends_at (ISO 8601 with an offset) and co2_g_per_kwh.

    InvalidInput naming the line that cannot be read.
    """
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise InvalidInput("header", f"has no column {missing[0]!r}", f"give {', '.join(COLUMNS)}")
    return _in_order([_interval(f"line {n}", *(row[name] for name in COLUMNS)) for n, row in enumerate(rows, start=2)])


def _read(path: Path) -> tuple[CarbonInterval, ...]:
    return read_carbon_table(path.read_text(encoding="utf-8"))


def _half_hour(row: object) -> CarbonInterval | None:
    """None for a half hour without a value."""
    said = row.get("intensity") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(said, dict):
        raise InvalidInput("data", f"{row!r} is no half hour", "ask /intensity/{from}/fw48h")
    came = said.get("actual") is not None
    value = said.get("actual") if came else said.get("forecast")
    return None if value is None else replace(_interval("data", row.get("from"), row.get("to"), value), came=came)


def _interval(field: str, starts_at: object, ends_at: object, value: object) -> CarbonInterval:
    try:
        begin, end = (datetime.fromisoformat(str(said)) for said in (starts_at, ends_at))
        co2_g_per_kwh = float(str(value))
    except ValueError as error:
        raise InvalidInput(field, f"{starts_at}, {ends_at}, {value}: {error}", "give two instants and grams") from error
    if begin.tzinfo is None or end.tzinfo is None or not begin < end <= begin + timedelta(days=1):
        raise InvalidInput(
            field, f"{starts_at} to {ends_at} is no interval", "give two instants with an offset, at most a day apart"
        )
    return CarbonInterval(Interval(begin.astimezone(UTC), end.astimezone(UTC)), co2_g_per_kwh)


def _in_order(known: list[CarbonInterval]) -> tuple[CarbonInterval, ...]:
    return tuple(sorted(known, key=lambda one: one.interval.starts_at))
