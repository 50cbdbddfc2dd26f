"""Transaction messages into sessions: every message any number of times, in any order, and nothing is lost.

Invariants B1 (committed before it is acknowledged), B2 (n deliveries are one session), B4 (a station reaches its own
transactions only). A session keeps what of it was heard and what was reconstructed; a real start or stop that arrives
after all replaces what was reconstructed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from cpms.domain.errors import NotFound
from cpms.domain.session import Session, SessionState
from cpms.domain.telemetry import Sample, TransactionEnded, TransactionStarted, TransactionUpdated
from data.codec import to_json
from data.database import Row, Topic, Work
from data.ending import close_at_last_sample, end_with, matching_session, reckon
from data.energy import note_energy_due, quarters_of, quarters_of_session
from data.series import ensure_sample_days, write_samples
from data.sessions import session_of
from data.transaction_messages import (
    TransactionMessage,
    message_key,
    new_transaction_id,
    own_samples,
    placed,
    registers,
    require_storable,
    state_after,
    synthetic_transaction_id,
)


@dataclass(frozen=True)
class Recorded:
    """The session a transaction message is about, and open sessions that it showed to be over."""

    session: Session
    overtaken: tuple[Session, ...] = ()


class Transactions(Topic):
    """The life of transactions."""

    async def record_transaction(self, event: TransactionMessage) -> Recorded:
        """Keep a transaction message; durable when this returns, and repeatable. NotFound without the station.

        A start makes a session if it is new; 1.6: `transaction_id` is ours, random. An open session that a later one on its
        connector has overtaken ends at its last sample, estimated. An update or a stop whose start was never heard makes one,
        estimated; a stop of an unknown transaction (0, -1, a number never given) ends the session on its connector at that time,
        if there is just one.
        """
        require_storable(event)
        async with self._db.connected() as work:
            event = await _placed(work, event)
        samples, quarantined = own_samples(event)
        await ensure_sample_days(self._db, samples)
        async with self._db.transaction() as work:
            site_id = await _lock_station(work, event.station_id)
            key = message_key(event)
            session = await work.row("session_of_message", station_id=event.station_id, message_key=key)
            await write_samples(work, samples, quarantined)
            due = quarters_of(samples)
            overtaken: list[Row] = []
            if session is None:
                session = await _apply(work, site_id, event, samples, overtaken)
                await _record(work, session["id"], key, event)
                due |= set() if isinstance(event, TransactionUpdated) else quarters_of_session(session)
            await note_energy_due(work, due)
        return Recorded(session_of(session), tuple(session_of(row) for row in overtaken if row["id"] != session["id"]))


async def _placed(work: Work, event: TransactionMessage) -> TransactionMessage:
    """The event with samples that do not say their connector (0) on that of its transaction, where that is known."""
    if all(sample.connector.connector_id for sample in event.samples) or event.transaction_id is None:
        return event
    row = await _by_transaction_id(work, event.station_id, event.transaction_id)
    return event if row is None else replace(event, samples=placed(event.samples, row["connector_id"]))


async def _lock_station(work: Work, station_id: str) -> str:
    """One message of a station at a time; returns its site."""
    row = await work.row("lock_station", station_id=station_id)
    if row is None:
        raise NotFound(f"there is no station {station_id}")
    return str(row["site_id"])


async def _record(work: Work, session_id: str, key: str, event: TransactionMessage) -> None:
    await work.run(
        "record_message",
        station_id=event.station_id,
        message_key=key,
        session_id=session_id,
        received_at=event.received_at,
        event=to_json(event),
    )


async def _apply(
    work: Work, site_id: str, event: TransactionMessage, samples: list[Sample], overtaken: list[Row]
) -> Row:
    """The session after the message; sessions that this ended are added to `overtaken`."""
    match event:
        case TransactionStarted():
            row = await _start(work, site_id, event)
        case TransactionUpdated():
            row = await _update(work, site_id, event, samples)
        case TransactionEnded():
            row = await _end(work, site_id, event, samples)
    return await _end_overtaken(work, row, overtaken)


async def _start(work: Work, site_id: str, event: TransactionStarted) -> Row:
    found = await _find_start(work, event)
    if found is not None and found["start_known"]:
        return found
    if found is not None:
        return await _complete_start(work, found, event)
    return await _add_session(
        work,
        site_id,
        event.station_id,
        connector_id=event.connector_id,
        transaction_id=event.transaction_id or await _free_transaction_id(work, event.station_id),
        id_is_ours=event.transaction_id is None,
        id_tag=event.id_tag,
        started_at=event.started_at,
        meter_start_kwh=event.meter_start_kwh,
        state=(SessionState.CHARGING if event.charging else SessionState.PREPARING).value,
        start_known=True,
    )


async def _find_start(work: Work, event: TransactionStarted) -> Row | None:
    if event.transaction_id is not None:
        return await _by_transaction_id(work, event.station_id, event.transaction_id)
    return await work.row(
        "session_of_start",
        station_id=event.station_id,
        connector_id=event.connector_id,
        started_at=event.started_at,
        id_tag=event.id_tag,
        meter_start_kwh=event.meter_start_kwh,
    )


async def _complete_start(work: Work, found: Row, event: TransactionStarted) -> Row:
    """The start of a session that was made of a later message."""
    row = await work.row(
        "complete_start",
        id=found["id"],
        connector_id=event.connector_id,
        id_tag=event.id_tag,
        started_at=event.started_at,
        meter_start_kwh=event.meter_start_kwh,
    )
    assert row is not None  # noqa: S101 - the row is locked with its station
    energy = await reckon(work, row, row["ended_at"] or row["changed_at"], row["meter_stop_kwh"])
    began = event.charging and row["state"] == SessionState.PREPARING.value
    return await _change(
        work,
        row,
        state=SessionState.CHARGING.value if began else row["state"],
        energy_kwh=energy.energy_kwh,
        energy_estimated=row["stop_known"] and energy.estimated,
    )


async def _update(work: Work, site_id: str, event: TransactionUpdated, samples: list[Sample]) -> Row:
    row = await _by_transaction_id(work, event.station_id, event.transaction_id)
    if row is None:
        row = await _add_unstarted(work, site_id, event, event.updated_at, samples)
    row = await _begun_by(work, row, event.updated_at, samples)
    if row["stop_known"]:
        energy = await reckon(work, row, row["ended_at"], row["meter_stop_kwh"])
        return await _change(work, row, energy_kwh=energy.energy_kwh, energy_estimated=energy.estimated)
    energy = await reckon(work, row, max(event.updated_at, row["changed_at"]), None)
    is_news = row["ended_at"] is None and event.updated_at >= row["changed_at"]
    return await _change(
        work,
        row,
        connector_id=row["connector_id"] or event.connector_id or 0,
        id_tag=event.id_tag,
        state=state_after(event.charging, SessionState(row["state"])).value if is_news else row["state"],
        changed_at=max(event.updated_at, row["changed_at"]),
        energy_kwh=max(row["energy_kwh"], energy.energy_kwh),
    )


async def _begun_by(work: Work, row: Row, at: datetime, samples: list[Sample]) -> Row:
    """A session whose start nobody heard began no later than anything it told."""
    started_at = min([at, *(read_at for read_at, _ in registers(samples))])
    earlier = await work.row("begin_earlier", id=row["id"], started_at=started_at)
    return row if earlier is None else earlier


async def _end(work: Work, site_id: str, event: TransactionEnded, samples: list[Sample]) -> Row:
    row = await _by_transaction_id(work, event.station_id, event.transaction_id) or await matching_session(work, event)
    if row is None:
        row = await _add_unstarted(work, site_id, event, event.ended_at, samples)
    row = await _begun_by(work, row, event.ended_at, samples)
    return row if row["stop_known"] else await end_with(work, row, event, samples)


async def _by_transaction_id(work: Work, station_id: str, transaction_id: str) -> Row | None:
    return await work.row("session_of_transaction", station_id=station_id, transaction_id=transaction_id)


async def _free_transaction_id(work: Work, station_id: str) -> str:
    while await _by_transaction_id(work, station_id, candidate := new_transaction_id()) is not None:
        pass
    return candidate


async def _connector_of(work: Work, station_id: str, connector_id: int | None, samples: list[Sample]) -> int:
    """The connector a message is about: what it says, else its samples, else the station's only one, else 0 (unknown)."""
    known = {connector_id} if connector_id else {s.connector.connector_id for s in samples if s.connector.connector_id}
    if not known:
        known = {row["connector_id"] for row in await work.rows("connector_ids", station_id=station_id)}
    return known.pop() if len(known) == 1 else 0


