from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Station
from cpms.simulation.dialect16 import Dialect16
from cpms.simulation.dialect201 import Dialect201
from cpms.simulation.messages import Dialect
from cpms.simulation.plant import Reading
from cpms.simulation.station import VirtualStation

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class HandMeter:
    """A meter whose reading the test turns."""

    def __init__(self) -> None:
        self.shown = Reading(1.5, 0.0, (0.0, 0.0, 0.0), (230.0, 230.0, 230.0), 0.0)
        self.asked = 0

    def reading(self, key: ConnectorKey) -> Reading:
        return self.shown

    def ask(self, key: ConnectorKey) -> None:
        self.asked += 1


class Peer:
    """A station and the test's end of its line; every exchange is a second apart."""

    def __init__(self, dialect: Dialect, clock_ahead: timedelta = timedelta()) -> None:
        self.meter = HandMeter()
        outlets = tuple(Connector(ConnectorKey("S", n)) for n in (1, 2))
        self.station = VirtualStation(
            Station("S", "site", "grid", outlets, model="M"), dialect, self.meter, 230.0, 60, clock_ahead
        )
        self.now = START
        self.is_16 = isinstance(dialect, Dialect16)

    def later(self, seconds: float = 1.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def connect(self) -> list[str]:
        self.station.connected(self.later())
        return self.drain()

    def next(self) -> tuple[str, str, dict[str, Any]] | None:
        text = self.station.next_frame(self.later())
        if text is None:
            return None
        _, message_id, action, payload = json.loads(text)
        return message_id, action, payload

    def answer(self, message_id: str, payload: dict[str, Any]) -> None:
        assert self.station.receive(json.dumps([3, message_id, payload]), self.later()) is None

    def drain(self, transaction_id: int = 77) -> list[str]:
        """Answer everything kindly; the actions that came."""
        actions = []
        while (frame := self.next()) is not None:
            message_id, action, payload = frame
            actions.append(payload.get("eventType", action))
            self.answer(message_id, self.kindly(action, transaction_id))
        return actions

    def kindly(self, action: str, transaction_id: int) -> dict[str, Any]:
        yes = {"status": "Accepted"}
        return {
            "BootNotification": {"status": "Accepted", "interval": 300, "currentTime": START.isoformat()},
            "Authorize": {"idTagInfo": yes} if self.is_16 else {"idTokenInfo": yes},
            "StartTransaction": {"transactionId": transaction_id, "idTagInfo": yes},
        }.get(action, {})

    def command(self, action: str, payload: dict[str, Any]) -> Any:
        text = self.station.receive(json.dumps([2, "c1", action, payload]), self.later())
        assert text is not None
        return json.loads(text)


@pytest.fixture(params=[Dialect16, Dialect201])
def peer(request: pytest.FixtureRequest) -> Peer:
    return Peer(request.param())


@pytest.fixture
def peer16() -> Peer:
    return Peer(Dialect16())


@pytest.fixture
def peer201() -> Peer:
    return Peer(Dialect201())


def profile16(limit_a: float, transaction_id: int | None = None) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}]}
    purpose = "TxDefaultProfile" if transaction_id is None else "TxProfile"
    profile = {
        "chargingProfileId": 1 if transaction_id is None else 2,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule | {"startSchedule": START.isoformat()},
    }
    return profile if transaction_id is None else profile | {"transactionId": transaction_id}


def test_a_station_boots_once_and_tells_every_connectors_state_on_each_connection(peer: Peer) -> None:
    assert peer.connect() == ["BootNotification", "StatusNotification", "StatusNotification"]
    peer.station.disconnected(peer.later())
    assert peer.connect() == ["StatusNotification", "StatusNotification"]


def test_only_one_message_is_in_flight(peer: Peer) -> None:
    peer.station.connected(peer.later())
    assert peer.next() is not None
    assert peer.next() is None


