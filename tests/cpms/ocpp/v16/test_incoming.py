"""What a 1.6 station says, also where it does not say it as specified."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cpms.domain.telemetry import (
    ConnectorStatus,
    ConnectorStatusChanged,
    DataTransferReceived,
    HeartbeatReceived,
    SamplesReceived,
    StationBooted,
    TransactionEnded,
    TransactionStarted,
)
from cpms.ocpp.context import Context, StationMemory
from cpms.ocpp.v16.incoming import ACKNOWLEDGED, read
from cpms.ocpp.violations import Violation

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = "2026-06-01T12:00:00Z"


def event(action: str, payload: dict[str, Any], memory: StationMemory | None = None) -> tuple[Any, list[str]]:
    context = Context("ST-1", NOW, memory or StationMemory())
    incoming = read(action, json.dumps(payload).encode(), context)
    assert incoming is not None
    return incoming.event, context.deviations


def test_a_boot():
    found, deviations = event(
        "BootNotification",
        {"chargePointVendor": "V", "chargePointModel": "M", "chargeBoxSerialNumber": "B" * 40, "firmwareVersion": "1"},
    )
    assert found == StationBooted("ST-1", NOW, "V", "M", "B" * 40, "1")
    assert deviations == ["chargeBoxSerialNumber is not as specified"]


def test_a_boot_without_vendor_is_a_boot():
    found, deviations = event("BootNotification", {"chargePointModel": "M"})
    assert (found.model, len(deviations)) == ("M", 1)


def test_a_heartbeat():
    assert event("Heartbeat", {}) == (HeartbeatReceived("ST-1", NOW), [])


@pytest.mark.parametrize(
    ("payload", "status", "deviation_count"),
    [
        ({"connectorId": 1, "status": "Charging", "errorCode": "NoError"}, ConnectorStatus.CHARGING, 0),
        ({"connectorId": 1, "status": "charging", "errorCode": "NoError"}, ConnectorStatus.CHARGING, 1),
        ({"connectorId": 1, "status": "Occupied", "errorCode": "NoError"}, ConnectorStatus.PREPARING, 1),
        ({"connectorId": 1, "status": "Wobbling", "errorCode": "NoError"}, ConnectorStatus.UNAVAILABLE, 1),
        ({"connectorId": 1, "status": "Available"}, ConnectorStatus.AVAILABLE, 1),
        ({"connectorId": "1", "status": "Faulted", "errorCode": "Ground?"}, ConnectorStatus.FAULTED, 1),
    ],
)
def test_a_status_is_understood(payload: dict[str, Any], status: ConnectorStatus, deviation_count: int):
    found, deviations = event("StatusNotification", payload)
    assert isinstance(found, ConnectorStatusChanged)
    assert (found.connector_id, found.status, len(deviations)) == (1, status, deviation_count)


def test_a_start_with_a_fractional_zero_and_extra_properties():
    payload = {"connectorId": 2, "idTag": "T", "meterStart": 12.0, "timestamp": AT, "vendorThing": 1}
    found, deviations = event("StartTransaction", payload)
    assert found == TransactionStarted(
        "ST-1", NOW, 2, NOW, None, "T", 0.012, reported_at=NOW.replace(second=0, microsecond=0)
    )
    assert deviations == ["vendorThing is not a property", "meterStart is not as specified"]


def test_a_start_without_a_meter_is_a_start():
    found, deviations = event("StartTransaction", {"connectorId": 2, "idTag": "T", "timestamp": AT})
    assert (found.meter_start_kwh, deviations) == (None, ["meterStart is missing"])


@pytest.mark.parametrize("transaction_id", [0, -1, 77, "77", 77.0])
def test_a_stop_of_any_transaction_is_told(transaction_id: Any):
    found, _ = event("StopTransaction", {"transactionId": transaction_id, "meterStop": 900, "timestamp": AT})
    assert isinstance(found, TransactionEnded)
    assert (found.transaction_id, found.meter_stop_kwh) == (str(int(float(transaction_id))), 0.9)


def test_the_samples_of_a_stop_belong_to_the_connector_that_was_heard_of():
    memory = StationMemory()
    sampled = [{"timestamp": AT, "sampledValue": [{"value": "1000"}]}]
    event("MeterValues", {"connectorId": 2, "transactionId": 7, "meterValue": sampled}, memory)
    stop = {"transactionId": 7, "meterStop": 1000, "timestamp": AT, "transactionData": sampled}
    known, _ = event("StopTransaction", stop, memory)
    unknown, _ = event("StopTransaction", stop | {"transactionId": 8}, memory)
    assert (known.connector_id, known.samples[0].connector.connector_id) == (2, 2)
    assert (unknown.connector_id, unknown.samples[0].connector.connector_id) == (None, 0)


def test_meter_values_with_numbers_commas_signatures_and_nonsense():
    values = [
        {"value": 1000},
        {"value": "11,5", "measurand": "Current.Import", "phase": "L1"},
        {"value": "0A1B", "format": "SignedData"},
        {"value": "n/a", "measurand": "SoC"},
    ]
    payload = {"connectorId": 1, "transactionId": 7, "meterValue": [{"timestamp": AT, "sampledValue": values}]}
    found, deviations = event("MeterValues", payload)
    assert isinstance(found, SamplesReceived)
    (sample,) = found.samples
    assert (sample.energy_kwh, sample.current_a[0], sample.soc_pct, sample.transaction_id) == (1.0, 11.5, None, "7")
    assert len(deviations) == 3


def test_meter_values_that_say_nothing_are_no_samples():
    assert event("MeterValues", {"connectorId": 1, "meterValue": []})[0].samples == ()


def test_a_data_transfer():
    found, _ = event("DataTransfer", {"vendorId": "V", "messageId": "M", "data": "D"})
    assert found == DataTransferReceived("ST-1", NOW, "V", "M", "D")


def test_what_only_needs_to_be_heard_has_no_event():
    assert all(event(action, {}) == (None, []) for action in ACKNOWLEDGED)


def test_unknown_actions_are_left_to_others():
    assert read("Reset", b"{}", Context("ST-1", NOW, StationMemory())) is None


def test_what_cannot_be_used_is_a_violation():
    with pytest.raises(Violation, match="idTag is missing"):
        event("Authorize", {})
