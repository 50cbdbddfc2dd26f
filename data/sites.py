"""Sites with their stations and connectors."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TypeVar

from cpms.domain.errors import Conflict, InvalidInput, NotFound
from cpms.domain.identity import ConnectorKey, require_station_id
from cpms.domain.need import PhaseSwitching
from cpms.domain.policy import PlanningPolicy
from cpms.domain.site import Connector, Feeder, Place, Site, SolarArray, Station
from cpms.domain.units import Phase
from data.codec import from_json, to_json
from data.database import Database, Row, Topic, Work

T = TypeVar("T")


class Sites(Topic):
    """What stands where."""

    async def put_site(self, site: Site) -> None:
        """Make or change a site, without its stations. InvalidInput if a station that stands there would lose its feeder."""
        async with self._db.transaction() as work:
            await work.run("put_site", **_site_values(site))
            replace(site, stations=await stations_of(work, site_id=site.id))

    async def site(self, site_id: str, *, retired: bool = False) -> Site:
        """The site with its stations, also retired ones that still count; NotFound. `retired`: also if it is itself retired."""
        async with self._db.transaction() as work:
            found = await _sites(work, site_id, retired)
        return _require(found, f"site {site_id}")

    async def sites(self) -> tuple[Site, ...]:
        """Every site in service with its stations, by id."""
        async with self._db.transaction() as work:
            return await _sites(work, None)

    async def add_station(self, station: Station, key_hash: bytes | None) -> None:
        """Add a station to its site, or put a retired one there into service again. Conflict if the id is taken, NotFound without the
        site, InvalidInput otherwise."""
        require_station_id(station.id)
        if any(connector.key.station_id != station.id for connector in station.connectors):
            raise InvalidInput("connectors", "one belongs to another station", f"use {station.id} in every key")
        async with self._db.transaction() as work:
            await lock_site(work, station)
            if await work.run("add_station", key_hash=key_hash, **station_values(station)) == 0:
                raise Conflict(f"there is a station {station.id} already, perhaps a retired one at another site")
            await put_connectors(work, station)

    async def station(self, station_id: str) -> Station:
        """The station with its connectors, also a retired one; NotFound."""
        return _require(await stations_of(self._db, station_id=station_id, retired=True), f"station {station_id}")


async def lock_site(work: Work, station: Station) -> None:
    """Hold a station's site until the transaction ends. NotFound; InvalidInput if the station cannot stand there."""
    await work.run("lock_site", site_id=station.site_id)
    site = _require(await _sites(work, station.site_id), f"site {station.site_id}")
    replace(site, stations=(station,))


async def put_connectors(work: Work, station: Station) -> None:
    """Make or replace a station's connectors, in service."""
    await work.run_many("put_connector", (_connector_values(c) for c in station.connectors))


def _require(found: tuple[T, ...], name: str) -> T:
    if not found:
        raise NotFound(f"there is no {name}")
    return found[0]


async def _sites(work: Work, site_id: str | None, retired: bool = False) -> tuple[Site, ...]:
    by_site: dict[str, list[Station]] = defaultdict(list)
    rows = await work.rows("sites", site_id=site_id, retired=retired)
    for station in await stations_of(work, site_id=site_id):
        by_site[station.site_id].append(station)
    return tuple(_site(row, tuple(by_site[row["id"]])) for row in rows)


async def stations_of(
    work: Work | Database, *, site_id: str | None = None, station_id: str | None = None, retired: bool = False
) -> tuple[Station, ...]:
    """Stations of a site or by id with the connectors that count; `retired`: also retired ones that count no longer."""
    by_station: dict[str, list[Connector]] = defaultdict(list)
    chosen = {"site_id": site_id, "station_id": station_id, "retired": retired}
    rows = await work.rows("stations", **chosen)
    for row in await work.rows("connectors", **chosen):
        by_station[row["station_id"]].append(_connector(row))
    return tuple(Station(connectors=tuple(by_station[row["id"]]), **row) for row in rows)


def _site_values(site: Site) -> dict[str, object]:
    return {
        "id": site.id,
        "name": site.name,
        "timezone": site.timezone,
        "currency": site.currency,
        "feeders": to_json(site.feeders),
        "voltage_v": site.voltage_v,
        "max_voltage_v": site.max_voltage_v,
        "import_limit_kw": site.import_limit_kw,
        "reserved_other_load_kw": site.reserved_other_load_kw,
        "solar": None if site.solar is None else to_json(site.solar),
        "region": site.region,
        "export_limit_kw": site.export_limit_kw,
        "policy": to_json(site.policy),
        "place": None if site.place is None else to_json(site.place),
    }


def _site(row: Row, stations: tuple[Station, ...]) -> Site:
    feeders = from_json(tuple[Feeder, ...], row["feeders"])
    solar = None if row["solar"] is None else from_json(SolarArray, row["solar"])
    policy = PlanningPolicy() if row["policy"] is None else from_json(PlanningPolicy, row["policy"])
    place = None if row["place"] is None else from_json(Place, row["place"])
    return Site(**{**row, "feeders": feeders, "solar": solar, "policy": policy, "place": place, "stations": stations})


def station_values(station: Station) -> dict[str, object]:
    """A station as its row says it, without its key."""
    return {
        "id": station.id,
        "site_id": station.site_id,
        "feeder_id": station.feeder_id,
        "security_profile": station.security_profile,
        "vendor": station.vendor,
        "model": station.model,
    }


def _connector_values(connector: Connector) -> dict[str, object]:
    return {
        "station_id": connector.key.station_id,
        "connector_id": connector.key.connector_id,
        "phases": [phase.value for phase in connector.phases],
        "max_current_a": connector.max_current_a,
        "min_current_a": connector.min_current_a,
        "fallback_current_a": connector.fallback_current_a,
        "step_a": connector.step_a,
        "rotation_known": connector.rotation_known,
        "single_phase": None if connector.switching is None else connector.switching.single.value,
        "min_dwell_s": None if connector.switching is None else connector.switching.min_dwell_s,
    }


def _connector(row: Row) -> Connector:
    return Connector(
        key=ConnectorKey(row["station_id"], row["connector_id"]),
        phases=tuple(Phase(phase) for phase in row["phases"]),
        max_current_a=row["max_current_a"],
        min_current_a=row["min_current_a"],
        fallback_current_a=row["fallback_current_a"],
        step_a=row["step_a"],
        rotation_known=row["rotation_known"],
        switching=_switching(row),
        retired=row["retired_at"] is not None,
    )


def _switching(row: Row) -> PhaseSwitching | None:
    single = row["single_phase"]
    return None if single is None else PhaseSwitching(Phase(single), row["min_dwell_s"])