def test_a_boot_not_accepted_is_tried_again_after_a_while_and_everything_waits(peer: Peer) -> None:
    peer.station.connected(peer.later())
    first = peer.next()
    assert first is not None
    peer.answer(first[0], {"status": "Pending", "interval": 10, "currentTime": START.isoformat()})
    assert peer.next() is None
    peer.later(120)
    again = peer.next()
    assert again is not None
    assert again[1] == "BootNotification"


def test_1_6_authorizes_starts_and_stops(peer16: Peer) -> None:
    peer16.connect()
    peer16.station.plug_in(1, "TAG", peer16.later())
    assert peer16.drain() == ["StatusNotification", "Authorize", "StartTransaction"]
    peer16.station.unplug(1, peer16.later())
    assert peer16.drain() == ["StopTransaction", "StatusNotification", "StatusNotification"]


def test_2_0_1_tells_the_same_in_transaction_events(peer201: Peer) -> None:
    peer201.connect()
    peer201.station.plug_in(2, "TAG", peer201.later())
    assert peer201.drain() == ["StatusNotification", "Authorize", "Started"]
    peer201.station.unplug(2, peer201.later())
    assert peer201.drain() == ["Ended", "StatusNotification", "StatusNotification"]


def test_without_a_transaction_nothing_flows(peer16: Peer) -> None:
    peer16.connect()
    assert peer16.station.limit_at(1, peer16.now)[0] == 0.0


def test_a_refused_token_charges_nothing(peer16: Peer) -> None:
    peer16.connect()
    peer16.station.plug_in(1, "TAG", peer16.later())
    peer16.next()
    while (frame := peer16.station.outbox.waiting[0]).kind.value != "authorize":
        peer16.answer(frame.id, {})
        peer16.next()
    peer16.answer(frame.id, {"idTagInfo": {"status": "Blocked"}})
    assert peer16.next() is None
    assert peer16.station.outlets[1].transaction is None


def test_a_token_refused_at_the_start_ends_the_transaction(peer16: Peer) -> None:
    peer16.connect()
    peer16.station.disconnected(peer16.later())
    peer16.station.plug_in(1, "TAG", peer16.later())
    peer16.station.connected(peer16.later())
    while (frame := peer16.next()) is not None and frame[1] != "StartTransaction":
        peer16.answer(frame[0], {})
    assert frame is not None
    peer16.answer(frame[0], {"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    stop = peer16.next()
    assert stop is not None
    assert (stop[1], stop[2]["reason"]) == ("StopTransaction", "DeAuthorized")


@pytest.mark.parametrize("ahead_s", [-90.0, 90.0])
def test_a_station_with_a_wrong_clock_says_and_does_everything_in_its_own_time(ahead_s: float) -> None:
    peer = Peer(Dialect16(), timedelta(seconds=ahead_s))
    peer.connect()
    peer.station.plug_in(1, "TAG", peer.later())
    plugged_at, started = peer.now, None
    while started is None and (frame := peer.next()) is not None:
        started = frame[2]["timestamp"] if frame[1] == "StartTransaction" else None
        peer.answer(frame[0], peer.kindly(frame[1], 77))
    assert started is not None
    off_s = (datetime.fromisoformat(started) - plugged_at).total_seconds()
    assert ahead_s <= off_s <= ahead_s + 10
    periods = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 300, "limit": 6.0}]
    profile = profile16(16, 77)
    profile["chargingSchedule"] |= {"chargingSchedulePeriod": periods, "startSchedule": peer.now.isoformat()}
    falls_at = peer.now + timedelta(seconds=300 - ahead_s)
    peer.command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
    limit_a, until = peer.station.limit_at(1, falls_at - timedelta(seconds=10))
    assert (limit_a, until) == (16.0, falls_at)
    assert peer.station.limit_at(1, falls_at)[0] == 6.0