async def _add_unstarted(
    work: Work, site_id: str, event: TransactionUpdated | TransactionEnded, at: datetime, samples: list[Sample]
) -> Row:
    """A session whose start nobody heard: it began no later than `at`."""
    return await _add_session(
        work,
        site_id,
        event.station_id,
        connector_id=await _connector_of(work, event.station_id, event.connector_id, samples),
        transaction_id=synthetic_transaction_id(event),
        id_is_ours=False,
        id_tag=event.id_tag,
        started_at=at,
        meter_start_kwh=None,
        state=SessionState.PREPARING.value,
        start_known=False,
    )


async def _add_session(work: Work, site_id: str, station_id: str, **values: object) -> Row:
    added = await work.row(
        "add_session",
        id=str(uuid.uuid4()),
        site_id=site_id,
        station_id=station_id,
        changed_at=values["started_at"],
        **values,
    )
    assert added is not None  # noqa: S101 - INSERT ... RETURNING gives its row
    return added


async def _end_overtaken(work: Work, row: Row, ended: list[Row]) -> Row:
    """End the open sessions on a session's connector that a later one has overtaken: perhaps others, perhaps itself."""
    if row["connector_id"] == 0:
        return row
    station_id, connector_id = row["station_id"], row["connector_id"]
    for overtaken in await work.rows("overtaken_sessions", station_id=station_id, connector_id=connector_id):
        closed = await close_at_last_sample(work, overtaken, overtaken["next_started_at"])
        ended.append(closed)
        row = closed if closed["id"] == row["id"] else row
    return row


async def _change(work: Work, row: Row, **values: object) -> Row:
    kept = ("id", "connector_id", "id_tag", "state", "changed_at", "energy_kwh", "energy_estimated")
    changed = await work.row("change_session", **{**{name: row[name] for name in kept}, **values})
    assert changed is not None  # noqa: S101 - the row is locked with its station
    return changed
