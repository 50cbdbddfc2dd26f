"""The demo day: an office with a garage and a yard, 24 stations of 400 kW in all behind 100 kW."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from cpms.domain.grid import DemandResponseEvent
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, SolarArray, Station
from cpms.domain.tariff import BillingPeriod, DemandCharge, Tariff
from cpms.domain.telemetry import FeederMeasurement
from cpms.domain.units import PHASES, power_kw
from cpms.simulation.recordings import day_ahead_prices, solar_kw
from cpms.simulation.scenario import OCPP_16, OCPP_201, Day, Visit
from cpms.simulation.vehicle import Vehicle

SITE_ID = "depot"
ZONE = ZoneInfo("Europe/Amsterdam")
MIDNIGHT = datetime(2024, 8, 27, tzinfo=ZONE)
HISTORY_DAYS = 3
SOLAR = SolarArray(latitude_deg=52.37, longitude_deg=4.9, tilt_deg=35.0, azimuth_deg=180.0, peak_kw=60.0)
RESERVED_OTHER_LOAD_KW = 20.0
DEMAND_PRICE_PER_KW = Decimal("0.35")
"""Per kW of the day's highest quarter hour: about 128 EUR per kW and year, pro rata, so that one day can be billed."""


@dataclass(frozen=True)
class Row:
    """A row of like stations: how many, with how many connectors each, their phases and current."""

    feeder_id: str
    prefix: str
    stations: int
    twins: int
    phase_count: int
    max_current_a: float


ROWS = (
    Row("garage-east", "east", 9, 0, 3, 16.0),
    Row("garage-west", "west", 5, 1, 3, 16.0),
    Row("garage-west", "wall", 4, 1, 1, 32.0),
    Row("yard", "yard", 6, 2, 3, 32.0),
)
FEEDERS = (
    Feeder("grid", 160.0),
    Feeder("garage", 125.0, "grid"),
    Feeder("garage-east", 63.0, "garage"),
    Feeder("garage-west", 80.0, "garage"),
    Feeder("yard", 80.0, "grid"),
)


@dataclass(frozen=True)
class Crowd:
    """Vehicles of a kind: where they park, when they come and stay [h], what they need [kWh], first and last of each."""

    name: str
    count: int
    prefixes: tuple[str, ...]
    arrives_h: tuple[float, float]
    leaves_h: tuple[float, float]
    need_kwh: tuple[float, float]
    priority: int = 0


CROWDS = (
    Crowd("van", 6, ("yard",), (0.1, 0.8), (5.75, 6.9), (22.0, 36.0)),
    Crowd("staff", 18, ("east", "west", "wall"), (6.9, 9.2), (15.4, 17.2), (9.0, 21.0)),
    Crowd("guest", 7, ("yard",), (9.5, 12.5), (13.5, 16.2), (10.0, 20.0)),
    Crowd("night", 9, ("east", "west", "wall"), (17.5, 18.6), (22.4, 23.6), (8.0, 15.0)),
    Crowd("van", 4, ("yard",), (16.5, 17.8), (22.6, 23.6), (14.0, 22.0)),
    Crowd("duty", 2, ("yard",), (16.3, 16.9), (19.0, 20.5), (10.0, 14.0), priority=1),
)


def demo_day(seed: int = 7) -> Day:
    """The day; `seed` draws vehicles, drivers and the building's load, prices and sun are as recorded."""
    draw = random.Random(seed)  # noqa: S311  a simulation wants repeatable draws, not secrets
    site = _site()
    minutes = [MIDNIGHT + timedelta(minutes=m) for m in range(24 * 60 + 1)]
    return Day(
        name=f"{MIDNIGHT:%A %d %B %Y}",
        site=site,
        protocols={s.id: (OCPP_16, OCPP_201)[i % 2] for i, s in enumerate(site.stations)},
        visits=_visits(draw, site),
        tariff=_tariff(),
        starts_at=_utc(MIDNIGHT),
        duration_s=24 * 3600,
        solar_kw=solar_kw(minutes, SOLAR.peak_kw),
        other_load_kw=_building_kw(draw, minutes),
        events=(_event(),),
        history=_history(draw),
    )


def _utc(local: datetime) -> datetime:
    return local.astimezone(ZoneInfo("UTC"))


def _site() -> Site:
    return Site(
        id=SITE_ID,
        name="Office and depot",
        timezone=ZONE.key,
        currency="EUR",
        feeders=FEEDERS,
        stations=tuple(station for row in ROWS for station in _row(row)),
        max_voltage_v=238.0,
        import_limit_kw=100.0,
        reserved_other_load_kw=RESERVED_OTHER_LOAD_KW,
        solar=SOLAR,
    )


