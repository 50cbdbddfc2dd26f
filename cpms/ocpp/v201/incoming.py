"""Requests of a 2.0.1 station as events. An EVSE is what we call a connector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cpms.domain.telemetry import (
    AuthorizeRequested,
    ConnectorStatus,
    ConnectorStatusChanged,
    DataTransferReceived,
    HeartbeatReceived,
    Sample,
    SamplesReceived,
    StationBooted,
    StationEvent,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from cpms.ocpp import measurands
from cpms.ocpp.context import Context, Incoming
from cpms.ocpp.measurands import Reading, Registers
from cpms.ocpp.tolerant import Reader
from cpms.ocpp.v201 import messages as m
from cpms.ocpp.violations import ErrorCode, Violation

ACKNOWLEDGED = frozenset(
    {
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
        "SecurityEventNotification",
    }
)
"""They want no more than to be heard; the raw message is kept."""

_STATUS_BY_NAME = {
    "available": ConnectorStatus.AVAILABLE,
    "occupied": ConnectorStatus.PREPARING,  # transaction events tell the rest
    "reserved": ConnectorStatus.RESERVED,
    "unavailable": ConnectorStatus.UNAVAILABLE,
    "faulted": ConnectorStatus.FAULTED,
}


def read(action: str, payload: bytes | msgspec.Raw, context: Context) -> Incoming | None:
    """The event a request tells of; None for actions we do not know. Violation if it cannot be used."""
    if action in ACKNOWLEDGED:
        return Incoming(None)
    entry = _ACTIONS.get(action)
    if entry is None:
        return None
    reader, translate = entry
    return translate(reader.read(payload, context.deviations), context)


def _boot(message: m.BootNotification, context: Context) -> Incoming:
    station = message.charging_station or m.ChargingStation()
    if not (station.vendor_name and station.model):
        context.deviations.append("vendorName or model is missing")
    return Incoming(
        StationBooted(
            context.station_id,
            context.received_at,
            vendor=station.vendor_name,
            model=station.model,
            serial_number=station.serial_number,
            firmware_version=station.firmware_version,
            reason=message.reason,
        )
    )


def _heartbeat(message: m.Heartbeat, context: Context) -> Incoming:
    return Incoming(HeartbeatReceived(context.station_id, context.received_at))


def _status(message: m.StatusNotification, context: Context) -> Incoming:
    status = _STATUS_BY_NAME.get(message.connector_status.strip().lower())
    if status is None:
        context.deviations.append(f"connectorStatus is {message.connector_status[:40]!r}")
    return Incoming(
        ConnectorStatusChanged(
            context.station_id,
            context.received_at,
            connector_id=message.evse_id,
            status=status or ConnectorStatus.UNAVAILABLE,
            changed_at=context.instant(message.timestamp)[0],
            info="" if status else message.connector_status[:40],
        )
    )


def _authorize(message: m.Authorize, context: Context) -> Incoming:
    event = AuthorizeRequested(context.station_id, context.received_at, message.id_token.id_token)
    return Incoming(event, has_id_tag=True)


def _meter_values(message: m.MeterValues, context: Context) -> Incoming:
    samples = _samples(message.meter_value, message.evse_id, None, context)
    return Incoming(SamplesReceived(context.station_id, context.received_at, samples))


def _data_transfer(message: m.DataTransfer, context: Context) -> Incoming:
    data = message.data
    text = data if data is None or isinstance(data, str) else msgspec.json.encode(data).decode()
    return Incoming(
        DataTransferReceived(context.station_id, context.received_at, message.vendor_id, message.message_id, text)
    )


def _transaction_event(message: m.TransactionEvent, context: Context) -> Incoming:
    translate = _TRANSACTION_EVENTS.get(message.event_type)
    if translate is None:
        raise Violation(ErrorCode.PROPERTY, f"eventType is {message.event_type[:40]!r}")
    transaction_id = message.transaction_info.transaction_id
    if message.evse is not None:
        context.memory.remember_connector(transaction_id, message.evse.id)
    event = translate(message, context)
    return Incoming(event, has_id_tag=message.id_token is not None)


def _started(message: m.TransactionEvent, context: Context) -> StationEvent:
    transaction_id = message.transaction_info.transaction_id
    started_at, reported_at = context.memory.time.resolve_start(
        transaction_id, message.timestamp, context.received_at, context.deviations
    )
    connector_id = context.memory.connector_of_transaction.get(transaction_id)
    if connector_id is None:
        context.deviations.append("evse is missing")
        connector_id = 1
        context.memory.remember_connector(transaction_id, connector_id)
    samples = _transaction_samples(message, context)
    return TransactionStarted(
        context.station_id,
        context.received_at,
        connector_id=connector_id,
        started_at=started_at,
        transaction_id=transaction_id,
        id_tag=_id_tag(message),
        meter_start_kwh=next((s.energy_kwh for s in samples if s.energy_kwh is not None), None),
        samples=samples,
        offline=message.offline,
        charging=message.transaction_info.charging_state == "Charging",
        sequence_number=message.seq_no,
        reported_at=reported_at,
    )


def _updated(message: m.TransactionEvent, context: Context) -> StationEvent:
    transaction = message.transaction_info
    return TransactionUpdated(
        context.station_id,
        context.received_at,
        connector_id=context.memory.connector_of_transaction.get(transaction.transaction_id),
        transaction_id=transaction.transaction_id,
        updated_at=context.instant(message.timestamp)[0],
        id_tag=_id_tag(message),
        charging=None if transaction.charging_state is None else transaction.charging_state == "Charging",
        samples=_transaction_samples(message, context),
        offline=message.offline,
        sequence_number=message.seq_no,
    )


def _ended(message: m.TransactionEvent, context: Context) -> StationEvent:
    transaction = message.transaction_info
    samples = _transaction_samples(message, context)
    ended_at, reported_at = context.instant(message.timestamp)
    return TransactionEnded(
        context.station_id,
        context.received_at,
        transaction_id=transaction.transaction_id,
        ended_at=ended_at,
        connector_id=context.memory.connector_of_transaction.get(transaction.transaction_id),
        meter_stop_kwh=next((s.energy_kwh for s in reversed(samples) if s.energy_kwh is not None), None),
        id_tag=_id_tag(message),
        reason=transaction.stopped_reason,
        samples=samples,
        offline=message.offline,
        sequence_number=message.seq_no,
        reported_at=reported_at,
    )


def _id_tag(message: m.TransactionEvent) -> str | None:
    # A token of type NoAuthorization is an empty text: nobody is known.
    return (message.id_token.id_token or None) if message.id_token is not None else None


def _transaction_samples(message: m.TransactionEvent, context: Context) -> tuple[Sample, ...]:
    transaction_id = message.transaction_info.transaction_id
    connector_id = context.memory.connector_of_transaction.get(transaction_id, 0)
    return _samples(message.meter_value, connector_id, transaction_id, context)


def _samples(
    values: tuple[m.MeterValue, ...], connector_id: int, transaction_id: str | None, context: Context
) -> tuple[Sample, ...]:
    registers = context.memory.registers if connector_id else Registers()
    found = []
    for value in values:
        sampled_at, reported_at = context.instant(value.timestamp)
        sample = measurands.to_sample(
            context.connector(connector_id),
            [_reading(sampled) for sampled in value.sampled_value],
            sampled_at,
            context.received_at,
            registers,
            context.deviations,
            transaction_id=transaction_id,
            reported_at=reported_at,
        )
        if sample is not None:
            found.append(sample)
    return tuple(found)


def _reading(sampled: m.SampledValue) -> Reading:
    unit = sampled.unit_of_measure
    return Reading(
        sampled.value,
        sampled.measurand or measurands.ENERGY,
        None if unit is None else unit.unit,
        sampled.phase,
        sampled.location,
        0 if unit is None else max(-12, min(12, unit.multiplier)),
    )


_TRANSACTION_EVENTS: dict[str, Callable[[m.TransactionEvent, Context], StationEvent]] = {
    "Started": _started,
    "Updated": _updated,
    "Ended": _ended,
}

_ACTIONS: dict[str, tuple[Reader[Any], Callable[[Any, Context], Incoming]]] = {
    "BootNotification": (Reader(m.BootNotification), _boot),
    "Heartbeat": (Reader(m.Heartbeat), _heartbeat),
    "StatusNotification": (Reader(m.StatusNotification), _status),
    "Authorize": (Reader(m.Authorize), _authorize),
    "TransactionEvent": (Reader(m.TransactionEvent), _transaction_event),
    "MeterValues": (Reader(m.MeterValues), _meter_values),
    "DataTransfer": (Reader(m.DataTransfer), _data_transfer),
}
