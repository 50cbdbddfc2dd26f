"""A small site, and shorthand for what happens at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cpms.domain.identity import ConnectorKey
from cpms.domain.session import Session
from cpms.domain.site import Connector, Feeder, Place, Site, SolarArray, Station
from cpms.domain.telemetry import Sample, TransactionEnded, TransactionStarted, TransactionUpdated
from cpms.domain.units import Phase
from data.store import Store
from data.transaction_messages import TransactionMessage

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
KEY = ConnectorKey("CP-1", 1)
SITE = Site(
    id="depot",
    name="Depot",
    timezone="Europe/Amsterdam",
    currency="EUR",
    feeders=(Feeder("grid", 100.0), Feeder("north", 63.0, "grid")),
    import_limit_kw=60.0,
    reserved_other_load_kw=5.0,
    solar=SolarArray(52.0, 5.0, 30.0, 180.0, 20.0),
    region="NL",
    place=Place(52.1, 5.1),
)


def station(station_id: str = "CP-1", connectors: int = 2, site_id: str = "depot") -> Station:
    outlets = (Connector(ConnectorKey(station_id, n + 1), (Phase.L2, Phase.L3, Phase.L1)) for n in range(connectors))
    return Station(station_id, site_id, "north", tuple(outlets))


async def build(store: Store, *stations: Station) -> None:
    await store.put_site(SITE)
    for one in stations or (station(),):
        await store.add_station(one, b"hash")


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def sample(
    minutes: float, energy_kwh: float | None = None, key: ConnectorKey = KEY, power_kw: float | None = None
) -> Sample:
    return Sample(key, at(minutes), at(minutes), power_kw=power_kw, energy_kwh=energy_kwh)


def start_16(
    minutes: float = 0, connector_id: int = 1, id_tag: str = "TAG", meter_kwh: float = 100.0
) -> TransactionStarted:
    return TransactionStarted("CP-1", at(minutes), connector_id, at(minutes), None, id_tag, meter_kwh)


def stop_16(transaction_id: str, minutes: float = 60, meter_kwh: float | None = 110.0) -> TransactionEnded:
    return TransactionEnded("CP-1", at(minutes), transaction_id, at(minutes), meter_stop_kwh=meter_kwh, reason="Local")


def start_201(
    transaction_id: str, minutes: float = 0, station_id: str = "CP-1", meter_kwh: float = 100.0
) -> TransactionStarted:
    return TransactionStarted(
        station_id, at(minutes), 1, at(minutes), transaction_id, "TAG", meter_kwh, sequence_number=0
    )


def update_201(
    transaction_id: str,
    minutes: float,
    station_id: str = "CP-1",
    charging: bool | None = None,
    energy_kwh: float | None = None,
) -> TransactionUpdated:
    taken = () if energy_kwh is None else (sample(minutes, energy_kwh, ConnectorKey(station_id, 1)),)
    return TransactionUpdated(station_id, at(minutes), 1, transaction_id, at(minutes), None, charging, taken)


def end_201(
    transaction_id: str, minutes: float = 60, station_id: str = "CP-1", meter_kwh: float | None = 110.0
) -> TransactionEnded:
    return TransactionEnded(station_id, at(minutes), transaction_id, at(minutes), 1, meter_kwh, reason="EVDisconnected")


async def told(store: Store, message: TransactionMessage) -> Session:
    """The session after a message."""
    return (await store.record_transaction(message)).session
