"""Stations and sites go out of service. Nothing is deleted: their sessions, transactions and samples stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cpms.domain.errors import Conflict, InvalidInput, NotFound
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import Session
from cpms.domain.site import Station
from data.database import Topic, Work
from data.ending import close_at_last_sample
from data.sessions import session_of
from data.sites import lock_site, put_connectors, station_values, stations_of


class Retirement(Topic):
    """Taking out of service, and giving back what room that leaves."""

    async def retire_station(self, station_id: str, at: datetime, *, surely_off: bool) -> tuple[Session, ...]:
        """Take a station out of service: its key is void, its connectors count only until their leases are over.

        Conflict while a session is open there or a lease holds, unless it is `surely_off`: then its open sessions end at their last
        sample, estimated; they are returned. NotFound.
        """
        async with self._db.transaction() as work:
            if await work.row("lock_station", station_id=station_id) is None:
                raise NotFound(f"there is no station {station_id}")
            if not surely_off:
                await _require_idle(work, station_id, None)
            if await work.run("retire_station", station_id=station_id, at=at) == 0:
                raise NotFound(f"station {station_id} is retired already")
            await work.run("retire_connectors", station_id=station_id, connector_ids=None, at=at)
            open_rows = await work.rows("open_sessions_of_station", station_id=station_id, connector_ids=None)
            return tuple([session_of(await close_at_last_sample(work, row, at)) for row in open_rows])

    async def change_station(self, station: Station, at: datetime) -> None:
        """Replace a station's feeder, names and connectors; it keeps its site, key and security profile. Connectors that are left out
        go out of service: Conflict while a session is open or a lease holds there. NotFound, InvalidInput."""
        async with self._db.transaction() as work:
            await lock_site(work, station)
            known = await stations_of(work, station_id=station.id)
            if not known or known[0].retired_at is not None or known[0].site_id != station.site_id:
                raise NotFound(f"there is no station {station.id} at site {station.site_id}")
            if known[0].security_profile != station.security_profile:
                cure = "retire the station and create it again; it goes on with its history"
                raise InvalidInput("security_profile", "cannot be changed", cure)
            await work.row("lock_station", station_id=station.id)
            kept = {connector.key for connector in station.connectors}
            gone = [c.key.connector_id for c in known[0].connectors_in_service if c.key not in kept]
            await _require_idle(work, station.id, gone)
            await work.run("retire_connectors", station_id=station.id, connector_ids=gone, at=at)
            await work.run("change_station", **station_values(station))
            await put_connectors(work, station)

    async def release_retired(self) -> frozenset[str]:
        """Let retired connectors that no lease holds any more count no longer; the sites where there is more room now."""
        return frozenset(row["site_id"] for row in await self._db.rows("release_connectors"))

    async def retired_stations(self, since: datetime) -> frozenset[str]:
        """Stations that were retired from `since` on."""
        return frozenset(row["id"] for row in await self._db.rows("retired_stations", since=since))

    async def retire_site(self, site_id: str, at: datetime) -> None:
        """Take a site without stations out of service, and forget its limits. Conflict while stations are in service there, or a
        retired one still counts; NotFound."""
        async with self._db.transaction() as work:
            await work.run("lock_site", site_id=site_id)
            left = await stations_of(work, site_id=site_id)
            serving = [station.id for station in left if station.retired_at is None]
            if serving:
                raise Conflict(f"Site {site_id} has stations: {_names(serving)}. Retire them first.")
            if left:
                names = _names([station.id for station in left])
                raise Conflict(f"Retired stations of site {site_id} still count until their leases end: {names}.")
            if await work.run("retire_site", site_id=site_id, at=at) == 0:
                raise NotFound(f"there is no site {site_id}")
            await work.run("remove_limits", site_id=site_id)


async def _require_idle(work: Work, station_id: str, connector_ids: Sequence[int] | None) -> None:
    """Conflict while a session is open or a lease holds on these connectors (None: on any) of a station."""
    values = {"station_id": station_id, "connector_ids": None if connector_ids is None else list(connector_ids)}
    for row in await work.rows("open_sessions_of_station", **values):
        where = ConnectorKey(station_id, row["connector_id"])
        raise Conflict(f"Session {row['id']} is open on {where}; stop it first.")
    for row in await work.rows("leases_of_station", **values):
        where, until = ConnectorKey(station_id, row["connector_id"]), row["ends_at"].isoformat(timespec="seconds")
        raise Conflict(f"{where} holds a grant until {until}; wait for that.")


def _names(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"
