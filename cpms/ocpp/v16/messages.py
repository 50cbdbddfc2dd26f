"""Requests of a 1.6 station, as OCPP 1.6 edition 2, chapter 4 and 7 specify them; what is optional here we can do without."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cpms.ocpp.tolerant import FIRM, Message

IdTag = Annotated[str, Meta(max_length=20, extra=FIRM)]
ConnectorId = Annotated[int, Meta(ge=1, le=2**31 - 1, extra=FIRM)]
ConnectorIdOrStation = Annotated[int, Meta(ge=0, le=2**31 - 1, extra=FIRM)]
"""0 is the station itself."""
CiString20 = Annotated[str, Meta(max_length=20)]
CiString25 = Annotated[str, Meta(max_length=25)]
CiString50 = Annotated[str, Meta(max_length=50)]
CiString255 = Annotated[str, Meta(max_length=255)]


class BootNotification(Message):
    """4.2."""

    charge_point_vendor: CiString20 = ""
    charge_point_model: CiString20 = ""
    charge_box_serial_number: CiString25 | None = None
    charge_point_serial_number: CiString25 | None = None
    firmware_version: CiString50 | None = None
    iccid: CiString20 | None = None
    imsi: CiString20 | None = None
    meter_serial_number: CiString25 | None = None
    meter_type: CiString25 | None = None


class Heartbeat(Message):
    """4.6."""


class StatusNotification(Message):
    """4.9."""

    connector_id: ConnectorIdOrStation
    status: str
    error_code: str | None = None
    info: CiString50 | None = None
    timestamp: str | None = None
    vendor_id: CiString255 | None = None
    vendor_error_code: CiString50 | None = None


class Authorize(Message):
    """4.1."""

    id_tag: IdTag


class SampledValue(Message):
    """7.43."""

    value: str
    context: str | None = None
    format: str | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    unit: str | None = None


class MeterValue(Message):
    """7.33."""

    timestamp: str | None = None
    sampled_value: tuple[SampledValue, ...] = ()


class MeterValues(Message):
    """4.7."""

    connector_id: ConnectorIdOrStation = 0
    meter_value: tuple[MeterValue, ...] = ()
    transaction_id: int | None = None


class StartTransaction(Message):
    """4.8."""

    connector_id: ConnectorId
    id_tag: IdTag
    meter_start: int | None = None
    timestamp: str | None = None
    reservation_id: int | None = None


class StopTransaction(Message):
    """4.10."""

    transaction_id: int
    meter_stop: int | None = None
    timestamp: str | None = None
    id_tag: CiString20 | None = None
    reason: str | None = None
    transaction_data: tuple[MeterValue, ...] = ()


class DataTransfer(Message):
    """4.3."""

    vendor_id: CiString255
    message_id: CiString50 | None = None
    data: str | None = None
