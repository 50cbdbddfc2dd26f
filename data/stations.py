"""What stations say of themselves, who is connected, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from cpms.domain.errors import NotFound
from cpms.domain.identity import ConnectorKey, StationCredentials
from cpms.domain.station_clock import UNKNOWN_CLOCK, StationClock
from cpms.domain.telemetry import (
    Alarm,
    ConnectorStatus,
    ConnectorStatusChanged,
    StationBooted,
    StationCapabilities,
    StationEvent,
)
from data.codec import to_json
from data.database import Row, Topic, Work


@dataclass(frozen=True)
class ConnectionState:
    """Whether a station is connected, and what it last said of itself; None = never."""

    station_id: str
    connected: bool
    protocol: str | None
    connected_at: datetime | None
    disconnected_at: datetime | None
    last_seen_at: datetime | None
    booted_at: datetime | None
    vendor: str
    model: str
    serial_number: str | None
    firmware_version: str | None
    capabilities: StationCapabilities | None
    clock: StationClock | None = None


@dataclass(frozen=True)
class LoggedEvent:
    """An entry of a station's log; `event` is the event as JSON."""

    received_at: datetime
    kind: str
    event: str


class Stations(Topic):
    """Keys, boots, connections, statuses and alarms."""

    async def set_station_key(self, station_id: str, key_hash: bytes | None) -> None:
        """Replace the hash of a station's key; NotFound."""
        _require_found(await self._db.run("set_station_key", station_id=station_id, key_hash=key_hash), station_id)

    async def station_credentials(self, station_id: str) -> StationCredentials | None:
        """What a connecting station is checked against; None if it is unknown."""
        row = await self._db.row("station_credentials", station_id=station_id)
        return None if row is None else StationCredentials(**row)

    async def record_boot(self, event: StationBooted) -> None:
        """Keep what a BootNotification says; NotFound."""
        async with self._db.transaction() as work:
            values = _said(event)
            _require_found(await work.run("record_boot", **values), event.station_id)
            await _log(work, event.station_id, event.received_at, "booted", values)

    async def record_capabilities(self, event: StationCapabilities) -> None:
        """Keep what a station can do; NotFound."""
        values = {**_said(event), "rate_units": sorted(event.rate_units)}
        _require_found(await self._db.run("record_capabilities", **values), event.station_id)

    async def record_connection(self, station_id: str, protocol: str, at: datetime) -> None:
        """It is connected; NotFound."""
        async with self._db.transaction() as work:
            touched = await work.run("record_connection", station_id=station_id, protocol=protocol, at=at)
            _require_found(touched, station_id)
            await _log(work, station_id, at, "connected", {"protocol": protocol})

    async def record_disconnection(self, station_id: str, at: datetime) -> None:
        """It is not connected any more; NotFound."""
        async with self._db.transaction() as work:
            _require_found(await work.run("record_disconnection", station_id=station_id, at=at), station_id)
            await _log(work, station_id, at, "disconnected", {})

    async def record_seen(self, seen: Mapping[str, datetime]) -> None:
        """These stations, by id, were last heard then; one commit for all."""
        async with self._db.transaction() as work:
            await work.run_many("record_seen", ({"station_id": key, "at": at} for key, at in sorted(seen.items())))

    async def record_clocks(self, clocks: Mapping[str, StationClock], at: datetime) -> None:
        """What is known at `at` of these stations' clocks, by id; one commit for all."""
        async with self._db.transaction() as work:
            await work.run_many("record_clock", (_clock_values(key, clocks[key], at) for key in sorted(clocks)))

    async def record_all_disconnected(self, at: datetime) -> None:
        """Nobody is connected: said once at start, as a server that was killed could not."""
        await self._db.run("record_all_disconnected", at=at)

    async def connection_states(self, site_id: str) -> dict[str, ConnectionState]:
        """Every station of the site by id."""
        return {row["id"]: _connection_state(row) for row in await self._db.rows("connection_states", site_id=site_id)}

    async def record_status(self, event: ConnectorStatusChanged) -> None:
        """Keep a connector's status unless a newer one is known; NotFound without the station."""
        async with self._db.transaction() as work:
            values = {**_said(event), "status": event.status.value}
            await work.run("record_status", **values)
            await _log(work, event.station_id, event.received_at, "status", values)

    async def connector_statuses(self, site_id: str) -> dict[ConnectorKey, ConnectorStatusChanged]:
        """The newest status of every connector of the site that ever told one."""
        rows = await self._db.rows("connector_statuses", site_id=site_id)
        statuses = [ConnectorStatusChanged(**{**row, "status": ConnectorStatus(row["status"])}) for row in rows]
        return {ConnectorKey(status.station_id, status.connector_id): status for status in statuses}

    async def station_events(self, station_id: str, since: datetime) -> list[LoggedEvent]:
        """The station's log from `since` on, oldest first."""
        return [LoggedEvent(**row) for row in await self._db.rows("station_events", station_id=station_id, since=since)]

    async def record_alarms(self, alarms: Sequence[Alarm]) -> None:
        """Keep alarms; NotFound without the site."""
        async with self._db.transaction() as work:
            await work.run_many("add_alarm", (asdict(alarm) for alarm in alarms))

    async def alarms(self, site_id: str, since: datetime) -> list[Alarm]:
        """Alarms of the site from `since` on, oldest first."""
        return [Alarm(**row) for row in await self._db.rows("alarms", site_id=site_id, since=since)]


