"""Requests of a 1.6 station as events."""

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
    TransactionEnded,
    TransactionStarted,
)
from cpms.ocpp import measurands
from cpms.ocpp.context import Context, Incoming
from cpms.ocpp.measurands import Reading, Registers
from cpms.ocpp.tolerant import Reader, read_number
from cpms.ocpp.v16 import messages as m

ACKNOWLEDGED = frozenset(
    {
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignedFirmwareStatusNotification",
    }
)
"""They want no more than to be heard; the raw message is kept."""

_STATUS_BY_NAME = {status.value.lower(): status for status in ConnectorStatus} | {
    "occupied": ConnectorStatus.PREPARING  # OCPP 1.5's word
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
    if not (message.charge_point_vendor and message.charge_point_model):
        context.deviations.append("chargePointVendor or chargePointModel is missing")
    return Incoming(
        StationBooted(
            context.station_id,
            context.received_at,
            vendor=message.charge_point_vendor,
            model=message.charge_point_model,
            serial_number=message.charge_point_serial_number or message.charge_box_serial_number,
            firmware_version=message.firmware_version,
        )
    )


def _heartbeat(message: m.Heartbeat, context: Context) -> Incoming:
    return Incoming(HeartbeatReceived(context.station_id, context.received_at))


def _status(message: m.StatusNotification, context: Context) -> Incoming:
    status = _STATUS_BY_NAME.get(message.status.strip().lower())
    info = message.info or ""
    if status is None or status.value != message.status:
        context.deviations.append(f"status is {message.status[:40]!r}")
        info = f"{message.status[:40]} {info}".strip()
    if message.error_code is None:
        context.deviations.append("errorCode is missing")
    changed_at = context.instant(message.timestamp)[0] if message.timestamp else None
    return Incoming(
        ConnectorStatusChanged(
            context.station_id,
            context.received_at,
            connector_id=message.connector_id,
            status=status or ConnectorStatus.UNAVAILABLE,
            error_code=message.error_code or "NoError",
            changed_at=changed_at,
            info=info,
        )
    )


def _authorize(message: m.Authorize, context: Context) -> Incoming:
    return Incoming(AuthorizeRequested(context.station_id, context.received_at, message.id_tag), has_id_tag=True)


def _start(message: m.StartTransaction, context: Context) -> Incoming:
    meter_start_kwh = _meter_kwh(message.meter_start, "meterStart", context)
    identity = (message.connector_id, message.id_tag, message.meter_start)
    started_at, reported_at = context.memory.time.resolve_start(
        identity, message.timestamp, context.received_at, context.deviations
    )
    event = TransactionStarted(
        context.station_id,
        context.received_at,
        connector_id=message.connector_id,
        started_at=started_at,
        id_tag=message.id_tag,
        meter_start_kwh=meter_start_kwh,
        reported_at=reported_at,
    )
    return Incoming(event, has_id_tag=True)


def _stop(message: m.StopTransaction, context: Context) -> Incoming:
    transaction_id = str(message.transaction_id)
    ended_at, reported_at = context.instant(message.timestamp)
    # 1.6 does not say which connector it was. Where nothing told before, its samples carry connector 0, the station.
    connector_id = context.memory.connector_of_transaction.get(transaction_id)
    event = TransactionEnded(
        context.station_id,
        context.received_at,
        transaction_id=transaction_id,
        ended_at=ended_at,
        connector_id=connector_id,
        meter_stop_kwh=_meter_kwh(message.meter_stop, "meterStop", context),
        id_tag=message.id_tag,
        reason=message.reason,
        samples=_samples(message.transaction_data, connector_id or 0, transaction_id, context),
        reported_at=reported_at,
    )
    return Incoming(event, has_id_tag=message.id_tag is not None)


def _meter_values(message: m.MeterValues, context: Context) -> Incoming:
    transaction_id = None if message.transaction_id is None else str(message.transaction_id)
    if transaction_id is not None and message.transaction_id:
        context.memory.remember_connector(transaction_id, message.connector_id)
    samples = _samples(message.meter_value, message.connector_id, transaction_id, context)
    return Incoming(SamplesReceived(context.station_id, context.received_at, samples))


def _data_transfer(message: m.DataTransfer, context: Context) -> Incoming:
    return Incoming(
        DataTransferReceived(
            context.station_id, context.received_at, message.vendor_id, message.message_id, message.data
        )
    )


def _meter_kwh(meter_wh: int | None, name: str, context: Context) -> float | None:
    if meter_wh is None:
        context.deviations.append(f"{name} is missing")
        return None
    if meter_wh < 0:
        context.deviations.append(f"{name} is negative")
        return None
    return meter_wh / 1000.0


def _samples(
    values: tuple[m.MeterValue, ...], connector_id: int, transaction_id: str | None, context: Context
) -> tuple[Sample, ...]:
    registers = context.memory.registers if connector_id else Registers()
    found = []
    for value in values:
        sampled_at, reported_at = context.instant(value.timestamp)
        readings = [reading for s in value.sampled_value if (reading := _reading(s, context)) is not None]
        sample = measurands.to_sample(
            context.connector(connector_id),
            readings,
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


def _reading(sampled: m.SampledValue, context: Context) -> Reading | None:
    if sampled.format == "SignedData":
        return None
    value = read_number(sampled.value)
    if value is None:
        context.deviations.append(f"the value {sampled.value[:40]!r} is no number")
        return None
    if "," in sampled.value:
        context.deviations.append("a value has a decimal comma")
    return Reading(value, sampled.measurand or measurands.ENERGY, sampled.unit, sampled.phase, sampled.location)


_ACTIONS: dict[str, tuple[Reader[Any], Callable[[Any, Context], Incoming]]] = {
    "BootNotification": (Reader(m.BootNotification), _boot),
    "Heartbeat": (Reader(m.Heartbeat), _heartbeat),
    "StatusNotification": (Reader(m.StatusNotification), _status),
    "Authorize": (Reader(m.Authorize), _authorize),
    "StartTransaction": (Reader(m.StartTransaction), _start),
    "StopTransaction": (Reader(m.StopTransaction), _stop),
    "MeterValues": (Reader(m.MeterValues), _meter_values),
    "DataTransfer": (Reader(m.DataTransfer), _data_transfer),
}
