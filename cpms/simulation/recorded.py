"""A recorded day: sessions of ACN-Data, from Caltech's garage, replayed on virtual stations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import PastSession, Session, SessionState
from cpms.simulation.caltech import EVSE_CURRENT_A, SITE_ID, ZONE, caltech, tariff
from cpms.simulation.scenario import OCPP_16, OCPP_201, Day, Visit
from cpms.simulation.vehicle import Vehicle
from data.session_file import read_session_file
from forecasting.sessions.medians import expect_need

MIN_STAY = timedelta(minutes=5)


def recorded_day(sessions: Path, on: date) -> Day:
    """The sessions that arrive on `on` (local date), at the whole garage; those that ended before are its past."""
    recordings = read_session_file(sessions)
    midnight = datetime.combine(on, time(0), ZONE)
    ends_at = datetime.combine(on + timedelta(days=1), time(0), ZONE)
    todays = [r for r in recordings if midnight <= r.started_at < ends_at]
    if not todays:
        raise InvalidInput("date", f"no session arrives on {on}", f"choose from {_span(recordings)}")
    used = {r.station_id for r in recordings}
    site = caltech(used)
    starts_at = midnight.astimezone(UTC)
    duration_s = int((ends_at.astimezone(UTC) - starts_at).total_seconds())
    minutes = duration_s // 60 + 1
    return Day(
        name=f"{midnight:%A %d %B %Y}, Caltech",
        site=site,
        protocols={s.id: (OCPP_16, OCPP_201)[i % 2] for i, s in enumerate(site.stations)},
        visits=_visits(todays, [r for r in recordings if r.ended_at <= ends_at], ends_at),
        tariff=tariff(),
        starts_at=starts_at,
        duration_s=duration_s,
        solar_kw=(0.0,) * minutes,
        other_load_kw=(0.0,) * minutes,
        past_sessions=sessions,
        notes=_notes([s.id for s in site.stations], used),
    )


def _span(recordings: Sequence[PastSession]) -> str:
    if not recordings:
        return "a file with sessions"
    return f"{recordings[0].started_at.astimezone(ZONE).date()} to {recordings[-1].started_at.astimezone(ZONE).date()}"


def _notes(station_ids: Sequence[str], used: set[str]) -> tuple[str, ...]:
    idle = [station_id for station_id in station_ids if station_id not in used]
    if not idle:
        return ()
    return (f"{len(idle)} of {len(station_ids)} stations never appear in the file, and stay empty: {', '.join(idle)}",)


def _visits(todays: Sequence[PastSession], ended: Sequence[PastSession], ends_at: datetime) -> tuple[Visit, ...]:
    """Overlapping rows of one EVSE are cut at the next arrival, stays end with the day, and a stay that is cut took its
    share of the recorded energy."""
    visits = []
    for number, recording in enumerate(todays):
        later = [r.started_at for r in todays[number + 1 :] if r.station_id == recording.station_id]
        departs_at = min([recording.ended_at, ends_at - MIN_STAY, *(at - timedelta(minutes=1) for at in later)])
        if departs_at - recording.started_at >= MIN_STAY:
            visits.append(_visit(number, recording, departs_at, ended))
    return tuple(visits)


def _visit(number: int, recording: PastSession, departs_at: datetime, ended: Sequence[PastSession]) -> Visit:
    stayed = (departs_at - recording.started_at) / max(recording.ended_at - recording.started_at, MIN_STAY)
    visit = Visit(
        id_tag=recording.id_tag or f"ACN-{number + 1:03d}",
        connector=ConnectorKey(recording.station_id, 1),
        arrives_at=recording.started_at.astimezone(UTC),
        departs_at=departs_at.astimezone(UTC),
        vehicle=Vehicle(recording.energy_kwh * min(1.0, stayed), EVSE_CURRENT_A, 2),
    )
    if recording.need is None:
        return replace(visit, expected_departs_at=_usual_departure(recording, ended))
    stated_departs_at = max(recording.need.departs_at, recording.started_at + MIN_STAY)
    return replace(visit, stated_kwh=recording.need.energy_kwh, stated_departs_at=stated_departs_at.astimezone(UTC))


def _usual_departure(recording: PastSession, ended: Sequence[PastSession]) -> datetime:
    """When vehicles that came at this time of day used to leave, as known when this one came."""
    history = [_session(r) for r in ended if r.ended_at <= recording.started_at]
    return expect_need(history, recording.started_at, recording.id_tag, ZONE.key).departs_at.astimezone(UTC)


def _session(recording: PastSession) -> Session:
    return Session(
        id=recording.session_id,
        site_id=SITE_ID,
        connector=ConnectorKey(recording.station_id, 1),
        transaction_id=recording.session_id,
        started_at=recording.started_at,
        id_tag=recording.id_tag,
        energy_kwh=recording.energy_kwh,
        state=SessionState.ENDED,
        ended_at=recording.ended_at,
    )