def test_a_transaction_profile_is_accepted_once_the_transaction_is_known(peer16: Peer) -> None:
    peer16.connect()
    request = {"connectorId": 1, "csChargingProfiles": profile16(0)}
    assert peer16.command("SetChargingProfile", request)[2] == {"status": "Accepted"}
    request = {"connectorId": 1, "csChargingProfiles": profile16(16, 77)}
    assert peer16.command("SetChargingProfile", request)[2] == {"status": "Rejected"}
    peer16.station.plug_in(1, "TAG", peer16.later())
    peer16.drain()
    assert peer16.station.limit_at(1, peer16.now)[0] == 0.0
    assert peer16.command("SetChargingProfile", request)[2] == {"status": "Accepted"}
    assert peer16.station.limit_at(1, peer16.now)[0] == 16.0
    peer16.station.unplug(1, peer16.later())
    assert peer16.station.limit_at(1, peer16.now)[0] == 0.0


def test_a_default_that_runs_from_the_start_of_a_transaction_holds_in_the_second_in_which_it_starts(
    peer16: Peer,
) -> None:
    peer16.connect()
    relative = profile16(0) | {"chargingProfileKind": "Relative"}
    peer16.command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": relative})
    peer16.station.plug_in(1, "TAG", peer16.later(0.6))
    peer16.drain()
    transaction = peer16.station.outlets[1].transaction
    assert transaction is not None
    assert peer16.station.limit_at(1, transaction.started_at - timedelta(seconds=0.6))[0] == 0.0


def test_a_station_knows_whether_all_its_connectors_have_a_default(peer16: Peer) -> None:
    assert not peer16.station.is_limited
    peer16.command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile16(0)})
    assert not peer16.station.is_limited
    second = profile16(0) | {"chargingProfileId": 3}
    peer16.command("SetChargingProfile", {"connectorId": 2, "csChargingProfiles": second})
    assert peer16.station.is_limited


def test_offline_it_charges_on_trust_and_tells_later_in_order_with_the_instants_of_then(peer: Peer) -> None:
    peer.connect()
    peer.station.disconnected(peer.later())
    plugged_at = peer.later()
    peer.station.plug_in(1, "TAG", plugged_at)
    peer.meter.shown = Reading(2.0, 7.0, (10.0, 10.0, 10.0), (230.0,) * 3, 16.0)
    peer.station.tick(peer.later(70))
    peer.station.unplug(1, peer.later(600))
    peer.station.connected(peer.later(60))
    seen = []
    while (frame := peer.next()) is not None:
        message_id, action, payload = frame
        seen.append((payload.get("eventType", action), payload.get("timestamp"), payload.get("offline")))
        peer.answer(message_id, peer.kindly(action, 42))
    names = [name for name, _, _ in seen[2:]]
    assert names == (
        ["StartTransaction", "MeterValues", "StopTransaction"] if peer.is_16 else ["Started", "Updated", "Ended"]
    )
    assert seen[2][1] == plugged_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if not peer.is_16:
        assert [offline for _, _, offline in seen[2:]] == [True, True, True]


def test_messages_of_an_offline_transaction_carry_the_id_its_start_is_answered_with(peer16: Peer) -> None:
    peer16.station.plug_in(1, "TAG", peer16.later())
    peer16.station.unplug(1, peer16.later(60))
    peer16.station.connected(peer16.later())
    payloads = {}
    while (frame := peer16.next()) is not None:
        payloads[frame[1]] = frame[2]
        peer16.answer(frame[0], peer16.kindly(frame[1], 4711))
    assert payloads["StopTransaction"]["transactionId"] == 4711


def test_a_transaction_message_without_an_answer_is_repeated_as_it_was_on_the_next_connection(peer: Peer) -> None:
    peer.connect()
    peer.station.disconnected(peer.later())
    peer.station.plug_in(1, "TAG", peer.later())
    peer.station.connected(peer.later())
    for _ in range(2):
        frame = peer.next()
        assert frame is not None
        peer.answer(frame[0], {})
    unanswered = peer.next()
    peer.station.disconnected(peer.later(300))
    peer.station.connected(peer.later())
    frames = [peer.next()]
    for _ in range(2):
        assert frames[-1] is not None
        peer.answer(frames[-1][0], {})
        frames.append(peer.next())
    assert frames[-1] == unanswered


