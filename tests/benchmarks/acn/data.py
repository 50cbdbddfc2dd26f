"""ACN-Data sessions and US tariff schedules in the words of the domain."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from cpms.domain.errors import InvalidInput
from cpms.domain.tariff import DemandCharge, Tariff, TimeOfUseBand
from cpms.domain.units import Phase
from forecasting.arrivals.visits import Visit

TIMEZONE = "America/Los_Angeles"
ZONE = ZoneInfo(TIMEZONE)
PERIOD_S = 300
PERIODS_PER_HOUR = 12
MAX_STAY_PERIODS = 144
VOLTAGE_V = 208.0
MAX_A = 32.0
MAX_KW = MAX_A * VOLTAGE_V / 1000
ROOT = "garage"
ONE_PHASE = (Phase.L1,)
WEEKDAYS = {"WEEKDAYS": range(5), "WEEKENDS": range(5, 7), "ALL": range(7)}
COLUMNS = ("arrival", "departure", "delivered_energy (kWh)", "station_id", "session_id")


@dataclass(frozen=True)
class Stay:
    """A session as the published protocol sees it: whole periods [5 min] since `start`, cut at 12 h, energy [kWh] that fits in."""

    session_id: str
    station_id: str
    arrival: int
    departure: int
    energy_kwh: float


def read_stays(paths: Sequence[Path], start: datetime, end: datetime | None = None) -> list[Stay]:
    """The stays that begin in `[start, end)`, in periods since `start` (negative before), by arrival."""
    offset = int(start.timestamp() / PERIOD_S)
    stays = []
    for path in paths:
        for row in _rows(path):
            arrived_at = datetime.fromisoformat(row["arrival"])
            if end is None or start <= arrived_at < end:
                departed_at = datetime.fromisoformat(row["departure"])
                arrival, departure = (int(at.timestamp() / PERIOD_S) - offset for at in (arrived_at, departed_at))
                departure = min(departure, arrival + MAX_STAY_PERIODS)
                energy_kwh = float(row["delivered_energy (kWh)"])
                energy_kwh = min(energy_kwh, MAX_KW * (departure - arrival) / PERIODS_PER_HOUR)
                if departure > arrival:
                    stays.append(Stay(row["session_id"], row["station_id"], arrival, departure, energy_kwh))
    unique = {stay.session_id: stay for stay in stays}
    return sorted(unique.values(), key=lambda stay: (stay.arrival, stay.session_id))


def visits(stays: Sequence[Stay], start: datetime, feeder_of: Mapping[str, str]) -> list[Visit]:
    """The stays as visits on the clock, at the feeders of their stations."""
    return [
        Visit(
            instant(start, stay.arrival),
            instant(start, stay.departure),
            stay.energy_kwh,
            MAX_KW,
            feeder_of.get(stay.station_id, ROOT),
            ONE_PHASE,
        )
        for stay in stays
    ]


def instant(start: datetime, period: int) -> datetime:
    """When a period begins; counted in elapsed time, so that clocks may change in between."""
    return datetime.fromtimestamp(start.timestamp() + period * PERIOD_S, ZONE)


def read_tariff(path: Path) -> Tariff:
    """A schedule of `acnportal`'s format as a tariff; its seasons must be whole months."""
    document = json.loads(path.read_text())
    bands = tuple(band for season in document["schedule"] for band in _bands(season))
    charges: dict[Decimal, frozenset[int]] = {}
    for season in document["schedule"]:
        price = Decimal(str(season["demand_charge"]))
        charges[price] = charges.get(price, frozenset()) | _months(season)
    demand = tuple(
        DemandCharge(price, window_s=PERIOD_S, band=TimeOfUseBand(Decimal(0), months=months))
        for price, months in charges.items()
    )
    return Tariff(document["name"], "USD", TIMEZONE, bands=bands, demand_charges=demand)


def _months(season: dict[str, object]) -> frozenset[int]:
    first, last = (str(season[key]).split("-") for key in ("effective_start", "effective_end"))
    if first[1] != "01" or int(last[1]) < 28:
        raise InvalidInput("tariff", f"season {season['id']} is not of whole months", "round it to months")
    begin, finish = int(first[0]), int(last[0])
    return frozenset((begin - 1 + n) % 12 + 1 for n in range((finish - begin) % 12 + 1))


def _bands(season: dict[str, object]) -> list[TimeOfUseBand]:
    months = _months(season)
    days = frozenset(WEEKDAYS[str(season["dow_mask"])])
    hours, prices = list(season["times"]), list(season["tariffs"])  # type: ignore[call-overload]
    return [
        TimeOfUseBand(Decimal(str(price)), time(hour), time(until % 24), days, months)
        for price, hour, until in zip(prices, hours, [*hours[1:], 24], strict=True)
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    reader = csv.DictReader(content.decode().splitlines())
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise InvalidInput("sessions", f"{path.name} has no column {missing[0]!r}", f"give {', '.join(COLUMNS)}")
    return list(reader)
