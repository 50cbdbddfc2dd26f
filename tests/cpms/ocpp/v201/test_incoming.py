"""What a 2.0.1 station says, also where it does not say it as specified."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cpms.domain.telemetry import (
    AuthorizeRequested,
    ConnectorStatus,
    DataTransferReceived,
    HeartbeatReceived,
    SamplesReceived,
    StationBooted,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from cpms.ocpp.context import Context, StationMemory
from cpms.ocpp.v201.incoming import ACKNOWLEDGED, read
from cpms.ocpp.violations import ErrorCode, Violation

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = "2026-06-01T12:00:00Z"
TOKEN = {"idToken": "TAG", "type": "ISO14443"}
METER = [{"timestamp": AT, "sampledValue": [{"value": 1.5, "unitOfMeasure": {"unit": "kWh"}}]}]


def event(action: str, payload: dict[str, Any], memory: StationMemory | None = None) -> tuple[Any, list[str]]:
    context = Context("ST-1", NOW, memory or StationMemory())
    incoming = read(action, json.dumps(payload).encode(), context)
    assert incoming is not None
    return incoming.event, context.deviations


def transaction(kind: str, **more: Any) -> dict[str, Any]:
    info = {"transactionId": "TX"} | more.pop("info", {})
    common = {"eventType": kind, "timestamp": AT, "triggerReason": "Authorized", "seqNo": 3, "transactionInfo": info}
    return common | more


def test_a_boot():
    station = {"vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "1"}
    found, deviations = event("BootNotification", {"reason": "PowerUp", "chargingStation": station})
    assert (found, deviations) == (StationBooted("ST-1", NOW, "V", "M", "S", "1", "PowerUp"), [])


def test_a_boot_without_anything_is_a_boot():
    assert event("BootNotification", {})[0] == StationBooted("ST-1", NOW)


def test_a_heartbeat_with_custom_data():
    assert event("Heartbeat", {"customData": {"vendorId": "V"}}) == (HeartbeatReceived("ST-1", NOW), [])


@pytest.mark.parametrize(
    ("word", "status"), [("Occupied", ConnectorStatus.PREPARING), ("Melting", ConnectorStatus.UNAVAILABLE)]
)
def test_a_status_is_that_of_the_evse(word: str, status: ConnectorStatus):
    payload = {"timestamp": AT, "evseId": 2, "connectorId": 1, "connectorStatus": word}
    found, _ = event("StatusNotification", payload)
    assert (found.connector_id, found.status, found.changed_at) == (2, status, NOW)


def test_an_authorization():
    assert event("Authorize", {"idToken": TOKEN})[0] == AuthorizeRequested("ST-1", NOW, "TAG")


def test_a_transaction_from_start_to_end():
    memory = StationMemory()
    started, _ = event(
        "TransactionEvent",
        transaction("Started", evse={"id": 2}, idToken=TOKEN, meterValue=METER, info={"chargingState": "Charging"}),
        memory,
    )
    updated, _ = event("TransactionEvent", transaction("Updated", info={"chargingState": "SuspendedEV"}), memory)
    ended, _ = event(
        "TransactionEvent",
        transaction("Ended", meterValue=METER, offline=True, info={"stoppedReason": "Local"}),
        memory,
    )
    assert isinstance(started, TransactionStarted)
    assert (started.connector_id, started.transaction_id, started.id_tag) == (2, "TX", "TAG")
    assert (started.meter_start_kwh, started.charging, started.sequence_number) == (1.5, True, 3)
    assert isinstance(updated, TransactionUpdated)
    assert (updated.connector_id, updated.charging, updated.samples) == (2, False, ())
    assert isinstance(ended, TransactionEnded)
    assert (ended.connector_id, ended.meter_stop_kwh, ended.reason, ended.offline) == (2, 1.5, "Local", True)
    assert ended.samples[0].connector.connector_id == 2


def test_a_start_without_evse_is_on_the_first():
    found, deviations = event("TransactionEvent", transaction("Started"))
    assert (found.connector_id, deviations) == (1, ["evse is missing"])


def test_an_update_of_a_transaction_nobody_heard_of_leaves_the_connector_open():
    found, _ = event("TransactionEvent", transaction("Updated"))
    assert (found.connector_id, found.charging) == (None, None)


def test_a_driver_without_token_is_nobody():
    found, _ = event("TransactionEvent", transaction("Started", idToken={"idToken": "", "type": "NoAuthorization"}))
    assert found.id_tag is None


def test_an_event_type_that_does_not_exist_is_refused():
    with pytest.raises(Violation) as refused:
        event("TransactionEvent", transaction("Paused"))
    assert refused.value.code is ErrorCode.PROPERTY


def test_meter_values_in_their_multiples():
    reading = {"value": "69", "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 2}}
    found, deviations = event(
        "MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [reading]}]}
    )
    assert isinstance(found, SamplesReceived)
    assert found.samples[0].power_kw == pytest.approx(6.9)
    assert deviations == ["meterValue[0].sampledValue[0].value is not as specified"]


def test_the_data_of_a_data_transfer_may_be_anything():
    found, _ = event("DataTransfer", {"vendorId": "V", "data": {"a": [1]}})
    assert found == DataTransferReceived("ST-1", NOW, "V", None, '{"a":[1]}')


def test_what_only_needs_to_be_heard_has_no_event():
    assert all(event(action, {"any": "thing"}) == (None, []) for action in ACKNOWLEDGED)