def test_a_transaction_message_answered_with_an_error_is_tried_again_later(peer16: Peer) -> None:
    peer16.connect()
    peer16.station.disconnected(peer16.later())
    peer16.station.plug_in(1, "TAG", peer16.later())
    peer16.station.connected(peer16.later())
    while (frame := peer16.next()) is not None and frame[1] != "StartTransaction":
        peer16.answer(frame[0], {})
    assert frame is not None
    peer16.station.receive(json.dumps([4, frame[0], "InternalError", "", {}]), peer16.later())
    assert peer16.next() is None
    peer16.later(61)
    assert peer16.next() == frame


def test_who_waits_for_an_authorization_when_the_line_breaks_is_charged_on_trust(peer: Peer) -> None:
    peer.connect()
    peer.station.plug_in(1, "TAG", peer.later())
    peer.station.disconnected(peer.later())
    assert peer.station.outlets[1].transaction is not None


def test_meter_values_come_at_their_interval_and_when_charging_starts_or_stops(peer: Peer) -> None:
    peer.connect()
    peer.station.plug_in(1, "TAG", peer.later())
    peer.drain()
    meter_values = "MeterValues" if peer.is_16 else "Updated"
    peer.meter.shown = Reading(1.6, 7.0, (10.0, 10.0, 10.0), (230.0,) * 3, 16.0)
    peer.station.tick(peer.later())
    assert peer.drain() == ["StatusNotification", meter_values]
    peer.station.tick(peer.later(30))
    assert peer.drain() == []
    peer.station.tick(peer.later(40))
    assert peer.drain() == [meter_values]


def test_a_silent_station_sends_heartbeats(peer: Peer) -> None:
    peer.connect()
    peer.station.tick(peer.later(200))
    assert peer.drain() == []
    peer.station.tick(peer.later(150))
    assert peer.drain() == ["Heartbeat"]


def test_it_starts_remotely_only_where_a_vehicle_is_and_stops_by_transaction(peer16: Peer) -> None:
    peer16.connect()
    start = {"connectorId": 1, "idTag": "REMOTE"}
    assert peer16.command("RemoteStartTransaction", start)[2] == {"status": "Rejected"}
    peer16.station.outlets[1].vehicle_present = True
    assert peer16.command("RemoteStartTransaction", start)[2] == {"status": "Accepted"}
    peer16.drain()
    assert peer16.command("RemoteStopTransaction", {"transactionId": 5})[2] == {"status": "Rejected"}
    assert peer16.command("RemoteStopTransaction", {"transactionId": 77})[2] == {"status": "Accepted"}
    assert peer16.drain()[0] == "StopTransaction"


def test_what_it_does_not_know_or_cannot_read_it_says_so(peer: Peer) -> None:
    assert peer.command("Reset", {"type": "Soft"})[:3] == [4, "c1", "NotImplemented"]
    assert peer.command("SetChargingProfile", {"connectorId": 1})[2] == "FormationViolation"


def test_it_tells_its_smart_charging_settings_and_which_it_does_not_have(peer16: Peer, peer201: Peer) -> None:
    asked = peer16.command("GetConfiguration", {"key": ["ChargingScheduleMaxPeriods", "Nonsense"]})[2]
    assert asked["configurationKey"][0]["value"] == "24"
    assert asked["unknownKey"] == ["Nonsense"]
    data = [{"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": name}} for name in ("RateUnit", "X")]
    results = peer201.command("GetVariables", {"getVariableData": data})[2]["getVariableResult"]
    assert [result["attributeStatus"] for result in results] == ["Accepted", "UnknownVariable"]


def test_its_composite_schedule_is_what_it_follows(peer16: Peer) -> None:
    peer16.command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile16(10)})
    answer = peer16.command("GetCompositeSchedule", {"connectorId": 1, "duration": 3600})[2]
    assert answer["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 10.0}]