def _require_found(touched: int, station_id: str) -> None:
    if touched == 0:
        raise NotFound(f"there is no station {station_id}")


async def _log(work: Work, station_id: str, received_at: datetime, kind: str, event: dict[str, object]) -> None:
    await work.run("add_station_event", station_id=station_id, received_at=received_at, kind=kind, event=to_json(event))


def _said(event: StationEvent) -> dict[str, object]:
    """What a station said, without what is known of its clock."""
    return {name: value for name, value in asdict(event).items() if name != "clock"}


def _clock_values(station_id: str, clock: StationClock, at: datetime) -> dict[str, object]:
    values = {
        "behind_s": clock.behind_s,
        "ahead_s": clock.ahead_s,
        "error_s": clock.error_s,
        "known_at": at,
    }
    return {"station_id": station_id, **(values if clock != UNKNOWN_CLOCK else dict.fromkeys(values))}


def _clock(row: Row) -> StationClock | None:
    """What is known of a clock, unless its station started anew since."""
    known_at, booted_at = row["clock_known_at"], row["booted_at"]
    if known_at is None or (booted_at is not None and known_at < booted_at):
        return None
    return StationClock(row["clock_behind_s"], row["clock_ahead_s"], row["clock_error_s"])


def _connection_state(row: Row) -> ConnectionState:
    return ConnectionState(
        station_id=row["id"],
        connected=row["connected_at"] is not None and row["disconnected_at"] is None,
        protocol=row["protocol"],
        connected_at=row["connected_at"],
        disconnected_at=row["disconnected_at"],
        last_seen_at=row["last_seen_at"],
        booted_at=row["booted_at"],
        vendor=row["vendor"],
        model=row["model"],
        serial_number=row["serial_number"],
        firmware_version=row["firmware_version"],
        capabilities=_capabilities(row),
        clock=_clock(row),
    )


def _capabilities(row: Row) -> StationCapabilities | None:
    if row["capabilities_at"] is None:
        return None
    return StationCapabilities(
        station_id=row["id"],
        received_at=row["capabilities_at"],
        max_stack_level=row["max_stack_level"],
        max_periods=row["max_periods"],
        max_profiles=row["max_profiles"],
        rate_units=frozenset(row["rate_units"]),
        connector_count=row["connector_count"],
    )
