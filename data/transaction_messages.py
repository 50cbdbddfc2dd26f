"""What transaction messages say, without the database: their identity, their registers, the state they mean."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import SessionState
from cpms.domain.telemetry import Sample, TransactionEnded, TransactionStarted, TransactionUpdated
from data.sanitise import Quarantined, is_storable, sort_out

TransactionMessage = TransactionStarted | TransactionUpdated | TransactionEnded

_PLACEHOLDERS = frozenset({"", "0", "-1"})
"""Transaction ids that stations send when they have none (their start was never answered)."""


def message_key(event: TransactionMessage) -> str:
    """Identity of what the station said, the same for every repetition: not when we heard it, nor how we corrected its clock."""
    said: tuple[object, ...]
    match event:
        case TransactionStarted():
            said = (
                "start",
                event.transaction_id,
                event.connector_id,
                event.id_tag,
                event.reported_at or event.started_at,
                event.meter_start_kwh,
            )
        case TransactionUpdated():
            said = ("update", event.transaction_id, event.updated_at, event.sequence_number)
        case TransactionEnded():
            said = (
                "end",
                event.transaction_id,
                event.id_tag,
                event.reported_at or event.ended_at,
                event.meter_stop_kwh,
            )
    return hashlib.sha256("\x1f".join(str(part) for part in said).encode()).hexdigest()


def new_transaction_id() -> str:
    """A random positive 31-bit number (1.6 transaction ids are integers; sequential ones can be guessed, CVE-2026-28230)."""
    return str(secrets.randbelow(2**31 - 1) + 1)


def synthetic_transaction_id(event: TransactionUpdated | TransactionEnded) -> str:
    """The event's own transaction id, or for a placeholder one that every repetition gets again."""
    if event.transaction_id not in _PLACEHOLDERS:
        return event.transaction_id
    return f"orphan-{message_key(event)[:16]}"


def own_samples(event: TransactionMessage) -> tuple[list[Sample], list[Quarantined]]:
    """The event's samples sorted out; those of another station go to quarantine as well (invariant B4)."""
    good, bad = sort_out(event.samples)
    foreign = [Quarantined(s, "of another station") for s in good if s.connector.station_id != event.station_id]
    return [sample for sample in good if sample.connector.station_id == event.station_id], bad + foreign


def placed(samples: Iterable[Sample], connector_id: int) -> tuple[Sample, ...]:
    """Samples of which those that do not say their connector (0) are on `connector_id`."""
    return tuple(
        sample
        if sample.connector.connector_id
        else replace(sample, connector=ConnectorKey(sample.connector.station_id, connector_id))
        for sample in samples
    )


def registers(samples: list[Sample]) -> list[tuple[datetime, float]]:
    """Energy registers [kWh] in `samples` with their instants, oldest first."""
    return sorted((sample.sampled_at, sample.energy_kwh) for sample in samples if sample.energy_kwh is not None)


def state_after(charging: bool | None, before: SessionState) -> SessionState:
    """The state that `charging` means; as before where the station does not say."""
    if charging is None:
        return before
    return SessionState.CHARGING if charging else SessionState.SUSPENDED


def require_storable(event: TransactionMessage) -> None:
    """InvalidInput for identifiers with a NUL or a lone surrogate."""
    for field in ("station_id", "transaction_id", "id_tag", "reason"):
        text = getattr(event, field, None)
        if text is not None and not is_storable(text):
            raise InvalidInput(field, f"{text!r} has a NUL or a lone surrogate", "send plain text")
