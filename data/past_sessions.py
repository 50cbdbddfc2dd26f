"""Sessions from before we served a site, brought along from another network's books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cpms.domain.errors import Conflict
from cpms.domain.session import NeedSource, PastSession
from data.database import Topic

PREFIX = "import:"
"""Begins the transaction ids of what was brought along."""

_TYPES = ("int4", "text", "int4", "text", "text", "timestamptz", "timestamptz", "float8", "float8", "timestamptz")


@dataclass(frozen=True)
class Brought:
    """What became of past sessions: stored now, stored before, and left out because stations told us of them themselves."""

    added: int
    known: int
    heard: int


class PastSessions(Topic):
    """Other books."""

    async def add_past_sessions(self, site_id: str, sessions: Sequence[PastSession]) -> Brought:
        """Keep ended sessions at connectors of a site: all of them or none, each once however often it is told and in any order.

        Every `connector_id` is known. Conflict where one contradicts an earlier import; NotFound for a station there is not.
        """
        async with self._db.transaction() as work:
            await work.run("make_past_session_staging")
            await work.copy("copy_past_sessions", _TYPES, (_row(session) for session in sessions))
            contradicted = await work.row("contradicted_past_session")
            if contradicted is not None:
                raise Conflict(f"line {contradicted['line']} tells a session otherwise than it was imported before")
            heard = await work.run("drop_heard_past_sessions", ours=f"{PREFIX}%")
            added = await work.run("merge_past_sessions", site_id=site_id, source=NeedSource.DRIVER.value)
        return Brought(added, len(sessions) - heard - added, heard)


def _row(session: PastSession) -> tuple[object, ...]:
    need = session.need
    return (
        session.line,
        session.station_id,
        session.connector_id,
        PREFIX + session.session_id,
        session.id_tag,
        session.started_at,
        session.ended_at,
        session.energy_kwh,
        None if need is None else need.energy_kwh,
        None if need is None else need.departs_at,
    )
