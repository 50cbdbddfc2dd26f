"""A site with a past: what its meters said and who charged there, as a running product would have stored it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg

from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, SolarArray, Station
from cpms.domain.telemetry import FeederMeasurement
from data.store import Store

NOW = datetime(2026, 6, 15, 7, tzinfo=UTC)
SITE = Site(
    id="office",
    name="Office",
    timezone="Europe/Berlin",
    currency="EUR",
    feeders=(Feeder("grid", 100.0),),
    reserved_other_load_kw=20.0,
    solar=SolarArray(48.0, 11.0, 30.0, 180.0, 50.0),
)
STATION = Station("CP-1", "office", "grid", (Connector(ConnectorKey("CP-1", 1)),))


async def build(store: Store) -> None:
    await store.put_site(SITE)
    await store.add_station(STATION, b"hash")


async def measure(store: Store, days: float, until: datetime = NOW) -> None:
    """A reading per quarter hour of the last `days`: a building by day, and a sky without clouds."""
    count = round(days * 96)
    for first in range(0, count, 2000):
        instants = [until - timedelta(minutes=15) * (n + 0.5) for n in range(first, min(first + 2000, count))]
        await store.add_measurements([_reading(at) for at in instants])


def _reading(at: datetime) -> FeederMeasurement:
    other_kw = 5.0 + 10.0 * (6 <= at.hour < 17) + math.sin(at.timestamp() / 5000.0)
    solar_kw = 40.0 * max(0.0, math.sin(math.pi * (at.hour + at.minute / 60 - 4.5) / 14.0))
    return FeederMeasurement("office", "grid", at, other_kw - solar_kw, solar_kw=solar_kw, other_load_kw=other_kw)


def charge(dsn: str, count: int, hours_apart: float = 3.4) -> None:
    """`count` ended sessions of commuters who say nine hours, leave after six or so, and take half of what they say."""
    rng = np.random.default_rng(4)
    with psycopg.connect(dsn) as connection:
        for n in range(count):
            starts_at = NOW - timedelta(hours=hours_apart * (count - n) + 10 + float(rng.uniform(0, 1)))
            stay = timedelta(hours=4.5 + 0.1 * (n % 20) + float(rng.normal(0, 0.4)))
            values = (f"s{n}", f"t{n}", f"TAG-{n % 20}", starts_at, starts_at, 8.0 + 0.4 * (n % 20), 16.0 + 0.8 * (n % 20),
                      starts_at + timedelta(hours=9), starts_at + stay)  # fmt: skip
            connection.execute(
                "INSERT INTO sessions (id, site_id, station_id, connector_id, transaction_id, id_is_ours, id_tag, started_at,"
                " changed_at, energy_kwh, state, need_energy_kwh, need_departs_at, need_source, ended_at, start_known, stop_known)"
                " VALUES (%s, 'office', 'CP-1', 1, %s, true, %s, %s, %s, %s, 'ended', %s, %s, 'driver', %s, true, true)",
                values,
            )