def _row(row: Row) -> list[Station]:
    stations = []
    turn = itertools.count()
    for number in range(1, row.stations + 1):
        station_id = f"{row.prefix}-{number}"
        outlets = range(1, 3 if number <= row.twins else 2)
        connectors = tuple(_connector(row, ConnectorKey(station_id, n), next(turn)) for n in outlets)
        stations.append(Station(station_id, SITE_ID, row.feeder_id, connectors, vendor="Virtual", model=row.prefix))
    return stations


def _connector(row: Row, key: ConnectorKey, turn: int) -> Connector:
    rotated = PHASES[turn % 3 :] + PHASES[: turn % 3]
    return Connector(key, rotated[: row.phase_count], row.max_current_a)


def _visits(draw: random.Random, site: Site) -> tuple[Visit, ...]:
    free_at = {c.key: MIDNIGHT for c in site.connectors.values()}
    visits: list[Visit] = []
    for crowd in CROWDS:
        for _ in range(crowd.count):
            visit = _visit(draw, site, crowd, len(visits), free_at)
            if visit is not None:
                free_at[visit.connector] = visit.departs_at + timedelta(minutes=5)
                visits.append(visit)
    return tuple(sorted(visits, key=lambda visit: visit.arrives_at))


def _visit(
    draw: random.Random, site: Site, crowd: Crowd, number: int, free_at: dict[ConnectorKey, datetime]
) -> Visit | None:
    arrives_at, stated_departs_at = _at(draw.uniform(*crowd.arrives_h)), _at(draw.uniform(*crowd.leaves_h))
    free = [k for k, at in free_at.items() if at <= arrives_at and k.station_id.split("-")[0] in crowd.prefixes]
    if not free:
        return None
    connector = site.connectors[draw.choice(free)]
    phase_count = min(len(connector.phases), draw.choice((3, 3, 3, 1)))
    max_current_a = min(connector.max_current_a, draw.choice((16.0, 16.0, 32.0)))
    stay_h = (stated_departs_at - arrives_at).total_seconds() / 3600.0
    most_kwh = 0.6 * stay_h * power_kw(max_current_a, site.voltage_v, phase_count)
    wanted_kwh = min(draw.uniform(*crowd.need_kwh), most_kwh)
    return Visit(
        id_tag=f"{crowd.name.upper()}-{number + 1:02d}",
        connector=connector.key,
        arrives_at=_utc(arrives_at),
        departs_at=_utc(stated_departs_at + timedelta(minutes=draw.uniform(0, 20))),
        vehicle=Vehicle(round(wanted_kwh, 2), max_current_a, phase_count),
        stated_kwh=round(wanted_kwh * draw.choice((1.0, 1.0, 1.0, 0.9, 1.2)), 1),
        stated_departs_at=_utc(stated_departs_at),
        priority=crowd.priority,
    )


def _at(hour: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=round(hour * 3600))


def _building_kw(draw: random.Random, instants: list[datetime]) -> tuple[float, ...]:
    noise_kw, values = 0.0, []
    for instant in instants:
        noise_kw = 0.97 * noise_kw + draw.gauss(0.0, 0.25)
        values.append(min(max(_usual_kw(instant) + noise_kw, 3.0), RESERVED_OTHER_LOAD_KW - 0.5))
    return tuple(values)


def _usual_kw(instant: datetime) -> float:
    hour = instant.hour + instant.minute / 60.0
    rising, falling = min(max((hour - 6.5) / 2.0, 0.0), 1.0), min(max((18.5 - hour) / 2.0, 0.0), 1.0)
    return 5.5 + 9.0 * min(rising, falling)


def _history(draw: random.Random) -> tuple[FeederMeasurement, ...]:
    start = MIDNIGHT - timedelta(days=HISTORY_DAYS)
    instants = [start + timedelta(minutes=15 * n) for n in range(1, HISTORY_DAYS * 96)]
    sun, building = solar_kw(instants, SOLAR.peak_kw), _building_kw(draw, instants)
    return tuple(
        FeederMeasurement(SITE_ID, "grid", _utc(at), other - solar, solar_kw=solar, other_load_kw=other)
        for at, solar, other in zip(instants, sun, building, strict=True)
    )


def _tariff() -> Tariff:
    return Tariff(
        id="day-ahead",
        currency="EUR",
        timezone=ZONE.key,
        flat_price_per_kwh=Decimal("0.15"),
        intervals=day_ahead_prices(),
        demand_charges=(DemandCharge(DEMAND_PRICE_PER_KW, BillingPeriod.DAY),),
    )


def _event() -> DemandResponseEvent:
    return DemandResponseEvent(
        id="evening-peak",
        site_id=SITE_ID,
        name="evening peak",
        starts_at=_utc(_at(18.0)),
        ends_at=_utc(_at(20.0)),
        limit_kw=45.0,
    )
