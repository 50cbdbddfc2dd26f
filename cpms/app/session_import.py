"""`cpms sessions import`: what a site's stations did before we served them, from another network's books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cpms.app.database import open_store
from cpms.domain.errors import InvalidInput
from cpms.domain.session import PastSession
from cpms.domain.site import Site
from cpms.settings import Settings
from data.past_sessions import Brought
from data.session_file import CONNECTOR, DELIVERED, STATION, read_session_file, refuse_together
from data.store import Store

MARGIN_KWH = 2.0
MARGIN = 1.1
"""A session may have taken so much more than its connector gives: voltages and clocks are not exact."""


@dataclass(frozen=True)
class Imported:
    """What came of a file: `later` sessions had not ended; of `drivers` named in it, `strangers` are no token of ours."""

    brought: Brought
    later: int
    drivers: int
    strangers: int

    def __str__(self) -> str:
        lines = [
            f"{self.brought.added} sessions imported; {self.brought.known} were known already,"
            f" {self.brought.heard} left out as their stations told us of that time themselves,"
            f" {self.later} left out as they ended later",
        ]
        if self.strangers:
            lines.append(
                f"{self.strangers} of {self.drivers} drivers are no token here: they cannot charge until one is made"
            )
        lines.append("forecasts learn from them when `cpms serve` starts, or with its next daily training")
        return "\n".join(lines)


async def import_sessions(settings: Settings, path: Path, site_id: str, until: datetime | None) -> Imported:
    """Bring the sessions along that ended by `until`, at most now: all of them or, if a line cannot be used, none.

    InvalidInput names line and column. NotFound without the site, Conflict where a session was imported otherwise before.
    """
    told = read_session_file(path)
    now = settings.make_clock().now()
    over = [session for session in told if session.ended_at <= min(until or now, now)]
    async with open_store(settings) as store:
        placed = place(over, await store.site(site_id))
        brought = await store.add_past_sessions(site_id, placed)
        drivers = {session.id_tag for session in over if session.id_tag}
        return Imported(brought, len(told) - len(over), len(drivers), await _strangers(store, drivers))


async def _strangers(store: Store, drivers: set[str]) -> int:
    return sum([await store.token(id_tag) is None for id_tag in sorted(drivers)])


def place(sessions: Sequence[PastSession], site: Site) -> list[PastSession]:
    """The sessions at connectors of `site`; InvalidInput for lines whose station it lacks, whose connector is not clear, or whose
    energy no connector of it could have given."""
    placed: list[PastSession] = []
    refuse_together(lambda session: placed.append(_placed(session, site)), sessions)
    return placed


def _placed(session: PastSession, site: Site) -> PastSession:
    connectors = {
        key.connector_id: connector
        for key, connector in site.connectors.items()
        if key.station_id == session.station_id
    }
    if not connectors:
        raise _bad(session, STATION, f"{session.station_id} is not at site {site.id}", "create the station first")
    only = next(iter(connectors)) if len(connectors) == 1 else None
    connector = connectors.get(session.connector_id or only or 0)
    if connector is None:
        known = ", ".join(map(str, sorted(connectors)))
        problem = (
            "is missing" if session.connector_id is None else f"{session.connector_id} is none of {session.station_id}"
        )
        raise _bad(session, CONNECTOR, problem, f"give one of {known}")
    hours = (session.ended_at - session.started_at).total_seconds() / 3600.0
    most_kwh = MARGIN_KWH + MARGIN * hours * connector.max_power_kw(site.max_voltage_v)
    if session.energy_kwh > most_kwh:
        problem = f"{session.energy_kwh:g} kWh in {hours:.1f} h is more than the connector gives ({most_kwh:.1f} kWh)"
        raise _bad(session, DELIVERED, problem, "give kWh, not Wh, and the station it was")
    return replace(session, connector_id=connector.key.connector_id)


def _bad(session: PastSession, column: str, problem: str, cure: str) -> InvalidInput:
    return InvalidInput(f"line {session.line}, {column}", problem, cure)
