"""The station core: one connection, no socket."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.command import (
    ClearProfiles,
    InstallGrant,
    ReadCompositeSchedule,
    RemoteStop,
)
from cpms.domain.telemetry import (
    BootReply,
    CommandOutcome,
    DeviationSeen,
    StationCapabilities,
    TransactionEnded,
    TransactionReply,
    TransactionStarted,
)
from cpms.ocpp.context import StationMemory
from cpms.ocpp.station import Done, Notice, Output, Request, StationCore, Transmit
from cpms.ocpp.v16.dialect import V16
from cpms.ocpp.v201.dialect import V201
from tests.cpms.ocpp.grants import CONNECTOR, KEY, NOW, grant


def core(dialect: Any = None, memory: StationMemory | None = None) -> StationCore:
    return StationCore("ST-1", dialect or V16(), memory or StationMemory(), 0.0, settle_s=0.2, call_timeout_s=30.0)


def receive(station: StationCore, *frame: Any, real_s: float = 1.0) -> list[Output]:
    return station.receive(json.dumps(frame), NOW, real_s)


def sent(outputs: list[Output]) -> list[list[Any]]:
    return [json.loads(output.data) for output in outputs if isinstance(output, Transmit)]


def settled(dialect: Any = None) -> StationCore:
    """A core whose question for capabilities is answered."""
    station = core(dialect)
    (question,) = sent(station.poll(NOW, 0.2))
    station.receive(json.dumps([3, question[1], {"configurationKey": [], "getVariableResult": []}]), NOW, 0.3)
    return station


def boot(station: StationCore, real_s: float) -> Request:
    payload = {"chargePointVendor": "V", "chargePointModel": "M"}
    (request,) = receive(station, 2, "b", "BootNotification", payload, real_s=real_s)
    assert isinstance(request, Request)
    return request


def test_first_of_all_a_station_is_asked_what_its_smart_charging_can_do():
    station = core()
    ((kind, message_id, action, _),) = sent(station.poll(NOW, 0.2))
    assert (kind, action) == (2, "GetConfiguration")
    keys = [
        {"key": "ChargingScheduleMaxPeriods", "value": "5", "readonly": True},
        {"key": "ChargingScheduleAllowedChargingRateUnit", "value": "Power", "readonly": True},
    ]
    (notice,) = receive(station, 3, message_id, {"configurationKey": keys})
    assert isinstance(notice, Notice)
    assert isinstance(notice.event, StationCapabilities)
    assert (notice.event.max_periods, notice.event.rate_units) == (5, frozenset({"W"}))


def test_what_a_station_can_do_shapes_its_profiles_also_after_it_reconnects():
    memory = StationMemory()
    first = core(memory=memory)
    ((_, message_id, _, _),) = sent(first.poll(NOW, 0.2))
    keys = [{"key": "ChargingScheduleMaxPeriods", "value": "1", "readonly": True}]
    receive(first, 3, message_id, {"configurationKey": keys})
    again = core(memory=memory)
    ((_, message_id, _, _),) = sent(again.poll(NOW, 0.2))
    receive(again, 4, message_id, "NotImplemented", "", {})
    ((*_, payload),) = sent(again.submit(InstallGrant(grant(16, 10), CONNECTOR), NOW, 1.0)[1])
    periods = payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert periods == [{"startPeriod": 0, "limit": 6.0}]


def test_commands_wait_until_the_connection_has_settled():
    station = core()
    _, outputs = station.submit(ClearProfiles(KEY), NOW, 0.1)
    assert (outputs, station.deadline_s) == ([], 0.2)
    assert len(sent(station.poll(NOW, 0.2))) == 1


def test_commands_wait_for_the_answer_to_a_boot_and_flow_right_after_it():
    station = core()
    request = boot(station, 0.05)
    assert station.poll(NOW, 5.0) == []
    answer, question = sent(station.reply(request, BootReply(60), NOW, 5.0))
    assert (answer[0], answer[2]["interval"], question[2]) == (3, 60, "GetConfiguration")


def test_a_rejected_station_gets_no_commands():
    station = core()
    outputs = station.reply(boot(station, 0.05), BootReply(60, accepted=False), NOW, 0.1)
    assert [frame[2]["status"] for frame in sent(outputs)] == ["Rejected"]
    assert station.poll(NOW, 100.0) == []


def test_one_command_is_in_flight_and_the_next_goes_out_with_its_answer():
    station = settled()
    first, outputs = station.submit(ClearProfiles(KEY), NOW, 1.0)
    _, nothing = station.submit(RemoteStop("7"), NOW, 1.0)
    ((_, message_id, _, _),) = sent(outputs)
    assert nothing == []
    done, *following = receive(station, 3, message_id, {"status": "Accepted"})
    assert done == Done(first, done.result)  # type: ignore[union-attr]
    assert [frame[2] for frame in sent(following)] == ["RemoteStopTransaction"]


def test_no_answer_in_time_is_not_applied_and_the_next_command_flows():
    station = settled()
    first, _ = station.submit(ClearProfiles(KEY), NOW, 1.0)
    station.submit(RemoteStop("7"), NOW, 1.0)
    assert station.deadline_s == 31.0
    done, following = station.poll(NOW, 31.0)
    assert isinstance(done, Done)
    assert (done.ticket, done.result.outcome) == (first, CommandOutcome.TIMED_OUT)
    assert isinstance(following, Transmit)


def test_an_answer_that_comes_too_late_is_noted_and_changes_nothing():
    station = settled()
    _, outputs = station.submit(ClearProfiles(KEY), NOW, 1.0)
    ((_, message_id, _, _),) = sent(outputs)
    station.poll(NOW, 31.0)
    (late,) = receive(station, 3, message_id, {"status": "Accepted"}, real_s=35.0)
    assert isinstance(late, Notice)
    assert isinstance(late.event, DeviationSeen)


def test_a_lost_connection_tells_what_may_have_been_applied_from_what_was_never_sent():
    station = settled()
    sent_first, _ = station.submit(ClearProfiles(KEY), NOW, 1.0)
    never_sent, _ = station.submit(RemoteStop("7"), NOW, 1.0)
    outcomes = {done.ticket: done.result.outcome for done in station.close() if isinstance(done, Done)}
    assert outcomes == {sent_first: CommandOutcome.TIMED_OUT, never_sent: CommandOutcome.UNREACHABLE}


@pytest.mark.parametrize(
    ("frame", "outcome"),
    [
        ((3, {"status": "Accepted"}), CommandOutcome.ACCEPTED),
        ((3, {"status": "accepted"}), CommandOutcome.ACCEPTED),
        ((3, {"status": "Rejected"}), CommandOutcome.REJECTED),
        ((3, {"status": "NotSupported"}), CommandOutcome.NOT_SUPPORTED),
        ((3, {"status": "Perhaps"}), CommandOutcome.TIMED_OUT),
        ((3, []), CommandOutcome.TIMED_OUT),
        ((4, "NotImplemented", "", {}), CommandOutcome.NOT_SUPPORTED),
        ((4, "InternalError", "busy", {}), CommandOutcome.REJECTED),
    ],
)
def test_only_accepted_is_accepted(frame: tuple[Any, ...], outcome: CommandOutcome):
    station = settled()
    _, outputs = station.submit(InstallGrant(grant(16), CONNECTOR), NOW, 1.0)
    ((_, message_id, _, _),) = sent(outputs)
    (done,) = receive(station, frame[0], message_id, *frame[1:])
    assert isinstance(done, Done)
    assert done.result.outcome is outcome


def test_a_command_that_cannot_be_said_is_rejected_with_the_reason():
    station = settled()
    ticket, (done,) = station.submit(RemoteStop("no-number"), NOW, 1.0)
    assert isinstance(done, Done)
    assert (done.ticket, done.result.outcome) == (ticket, CommandOutcome.REJECTED)
    assert "no-number" in done.result.detail


def test_a_superseded_grant_has_its_result_at_once():
    station = settled()
    station.submit(ClearProfiles(KEY), NOW, 1.0)
    first, _ = station.submit(InstallGrant(grant(16), CONNECTOR), NOW, 1.0)
    _, (done,) = station.submit(InstallGrant(grant(10, sequence=2), CONNECTOR), NOW, 1.0)
    assert isinstance(done, Done)
    assert (done.ticket, done.result.outcome, done.result.detail) == (first, CommandOutcome.REJECTED, "superseded")


def test_a_schedule_is_made_when_it_is_sent_not_when_it_is_queued():
    station = settled()
    _, outputs = station.submit(ReadCompositeSchedule(KEY, 60), NOW, 1.0)
    ((_, message_id, _, _),) = sent(outputs)
    station.submit(InstallGrant(grant(16, 10), CONNECTOR), NOW, 1.0)
    later = NOW + timedelta(minutes=15)
    frames = sent(station.receive(json.dumps([3, message_id, {"status": "Rejected"}]), later, 10.0))
    periods = frames[0][3]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert [period["limit"] for period in periods] == [10.0, 6.0]


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(minutes=-10)], ids=str)
def test_a_schedule_is_written_in_the_time_of_a_station_whose_clock_is_wrong(ahead: timedelta):
    written = replace(grant(16), clock_ahead_s=ahead.total_seconds())
    (frame,) = sent(settled().submit(InstallGrant(written, CONNECTOR), NOW, 1.0)[1])
    starts_at = datetime.fromisoformat(frame[3]["csChargingProfiles"]["chargingSchedule"]["startSchedule"])
    assert starts_at == NOW.replace(microsecond=0) - timedelta(minutes=1) + ahead


def test_every_readable_call_is_answered_with_the_right_error():
    codes = {}
    for action, payload in [
        ("Nonsense", {}),
        ("../secrets", {}),
        ("Reset", {"type": "Hard"}),
        ("Reset", {}),
        ("Reset", {"type": 5}),
        ("Authorize", {}),
        ("Authorize", {"idTag": {}}),
        ("Authorize", "text"),
    ]:
        ((kind, message_id, code, *_),) = sent(receive(core(), 2, "x", action, payload))
        assert (kind, message_id) == (4, "x")
        codes[f"{action} {json.dumps(payload)}"] = code
    assert list(codes.values()) == [
        "NotImplemented",
        "NotImplemented",
        "NotSupported",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "FormationViolation",
    ]


LONG = "x" * 37
STARTED = {"eventType": "Started", "timestamp": "2026-06-01T12:00:00Z", "triggerReason": "Authorized", "seqNo": 0}


@pytest.mark.parametrize(
    ("dialect", "action", "payload"),
    [
        (V16(), "Authorize", {"idTag": LONG}),
        (V16(), "StartTransaction", {"connectorId": 1, "idTag": LONG, "meterStart": 0}),
        (V16(), "StartTransaction", {"connectorId": 0, "idTag": "TAG", "meterStart": 0}),
        (V16(), "StartTransaction", {"connectorId": -1, "idTag": "TAG", "meterStart": 0}),
        (V16(), "MeterValues", {"connectorId": 2**31, "meterValue": []}),
        (V16(), "StatusNotification", {"connectorId": -1, "status": "Available", "errorCode": "NoError"}),
        (V201(), "Authorize", {"idToken": {"idToken": LONG, "type": "Central"}}),
        (V201(), "TransactionEvent", {**STARTED, "transactionInfo": {"transactionId": LONG}, "evse": {"id": 1}}),
        (V201(), "TransactionEvent", {**STARTED, "transactionInfo": {"transactionId": "t"}, "evse": {"id": 0}}),
        (V201(), "MeterValues", {"evseId": -1, "meterValue": []}),
    ],
)
def test_identities_beyond_what_they_may_be_are_refused_and_nothing_is_made_of_them(
    dialect: Any, action: str, payload: dict[str, Any]
):
    outputs = receive(core(dialect), 2, "x", action, payload)
    ((kind, _, code, *_),) = sent(outputs)
    assert (kind, code) == (4, "PropertyConstraintViolation")
    assert not any(isinstance(output, Request) for output in outputs)


def test_a_stop_is_taken_whatever_its_id_tag():
    outputs = receive(core(), 2, "x", "StopTransaction", {"transactionId": 7, "meterStop": 5, "idTag": LONG})
    assert any(isinstance(output, Request) for output in outputs)


def test_unreadable_frames_are_noted_and_answered_where_the_version_can():
    old = core().receive(b"garbage", NOW, 1.0)
    new = core(V201()).receive(b"garbage", NOW, 1.0)
    assert sent(old) == []
    assert [frame[:3] for frame in sent(new)] == [[4, "-1", "RpcFrameworkError"]]
    assert all(isinstance(outputs[0], Notice) for outputs in (old, new))


def test_a_deviation_is_told_once_per_connection():
    station = core()
    payload = {"connectorId": 1, "status": "Occupied", "errorCode": "NoError"}
    first = receive(station, 2, "1", "StatusNotification", payload)
    second = receive(station, 2, "2", "StatusNotification", payload)
    assert [type(output) for output in first] == [Notice, Request]
    assert [type(output) for output in second] == [Request]


def test_what_only_needs_to_be_heard_is_acknowledged():
    (frame,) = sent(receive(core(V201()), 2, "x", "NotifyReport", {"anything": 1}))
    assert frame == [3, "x", {}]


def test_the_connector_of_a_1_6_transaction_is_remembered_for_its_stop():
    station = core()
    start = {"connectorId": 2, "idTag": "T", "meterStart": 0, "timestamp": "2026-06-01T12:00:00Z"}
    (request,) = receive(station, 2, "1", "StartTransaction", start)
    assert isinstance(request, Request)
    assert isinstance(request.event, TransactionStarted)
    station.reply(request, TransactionReply("55", connector_id=2), NOW, 1.0)
    stop = {"transactionId": 55, "meterStop": 900, "timestamp": "2026-06-01T13:00:00Z"}
    *_, request = receive(station, 2, "2", "StopTransaction", stop)
    assert isinstance(request, Request)
    assert isinstance(request.event, TransactionEnded)
    assert request.event.connector_id == 2


_frames = st.one_of(
    st.binary(max_size=200),
    st.tuples(
        st.integers(2, 4),
        st.sampled_from(["1", "2", "x"]),
        st.sampled_from(["Heartbeat", "MeterValues", "StopTransaction", "TransactionEvent", "StatusNotification"]),
        st.recursive(
            st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["connectorId", "meterValue", "sampledValue", "value", "timestamp", "evse", "id"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ),
    ).map(lambda parts: json.dumps(parts).encode()),
)


@given(st.lists(_frames, max_size=8), st.sampled_from([V16(), V201()]))
def test_the_reader_survives_anything(frames: list[bytes], dialect: Any):
    station = core(dialect)
    for number, data in enumerate(frames):
        for output in station.receive(data, NOW, 1.0 + number):
            if isinstance(output, Request):
                station.refuse(output, "test", NOW, 1.0 + number)
