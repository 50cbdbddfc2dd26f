"""Requests of a 2.0.1 station, as OCPP 2.0.1 edition 3, part 2 specifies them; what is optional here we can do without."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from cpms.ocpp.tolerant import FIRM, Message

Identity = Annotated[str, Meta(max_length=36, extra=FIRM)]
EvseId = Annotated[int, Meta(ge=1, le=2**31 - 1, extra=FIRM)]
EvseIdOrStation = Annotated[int, Meta(ge=0, le=2**31 - 1, extra=FIRM)]
"""0 is the station itself."""
Value = Annotated[float, Meta(ge=-1e15, le=1e15)]
Text20 = Annotated[str, Meta(max_length=20)]
Text25 = Annotated[str, Meta(max_length=25)]
Text36 = Annotated[str, Meta(max_length=36)]
Text50 = Annotated[str, Meta(max_length=50)]
Text255 = Annotated[str, Meta(max_length=255)]
CustomData = dict[str, Any]


class Modem(Message):
    """2.34."""

    custom_data: CustomData | None = None
    iccid: Text20 | None = None
    imsi: Text20 | None = None


class ChargingStation(Message):
    """2.13."""

    vendor_name: Text50 = ""
    model: Text20 = ""
    serial_number: Text25 | None = None
    firmware_version: Text50 | None = None
    modem: Modem | None = None
    custom_data: CustomData | None = None


class BootNotification(Message):
    """1.7."""

    reason: str | None = None
    charging_station: ChargingStation | None = None
    custom_data: CustomData | None = None


class Heartbeat(Message):
    """1.29."""

    custom_data: CustomData | None = None


class StatusNotification(Message):
    """1.61."""

    evse_id: EvseIdOrStation
    connector_status: str
    timestamp: str | None = None
    connector_id: int | None = None
    custom_data: CustomData | None = None


class AdditionalInfo(Message):
    """2.1."""

    additional_id_token: Text36 = ""
    type: Text50 = ""
    custom_data: CustomData | None = None


class IdToken(Message):
    """2.29."""

    id_token: Identity
    type: str | None = None
    additional_info: tuple[AdditionalInfo, ...] = ()
    custom_data: CustomData | None = None


class Authorize(Message):
    """1.6."""

    id_token: IdToken
    certificate: str | None = None
    iso15118_certificate_hash_data: tuple[dict[str, Any], ...] = ()
    custom_data: CustomData | None = None


class UnitOfMeasure(Message):
    """2.50."""

    unit: Text20 | None = None
    multiplier: int = 0
    custom_data: CustomData | None = None


class SampledValue(Message):
    """2.45."""

    value: Value
    context: str | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    signed_meter_value: dict[str, Any] | None = None
    unit_of_measure: UnitOfMeasure | None = None
    custom_data: CustomData | None = None


class MeterValue(Message):
    """2.33."""

    timestamp: str | None = None
    sampled_value: tuple[SampledValue, ...] = ()
    custom_data: CustomData | None = None


class MeterValues(Message):
    """1.32."""

    evse_id: EvseIdOrStation = 0
    meter_value: tuple[MeterValue, ...] = ()
    custom_data: CustomData | None = None


class Transaction(Message):
    """2.48."""

    transaction_id: Identity
    charging_state: str | None = None
    time_spent_charging: int | None = None
    stopped_reason: str | None = None
    remote_start_id: int | None = None
    custom_data: CustomData | None = None


class Evse(Message):
    """2.26."""

    id: EvseId
    connector_id: int | None = None
    custom_data: CustomData | None = None


class TransactionEvent(Message):
    """1.60."""

    event_type: str
    transaction_info: Transaction
    timestamp: str | None = None
    trigger_reason: str | None = None
    seq_no: int | None = None
    offline: bool = False
    meter_value: tuple[MeterValue, ...] = ()
    id_token: IdToken | None = None
    evse: Evse | None = None
    number_of_phases_used: int | None = None
    cable_max_current: int | None = None
    reservation_id: int | None = None
    custom_data: CustomData | None = None


class DataTransfer(Message):
    """1.18."""

    vendor_id: Text255
    message_id: Text50 | None = None
    data: Any = None
    custom_data: CustomData | None = None
