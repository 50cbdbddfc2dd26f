"""Transaction messages into sessions: every message any number of times, in any order, and nothing is lost.

Invariants B1 (committed before it is acknowledged), B2 (n deliveries are one session), B4 (a station reaches its own
transactions only). A session keeps what of it was heard and what was reconstructed; a real start or stop that arrives
after all replaces what was reconstructed.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from cpms.domain.errors import NotFound
from cpms.domain.session import Session, SessionState
from cpms.domain.telemetry import Sample, TransactionEnded, TransactionStarted, TransactionUpdated
from data.codec import to_json
from data.database import Row, Topic, Work
from data.ending import close_at_last_sample, end_with, matching_session, reckon
from data.series import ensure_sample_days, write_samples
from data.sessions import session_of
from data.transaction_messages import (
    TransactionMessage,
    message_key,
    new_transaction_id,
    own_samples,
    registers,
    require_storable,
    state_after,
    synthetic_transaction_id,
)


class Transactions(Topic):
    """The life of transactions. All methods: NotFound without the station; durable when they return; repeatable."""

    async def start_transaction(self, event: TransactionStarted) -> Session:
        """The session of a start, made if it is new. 1.6: `transaction_id` of the answer is ours, random.

        An open session that a later one on the same connector has overtaken ends at its last sample, estimated.
        """
        return await self._handle(event)

    async def update_transaction(self, event: TransactionUpdated) -> Session:
        """The session after an update; one whose start was never heard is made, estimated."""
        return await self._handle(event)

    async def end_transaction(self, event: TransactionEnded) -> Session:
        """The ended session. A stop of an unknown transaction (0, -1, a number never given) ends the session on its connector
        at that time, if there is just one; else a session is made of what the stop says, estimated."""
        return await self._handle(event)

    async def _handle(self, event: TransactionMessage) -> Session:
        require_storable(event)
        samples, quarantined = own_samples(event)
        await ensure_sample_days(self._db, samples)
        async with self._db.transaction() as work:
            site_id = await _lock_station(work, event.station_id)
            key = message_key(event)
            repeated = await work.row("session_of_message", station_id=event.station_id, message_key=key)
            await write_samples(work, samples, quarantined)
            if repeated is not None:
                return session_of(repeated)
            session = await _apply(work, site_id, event, samples)
            await _record(work, session["id"], key, event)
        return session_of(session)


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


async def _apply(work: Work, site_id: str, event: TransactionMessage, samples: list[Sample]) -> Row:
    match event:
        case TransactionStarted():
            return await _start(work, site_id, event, samples)
        case TransactionUpdated():
            return await _update(work, site_id, event, samples)
        case TransactionEnded():
            return await _end(work, site_id, event, samples)


async def _start(work: Work, site_id: str, event: TransactionStarted, samples: list[Sample]) -> Row:
    meter_start_kwh = event.meter_start_kwh
    if meter_start_kwh is None and (known := registers(samples)):
        meter_start_kwh = known[0][1]
    found = await _find_start(work, event)
    if found is not None and found["start_known"]:
        return found
    if found is not None:
        return await _complete_start(work, found, event, meter_start_kwh)
    return await _add_session(
        work,
        site_id,
        event.station_id,
        connector_id=event.connector_id,
        transaction_id=event.transaction_id or await _free_transaction_id(work, event.station_id),
        id_is_ours=event.transaction_id is None,
        id_tag=event.id_tag,
        started_at=event.started_at,
        meter_start_kwh=meter_start_kwh,
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


async def _complete_start(work: Work, found: Row, event: TransactionStarted, meter_start_kwh: float | None) -> Row:
    """The start of a session that was made of a later message."""
    row = await work.row(
        "complete_start",
        id=found["id"],
        connector_id=event.connector_id,
        id_tag=event.id_tag,
        started_at=event.started_at,
        meter_start_kwh=meter_start_kwh,
    )
    assert row is not None  # noqa: S101 - the row is locked with its station
    energy = await reckon(work, row, row["ended_at"] or row["changed_at"], row["meter_stop_kwh"])
    began = event.charging and row["state"] == SessionState.PREPARING.value
    changed = await _change(
        work,
        row,
        state=SessionState.CHARGING.value if began else row["state"],
        energy_kwh=energy.energy_kwh,
        energy_estimated=row["stop_known"] and energy.estimated,
    )
    return await _end_overtaken(work, changed)


async def _update(work: Work, site_id: str, event: TransactionUpdated, samples: list[Sample]) -> Row:
    row = await _by_transaction_id(work, event.station_id, event.transaction_id)
    if row is None:
        row = await _add_unstarted(work, site_id, event, event.updated_at, samples)
    if row["stop_known"]:
        return row
    energy = await reckon(work, row, max(event.updated_at, row["changed_at"]), None)
    is_news = row["ended_at"] is None and event.updated_at >= row["changed_at"]
    changed = await _change(
        work,
        row,
        connector_id=row["connector_id"] or event.connector_id or 0,
        id_tag=event.id_tag,
        state=state_after(event.charging, SessionState(row["state"])).value if is_news else row["state"],
        changed_at=max(event.updated_at, row["changed_at"]),
        energy_kwh=max(row["energy_kwh"], energy.energy_kwh),
    )
    return await _end_overtaken(work, changed)


async def _end(work: Work, site_id: str, event: TransactionEnded, samples: list[Sample]) -> Row:
    row = await _by_transaction_id(work, event.station_id, event.transaction_id) or await matching_session(work, event)
    if row is None:
        row = await _add_unstarted(work, site_id, event, event.ended_at, samples)
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
    """A session whose start nobody heard: it began no later than `at` and its first register."""
    known = registers(samples)
    return await _add_session(
        work,
        site_id,
        event.station_id,
        connector_id=await _connector_of(work, event.station_id, event.connector_id, samples),
        transaction_id=synthetic_transaction_id(event),
        id_is_ours=False,
        id_tag=event.id_tag,
        started_at=min([at, *(read_at for read_at, _ in known)]),
        meter_start_kwh=known[0][1] if known else None,
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
    return await _end_overtaken(work, added)


async def _end_overtaken(work: Work, row: Row) -> Row:
    """End the open sessions on a session's connector that a later one has overtaken: perhaps others, perhaps itself."""
    if row["connector_id"] == 0:
        return row
    station_id, connector_id = row["station_id"], row["connector_id"]
    for overtaken in await work.rows("overtaken_sessions", station_id=station_id, connector_id=connector_id):
        closed = await close_at_last_sample(work, overtaken, overtaken["next_started_at"])
        row = closed if closed["id"] == row["id"] else row
    return row


async def _change(work: Work, row: Row, **values: object) -> Row:
    kept = ("id", "connector_id", "id_tag", "state", "changed_at", "energy_kwh", "energy_estimated")
    changed = await work.row("change_session", **{**{name: row[name] for name in kept}, **values})
    assert changed is not None  # noqa: S101 - the row is locked with its station
    return changed
