"""Stations: creating them, their keys, and how they are."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter

from api.auth import OPERATOR, VIEWER
from api.dependencies import ServicesDep
from api.ports import Services
from api.safety import require_safe_change
from api.schemas.common import Id, Items
from api.schemas.state import StationDetail
from api.schemas.stations import CreatedStation, NewStation, StationKey, StationView
from cpms.domain.errors import Conflict
from cpms.domain.identity import keyed_hash, new_station_key
from cpms.domain.site import Station

router = APIRouter(prefix="/stations", tags=["stations"])


@router.post("", status_code=201, dependencies=[OPERATOR])
async def create_station(body: NewStation, services: ServicesDep) -> CreatedStation:
    """Create a station. Its key is told this once. Refused where its fallback could exceed a limit."""
    async with services.configuring:
        site = await services.store.site(body.site_id)
        station = body.to_domain(site.root.id)
        if station.id in site.station_by_id:
            raise Conflict(f"Station {station.id} exists.")
        await require_safe_change(services, replace(site, stations=(*site.stations, station)))
        key = None if station.security_profile == 0 else new_station_key()
        await services.store.add_station(station, None if key is None else keyed_hash(key, services.pepper))
    await services.live.site_changed(station.site_id)
    return CreatedStation.with_key(station, key)


@router.get("", dependencies=[VIEWER])
async def list_stations(services: ServicesDep, site_id: Id | None = None) -> Items[StationView]:
    """Stations of a site, or of all."""
    sites = await services.store.sites() if site_id is None else (await services.store.site(site_id),)
    connected = services.live.connected()
    return Items(items=[StationView.of(s, s.id in connected) for site in sites for s in site.stations])


@router.get("/{station_id}", dependencies=[VIEWER])
async def read_station(station_id: Id, services: ServicesDep) -> StationDetail:
    """A station, its last boot, and what its connectors last said and measured."""
    station = await services.store.station(station_id)
    return await _detail(station, services)


@router.post("/{station_id}/key", dependencies=[OPERATOR])
async def rotate_key(station_id: Id, services: ServicesDep) -> StationKey:
    """Give a station a new key, told this once; the old one stops working at its next connection."""
    station = await services.store.station(station_id)
    if station.security_profile == 0:
        raise Conflict(f"Station {station_id} has security profile 0 and uses no key.")
    key = new_station_key()
    await services.store.set_station_key(station_id, keyed_hash(key, services.pepper))
    return StationKey(key=key)


async def _detail(station: Station, services: Services) -> StationDetail:
    store = services.store
    return StationDetail.build(
        station,
        station.id in services.live.connected(),
        (await store.connection_states(station.site_id))[station.id],
        await store.connector_statuses(station.site_id),
        await store.last_values(station.site_id),
    )
