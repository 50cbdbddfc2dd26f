"""Sessions: reading them, their need, their progress."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cpms.domain.errors import NotFound
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, NeedSource, Session, SessionState
from cpms.domain.units import Phase
from data.database import Row, Topic

Progress = tuple[str, float, SessionState, tuple[Phase, ...] | None]
"""Session id, energy delivered so far [kWh], state, phases seen in use (None: as before)."""


class Sessions(Topic):
    """Stays of vehicles."""

    async def session(self, session_id: str) -> Session:
        """The session; NotFound."""
        row = await self._db.row("session", session_id=session_id)
        if row is None:
            raise NotFound(f"there is no session {session_id}")
        return session_of(row)

    async def sessions(
        self, site_id: str | None = None, station_id: str | None = None, open_only: bool = False, limit: int = 100
    ) -> list[Session]:
        """At most `limit` sessions, newest first."""
        values = {"site_id": site_id, "station_id": station_id, "open_only": open_only, "limit": limit}
        return [session_of(row) for row in await self._db.rows("sessions", **values)]

    async def open_sessions(self, site_id: str) -> list[Session]:
        """Sessions of the site that have not ended, oldest first."""
        return [session_of(row) for row in await self._db.rows("open_sessions", site_id=site_id)]

    async def ended_sessions(self, site_id: str, since: datetime) -> list[Session]:
        """Ended sessions of the site that started at `since` or later, oldest first."""
        return [session_of(row) for row in await self._db.rows("ended_sessions", site_id=site_id, since=since)]

    async def set_need(self, session_id: str, need: EnergyNeed, priority: int | None = None) -> Session:
        """Say what a session needs, and how it ranks (None: as before); NotFound."""
        row = await self._db.row(
            "set_need",
            session_id=session_id,
            energy_kwh=need.energy_kwh,
            departs_at=need.departs_at,
            source=need.source.value,
            minimum_now_kwh=need.minimum_now_kwh,
            priority=priority,
        )
        if row is None:
            raise NotFound(f"there is no session {session_id}")
        return session_of(row)

    async def note_session_progress(self, progress: Iterable[Progress]) -> None:
        """Keep how far open sessions are; energy never goes back, ended sessions stay as they are."""
        async with self._db.transaction() as work:
            await work.run_many("note_progress", (_progress_values(*entry) for entry in progress))


def _progress_values(
    session_id: str, energy_kwh: float, state: SessionState, phases: tuple[Phase, ...] | None
) -> dict[str, object]:
    active = None if phases is None else [phase.value for phase in phases]
    return {"session_id": session_id, "energy_kwh": energy_kwh, "state": state.value, "active_phases": active}


def session_of(row: Row) -> Session:
    """The session in a row of the table."""
    ended = row["ended_at"] is not None
    return Session(
        id=row["id"],
        site_id=row["site_id"],
        connector=ConnectorKey(row["station_id"], row["connector_id"]),
        transaction_id=row["transaction_id"],
        started_at=row["started_at"],
        id_tag=row["id_tag"],
        meter_start_kwh=row["meter_start_kwh"],
        energy_kwh=row["energy_kwh"],
        state=SessionState(row["state"]),
        need=_need(row),
        priority=row["priority"],
        active_phases=None if row["active_phases"] is None else tuple(Phase(p) for p in row["active_phases"]),
        ended_at=row["ended_at"],
        stop_reason=row["stop_reason"],
        estimated=not row["start_known"] or row["energy_estimated"] or (ended and not row["stop_known"]),
    )


def _need(row: Row) -> EnergyNeed | None:
    if row["need_energy_kwh"] is None:
        return None
    source = NeedSource(row["need_source"])
    return EnergyNeed(row["need_energy_kwh"], row["need_departs_at"], source, row["need_minimum_now_kwh"])
