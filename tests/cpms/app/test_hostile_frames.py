"""Whatever a station sends: it is answered, its connection lives, nobody else notices. On the real backend, store and controllers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from cpms.app.backend import Backend
from cpms.app.housekeeping import Housekeeping, Keeping
from cpms.app.planner import Workers
from cpms.app.sites import Sites
from cpms.app.supervise import Supervisor
from cpms.control.settings import ControlSettings
from cpms.domain.identity import Token, keyed_hash
from cpms.domain.time import SystemClock
from cpms.ocpp.server import StationServer
from data.ingest import SampleIngest
from data.store import Store
from tests.cpms.ocpp.backend import KEY, basic
from tests.data.examples import SITE, station

NOW = "2026-06-01T12:00:00Z"
SAMPLED = {"timestamp": NOW, "sampledValue": [{"value": "1500", "measurand": "Power.Active.Import", "unit": "W"}]}
METER = {"value": 1500.5, "measurand": "Current.Import", "phase": "L1", "unitOfMeasure": {"unit": "A", "multiplier": 0}}
EVENT = {
    "timestamp": NOW, "triggerReason": "MeterValuePeriodic", "seqNo": 1, "offline": False, "evse": {"id": 1, "connectorId": 1},
    "transactionInfo": {"transactionId": "tx-1", "chargingState": "Charging"}, "idToken": {"idToken": "TAG", "type": "Central"},
    "meterValue": [{"timestamp": NOW, "sampledValue": [METER]}],
}  # fmt: skip
FRAMES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "ocpp1.6": [
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
        ("StatusNotification", {"connectorId": 1, "status": "Charging", "errorCode": "NoError", "timestamp": NOW}),
        ("Authorize", {"idTag": "TAG"}),
        ("StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": 100, "timestamp": NOW}),
        ("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [SAMPLED]}),
        ("StopTransaction", {"transactionId": 7, "meterStop": 900, "timestamp": NOW, "idTag": "TAG", "transactionData": [SAMPLED]}),
        ("DataTransfer", {"vendorId": "V", "messageId": "m", "data": "d"}),
        ("Heartbeat", {}),
        ("FirmwareStatusNotification", {"status": "Idle"}),
    ],
    "ocpp2.0.1": [
        ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}),
        ("StatusNotification", {"evseId": 1, "connectorId": 1, "connectorStatus": "Occupied", "timestamp": NOW}),
        ("Authorize", {"idToken": {"idToken": "TAG", "type": "Central"}}),
        ("TransactionEvent", {**EVENT, "eventType": "Started"}),
        ("TransactionEvent", {**EVENT, "eventType": "Updated"}),
        ("TransactionEvent", {**EVENT, "eventType": "Ended"}),
        ("MeterValues", {"evseId": 1, "meterValue": EVENT["meterValue"]}),
        ("DataTransfer", {"vendorId": "V", "messageId": "m", "data": {"any": 1}}),
        ("NotifyReport", {"requestId": 1, "generatedAt": NOW, "seqNo": 0}),
    ],
}  # fmt: skip
INSTANTS = ["0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z"]
NUMBERS = [True, -1, 0, 1.5, 2**31, 2**53, 2**63, 10**30, -(10**30), 1e308, "-1", "NaN", "Infinity", "1e999"]
TEXTS = ["", " ", "x" * 37, "x" * 5000, "\u0000", "a\u0000b", "\ud800", "\U0001f50c"]
NASTY = st.sampled_from([*INSTANTS, *NUMBERS, *TEXTS, None, [], {}, [[]], [None], {"a": {"b": []}}, [{}] * 200])
MESSAGE_IDS = st.sampled_from(["m", "", "x" * 36, "x" * 300, "\u0000", 5, None, []])


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside `value`."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, part in entries for path in ((*before, key), *paths(part, (*before, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with what is at `path` replaced."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@st.composite
def mutated(draw: st.DrawFn, version: str) -> list[Any]:
    """A call whose payload has up to three values replaced by nasty ones."""
    action, payload = draw(st.sampled_from(FRAMES[version]))
    for _ in range(draw(st.integers(1, 3))):
        found = paths(payload)
        if not found:
            break
        payload = changed(payload, draw(st.sampled_from(found)), draw(NASTY))
    return [2, draw(st.just("m") | MESSAGE_IDS), action, payload]


@asynccontextmanager
async def serving(store: Store) -> AsyncIterator[StationServer]:
    """Everything but a planner and an API, on `store`."""
    clock, pepper = SystemClock(), await store.pepper()
    await store.put_site(SITE)
    for station_id in ("HOSTILE", "GOOD"):
        await store.add_station(station(station_id), keyed_hash(KEY, pepper))
    await store.put_token(Token("TAG"))
    supervisor = Supervisor(clock)
    async with SampleIngest(store) as ingest:
        sites = Sites(
            store, Workers(1, 1.0), supervisor, clock, ControlSettings(), 900.0, None, False,
            lambda station_id, command: server.send(station_id, command), lambda: server.connected,
        )  # fmt: skip
        housekeeping = Housekeeping(store, clock, Keeping(30.0, 400.0))
        server = StationServer(Backend(store, ingest, sites, housekeeping, 300), clock, pepper, port=0)
        await server.start()
        await sites.start()
        try:
            yield server
            assert ingest.health().ok
        finally:
            await server.stop()
            await supervisor.stop()


@asynccontextmanager
async def connected(server: StationServer, station_id: str, version: str) -> AsyncIterator[ClientConnection]:
    url = f"ws://127.0.0.1:{server.port}/ocpp/{station_id}"
    subprotocol: Any = version
    async with connect(url, subprotocols=[subprotocol], additional_headers=basic(station_id, KEY)) as socket:
        yield socket


async def answers_until(socket: ClientConnection, last_id: str) -> list[list[Any]]:
    """What the server answered up to the answer to `last_id`; its own calls are refused on the way."""
    found = []
    async with asyncio.timeout(20):
        while True:
            frame = json.loads(await socket.recv())
            if frame[0] == 2:
                await socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
                continue
            if frame[1] == last_id:
                return found
            found.append(frame)


@pytest.fixture
async def server(embedded_dsn: str) -> AsyncIterator[StationServer]:
    async with Store.open(embedded_dsn) as store, serving(store) as server:
        yield server


@pytest.fixture
async def good(server: StationServer) -> AsyncIterator[ClientConnection]:
    """A station that behaves, beside the hostile one."""
    async with connected(server, "GOOD", "ocpp1.6") as socket:
        yield socket


CALLS = st.sampled_from(sorted(FRAMES)).flatmap(
    lambda version: st.tuples(st.just(version), st.lists(mutated(version), min_size=8, max_size=16))
)


# The examples share a server on purpose: what one leaves behind must not hurt the next.
@settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(version_and_calls=CALLS)
async def test_any_call_is_answered_without_an_internal_error_and_disturbs_nobody(
    server: StationServer, good: ClientConnection, version_and_calls: tuple[str, list[list[Any]]]
) -> None:
    version, calls = version_and_calls
    async with connected(server, "HOSTILE", version) as hostile:
        for call in calls:
            await hostile.send(json.dumps(call))
        await hostile.send('[2,"the last","Heartbeat",{}]')
        answers = await answers_until(hostile, "the last")
    assert [answer for answer in answers if "InternalError" in answer] == []
    for message_id in ("m", "x" * 36):
        answered = sum(answer[1] == message_id for answer in answers)
        assert answered == sum(call[1] == message_id for call in calls)
    await good.send('[2,"alive","Heartbeat",{}]')
    await answers_until(good, "alive")


async def test_a_start_on_a_connector_nobody_configured_is_kept_and_told_to_stop_because_nothing_limits_it(
    server: StationServer, good: ClientConnection
) -> None:
    await good.send(
        json.dumps([2, "s", "StatusNotification", {"connectorId": 7, "status": "Available", "errorCode": "NoError"}])
    )
    await good.send(
        json.dumps([2, "t", "StartTransaction", {"connectorId": 7, "idTag": "TAG", "meterStart": 0, "timestamp": NOW}])
    )
    stopped = None
    async with asyncio.timeout(20):
        frames: dict[str, Any] = {}
        while stopped is None or "t" not in frames:
            frame = json.loads(await good.recv())
            if frame[0] == 2:
                stopped = frame[3] if frame[2] == "RemoteStopTransaction" else stopped
                await good.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
            frames[frame[1]] = frame
    assert frames["s"][0] == 3
    assert frames["t"][2]["idTagInfo"]["status"] == "Invalid"
    assert stopped == {"transactionId": frames["t"][2]["transactionId"]}


def values(second: int) -> dict[str, Any]:
    sampled = {"value": str(1000 + second), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    return {"timestamp": f"2026-06-01T12:00:{second:02}Z", "sampledValue": [sampled]}


async def flood(server: StationServer, times: int, messages: int) -> None:
    """Connect, say much, and go without waiting for an answer, again and again."""
    for _ in range(times):
        async with connected(server, "HOSTILE", "ocpp1.6") as hostile:
            for number in range(messages):
                meter_values = {"connectorId": 1, "meterValue": [values(number % 60)] * 5}
                await hostile.send(json.dumps([2, str(number), "MeterValues", meter_values]))
            hostile.transport.abort()


async def test_a_session_is_kept_whole_while_another_station_floods_and_reconnects(embedded_dsn: str) -> None:
    async with (
        Store.open(embedded_dsn) as store,
        serving(store) as server,
        asyncio.TaskGroup() as group,
        connected(server, "GOOD", "ocpp1.6") as good,
    ):
        flooding = group.create_task(flood(server, times=10, messages=200))
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": NOW}
        said = [("StartTransaction", start)]
        said += [("MeterValues", {"connectorId": 1, "meterValue": [values(n)]}) for n in range(60)]
        for number, (action, payload) in enumerate(said):
            await good.send(json.dumps([2, f"g{number}", action, payload]))
            await answers_until(good, f"g{number}")
        [session] = await store.sessions(station_id="GOOD")
        stop = {
            "transactionId": int(session.transaction_id),
            "meterStop": 1060,
            "timestamp": "2026-06-01T12:01:00Z",
        }
        await good.send(json.dumps([2, "stop", "StopTransaction", stop]))
        await answers_until(good, "stop")
        await flooding
    async with Store.open(embedded_dsn) as store:
        [session] = await store.sessions(station_id="GOOD")
        assert (session.ended_at is not None, session.energy_kwh, session.estimated) == (True, 0.06, False)
        since = session.started_at
        samples = await store.samples(session.connector, since, since + timedelta(minutes=1))
        assert [sample.energy_kwh for sample in samples] == [1 + n / 1000 for n in range(60)]
