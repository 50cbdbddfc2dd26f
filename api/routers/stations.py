"""Stations: creating them, their keys, and how they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import OPERATOR, VIEWER
from api.dependencies import ServicesDep
from api.ports import Services
from api.safety import require_safe_change
from api.schemas.common import Id, Items
from api.schemas.state import StationDetail
from api.schemas.stations import CreatedStation, NewStation, StationBody, StationKey, StationView
from cpms.domain.errors import Conflict, NotFound
from cpms.domain.identity import keyed_hash, new_station_key
from cpms.domain.site import Site, Station

router = APIRouter(prefix="/stations", tags=["stations"])


@router.post("", status_code=201, dependencies=[OPERATOR])
async def create_station(body: NewStation, services: ServicesDep) -> CreatedStation:
    """Create a station. Its key is told this once. Refused where its fallback could exceed a limit."""
    async with services.configuring:
        site = await services.store.site(body.site_id)
        station = body.to_domain(site)
        known = site.station_by_id.get(station.id)
        if known is not None and known.retired_at is None:
            raise Conflict(f"Station {station.id} exists; change it with PUT /api/v1/stations/{station.id}.")
        await require_safe_change(services, _with(site, station))
        key = None if station.security_profile == 0 else new_station_key()
        await services.store.add_station(station, None if key is None else keyed_hash(key, services.pepper))
    await services.live.site_changed(station.site_id)
    return CreatedStation.with_key(station, key)


@router.get("", dependencies=[VIEWER])
async def list_stations(services: ServicesDep, site_id: Id | None = None) -> Items[StationView]:
    """Stations in service, of a site or of all."""
    sites = await services.store.sites() if site_id is None else (await services.store.site(site_id),)
    connected = services.live.connected()
    serving = [station for site in sites for station in site.stations if station.retired_at is None]
    return Items(items=[StationView.of(station, station.id in connected) for station in serving])


@router.get("/{station_id}", dependencies=[VIEWER])
async def read_station(station_id: Id, services: ServicesDep) -> StationDetail:
    """A station, its last boot, and what its connectors last said and measured; also one that is retired."""
    station = await services.store.station(station_id)
    return await _detail(station, services)


@router.put("/{station_id}", dependencies=[OPERATOR])
async def change_station(station_id: Id, body: StationBody, services: ServicesDep) -> StationView:
    """Replace a station's feeder, names and connectors. A connector that is left out goes out of service; refused while a session is
    open or a grant holds there, and where a fallback could exceed a limit."""
    async with services.configuring:
        known = await _in_service(station_id, services)
        site = await services.store.site(known.site_id)
        station = body.to_domain(known, site)
        await require_safe_change(services, _with(site, station))
        await services.store.change_station(station, services.clock.now())
    await services.live.site_changed(station.site_id)
    return StationView.of(station, station.id in services.live.connected())


@router.delete("/{station_id}", status_code=204, dependencies=[OPERATOR])
async def retire_station(
    station_id: Id,
    services: ServicesDep,
    force: Annotated[bool, Query(description="It is surely off: end its open sessions, estimated")] = False,
) -> None:
    """Take a station out of service: its key is void and its connection closed; its sessions and samples stay. What it was granted
    counts until the lease ends. Refused while a session is open or a grant holds, unless with `force`."""
    async with services.configuring:
        try:
            ended = await services.store.retire_station(station_id, services.clock.now(), surely_off=force)
        except Conflict as refusal:
            raise Conflict(f"{refusal} If it is surely off: ?force=true.") from refusal
    await services.live.station_retired(station_id, ended)


@router.post("/{station_id}/key", dependencies=[OPERATOR])
async def rotate_key(station_id: Id, services: ServicesDep) -> StationKey:
    """Give a station a new key, told this once; the old one stops working at its next connection."""
    station = await _in_service(station_id, services)
    if station.security_profile == 0:
        raise Conflict(f"Station {station_id} has security profile 0 and uses no key.")
    key = new_station_key()
    await services.store.set_station_key(station_id, keyed_hash(key, services.pepper))
    return StationKey(key=key)


async def _in_service(station_id: str, services: Services) -> Station:
    station = await services.store.station(station_id)
    if station.retired_at is not None:
        raise NotFound(f"Station {station_id} is retired since {station.retired_at.isoformat(timespec='seconds')}.")
    return station


def _with(site: Site, station: Station) -> Site:
    """The site with `station` beside the others there; what of it only counts until its leases end, counts on."""
    before = site.station_by_id.get(station.id)
    keys = {connector.key for connector in station.connectors}
    leaving = tuple(c for c in before.connectors if c.retired and c.key not in keys) if before is not None else ()
    others = tuple(other for other in site.stations if other.id != station.id)
    return replace(site, stations=(*others, replace(station, connectors=(*station.connectors, *leaving))))


async def _detail(station: Station, services: Services) -> StationDetail:
    store = services.store
    return StationDetail.build(
        station,
        station.id in services.live.connected(),
        (await store.connection_states(station.site_id))[station.id],
        await store.connector_statuses(station.site_id),
        await store.last_values(station.site_id),
    )
