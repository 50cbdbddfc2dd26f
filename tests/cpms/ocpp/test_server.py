"""The stations' server over real sockets."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cpms.domain.command import ClearProfiles, InstallGrant, RemoteStart
from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import (
    CommandOutcome,
    DeviationSeen,
    HeartbeatReceived,
    StationBooted,
    StationCapabilities,
    StationConnected,
    StationDisconnected,
    TransactionStarted,
)
from tests.cpms.ocpp.backend import KEY, MemoryBackend, basic, broken, running, station
from tests.cpms.ocpp.grants import CONNECTOR, grant

CLEAR = ClearProfiles(ConnectorKey("ST-1", 1))
START = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 0, "timestamp": "2026-06-01T12:00:00Z"}


def backend_with(*station_ids: str, profile: int = 1) -> MemoryBackend:
    backend = MemoryBackend()
    for station_id in station_ids:
        backend.add(station_id, profile)
    return backend


async def refused(port: int, path: str, headers: dict[str, str], subprotocols: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://127.0.0.1:{port}{path}", subprotocols=subprotocols, additional_headers=headers)
    return refusal.value.response.status_code, bytes(refusal.value.response.body or b"").decode()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_station_boots_tells_its_capabilities_and_takes_a_profile(version: str):
    backend = backend_with("ST-1")
    async with running(backend) as server, station(server, "ST-1", version) as caller:
        await caller.boot()
        await backend.first(StationCapabilities)
        transaction_id = "7" if version == "1.6" else "b5e2"
        sending = asyncio.create_task(
            server.send("ST-1", InstallGrant(grant(16, transaction_id=transaction_id), CONNECTOR))
        )
        await caller.answer(await caller.next())
        assert (await sending).outcome is CommandOutcome.ACCEPTED
        assert caller.commands[-1][0] == "SetChargingProfile"
        assert server.connected == {"ST-1"}
    kinds = [type(event) for event in backend.events]
    assert kinds == [StationConnected, StationBooted, StationCapabilities, StationDisconnected]
    assert {direction for _, direction, _ in backend.raws} == {"in", "out"}


@pytest.mark.parametrize(
    ("path", "headers", "subprotocols", "status", "text"),
    [
        ("/ocpp/ST-1", basic("ST-1", "wrong"), ["ocpp1.6"], 401, "key"),
        ("/ocpp/ST-1", basic("ST-2", KEY), ["ocpp1.6"], 401, "username"),
        ("/ocpp/ST-1", {}, ["ocpp1.6"], 401, "basic authentication"),
        ("/ocpp/ST-1", {"Authorization": "Basic %%%"}, ["ocpp1.6"], 401, "basic authentication"),
        ("/ocpp/NOBODY", basic("NOBODY", KEY), ["ocpp1.6"], 404, "no station NOBODY"),
        ("/ocpp/ST-1", basic("ST-1", KEY), ["ocpp1.5", "soap"], 400, "ocpp1.5, soap"),
        ("/ocpp/ST-1", basic("ST-1", KEY), None, 400, "nothing"),
        ("/ocpp/a/ST-1", basic("ST-1", KEY), ["ocpp1.6"], 404, "identity"),
        ("/ocpp/a%2FST-1", basic("ST-1", KEY), ["ocpp1.6"], 404, "identity"),
        ("/ocpp/%FF", basic("ST-1", KEY), ["ocpp1.6"], 404, "identity"),
        ("/", basic("ST-1", KEY), ["ocpp1.6"], 404, "/ocpp/{station_id}"),
    ],
)
async def test_who_may_not_connect_is_told_why(
    path: str, headers: dict[str, str], subprotocols: Any, status: int, text: str
):
    backend = backend_with("ST-1")
    async with running(backend) as server:
        found, body = await refused(server.port, path, headers, subprotocols)
        assert (found, text in body) == (status, True), body
        assert server.health()["refused"] == 1
    known = path == "/ocpp/ST-1"
    assert [event.action for event in backend.of(DeviationSeen)] == (["connect"] if known else [])


async def test_a_station_without_a_key_connects_only_where_it_was_created_so():
    backend = backend_with("OPEN", profile=0)
    async with running(backend) as server:
        url = f"ws://127.0.0.1:{server.port}/ocpp/OPEN"
        async with connect(url, subprotocols=["ocpp1.6"]) as socket:  # type: ignore[list-item]
            assert socket.subprotocol == "ocpp1.6"


async def test_identities_are_percent_decoded_and_keys_may_come_as_raw_bytes():
    backend = backend_with("ST:1.a")
    async with running(backend) as server:
        headers = basic("ST:1.a", bytes.fromhex(KEY))
        url = f"ws://127.0.0.1:{server.port}/ocpp/ST%3A1%2Ea"
        async with connect(url, subprotocols=["ocpp2.0.1"], additional_headers=headers):  # type: ignore[list-item]
            assert (await backend.first(StationConnected)).protocol == "ocpp2.0.1"


async def test_who_guesses_keys_waits_and_disturbs_nobody_else():
    backend = backend_with("ST-1", "ST-2")
    async with running(backend) as server:
        for _ in range(10):
            assert (await refused(server.port, "/ocpp/ST-1", basic("ST-1", "guess"), ["ocpp1.6"]))[0] == 401
        assert (await refused(server.port, "/ocpp/ST-1", basic("ST-1", KEY), ["ocpp1.6"]))[0] == 429
        async with station(server, "ST-2"):
            assert (await backend.first(StationConnected)).station_id == "ST-2"


async def test_a_station_that_cannot_be_checked_is_asked_to_come_again():
    backend = backend_with("ST-1")
    backend.failure = broken()
    async with running(backend) as server:
        assert (await refused(server.port, "/ocpp/ST-1", basic("ST-1", KEY), ["ocpp1.6"]))[0] == 503


async def test_the_newest_connection_wins_and_what_the_old_one_sent_comes_first():
    backend = backend_with("ST-1")
    async with running(backend) as server, station(server, "ST-1") as old:
        await old.boot()
        async with station(server, "ST-1", "2.0.1") as new:
            await new.boot()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(old.socket.recv(), 10)
            assert server.connected == {"ST-1"}
    kinds = [type(e) for e in backend.events if not isinstance(e, StationCapabilities)]
    once = [StationConnected, StationBooted, StationDisconnected]
    assert kinds == once + once


async def test_who_does_not_authenticate_displaces_nobody():
    backend = backend_with("ST-1")
    async with running(backend) as server, station(server, "ST-1") as caller:
        await caller.boot()
        await refused(server.port, "/ocpp/ST-1", basic("ST-1", "wrong"), ["ocpp1.6"])
        assert (await caller.call("Heartbeat", {}))[0] == 3


async def test_malformed_frames_cost_the_connection_nothing():
    backend = backend_with("ST-1")
    async with running(backend) as server, station(server, "ST-1") as caller:
        await caller.boot()
        for data in ["", "garbage", "[]", "[2]", '{"a":1}', "[3,1]", b"\xff\x00\xfe", '[2,"1","' + "[" * 5000]:
            await caller.socket.send(data)
        assert (await caller.next_answer())[:3] == [4, "1", "FormationViolation"]
        assert (await caller.call("Nonsense", {}))[2] == "NotImplemented"
        assert (await caller.call("Heartbeat", {}, "h"))[:2] == [3, "h"]
    assert any(event.rejected for event in backend.of(DeviationSeen))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("failure", [broken(), ZeroDivisionError("a defect")])
async def test_what_cannot_be_handled_is_an_internal_error_and_is_taken_when_it_comes_again(failure: Exception):
    backend = backend_with("ST-1")
    async with running(backend) as server, station(server, "ST-1") as caller:
        await caller.boot()
        backend.failure = failure
        assert (await caller.call("StartTransaction", START))[2] == "InternalError"
        backend.failure = None
        assert (await caller.call("StartTransaction", START))[2]["transactionId"] == 1


async def test_a_resent_start_is_the_same_transaction():
    backend = backend_with("ST-1")
    async with running(backend) as server:
        numbers = []
        for _ in range(2):
            async with station(server, "ST-1") as caller:
                await caller.boot()
                numbers += [(await caller.call("StartTransaction", START, m))[2]["transactionId"] for m in "ab"]
    assert numbers == [1, 1, 1, 1]
    assert len({event.started_at for event in backend.of(TransactionStarted)}) == 1


async def test_a_slow_station_delays_no_other_and_keeps_its_order():
    backend = backend_with("SLOW", "ST-1")
    backend.hold = asyncio.Event()
    async with running(backend) as server, station(server, "SLOW") as slow, station(server, "ST-1") as fast:
        for number in range(5):
            await slow.socket.send(json.dumps([2, str(number), "Heartbeat", {}]))
        await fast.boot()
        assert (await fast.call("Heartbeat", {}))[0] == 3
        backend.hold.set()
        answers = [(await slow.next_answer())[1] for _ in range(5)]
    assert answers == ["0", "1", "2", "3", "4"]


async def test_answers_to_commands_are_heard_while_messages_wait_to_be_handled():
    backend = backend_with("SLOW")
    backend.hold = asyncio.Event()
    async with running(backend, settle_s=0.0) as server, station(server, "SLOW") as slow:
        await slow.answer(await slow.next())
        sending = asyncio.create_task(server.send("SLOW", ClearProfiles(ConnectorKey("SLOW", 1))))
        await slow.answer(await slow.next())
        assert (await sending).outcome is CommandOutcome.ACCEPTED
        assert backend.events == []
        backend.hold.set()


async def test_a_station_that_is_not_there_is_unreachable():
    async with running(backend_with()) as server:
        assert (await server.send("ST-1", CLEAR)).outcome is CommandOutcome.UNREACHABLE


async def test_no_answer_is_timed_out_and_later_commands_still_flow():
    backend = backend_with("ST-1")
    async with running(backend, call_timeout_s=0.05) as server, station(server, "ST-1") as caller:
        await caller.boot()
        assert (await server.send("ST-1", CLEAR)).outcome is CommandOutcome.TIMED_OUT
        await caller.next()
        sending = asyncio.create_task(server.send("ST-1", RemoteStart(ConnectorKey("ST-1", 1), "TAG-1")))
        frame = await caller.next()
        await caller.answer(frame)
        assert (await sending).outcome in (CommandOutcome.ACCEPTED, CommandOutcome.TIMED_OUT)
        assert frame[2] == "RemoteStartTransaction"


async def test_a_command_in_flight_when_the_connection_is_lost_counts_as_timed_out():
    backend = backend_with("ST-1")
    async with running(backend) as server:
        async with station(server, "ST-1") as caller:
            await caller.boot()
            await backend.first(StationCapabilities)
            sending = asyncio.create_task(server.send("ST-1", CLEAR))
            await caller.next()
            caller.socket.transport.abort()
        assert (await sending).outcome is CommandOutcome.TIMED_OUT


async def test_a_half_open_connection_is_given_up():
    backend = backend_with("ST-1")
    async with running(backend, ping_interval_s=0.1, ping_timeout_s=0.1) as server, station(server, "ST-1") as caller:
        await backend.first(StationConnected)
        caller.socket.transport.pause_reading()
        await backend.first(StationDisconnected)
        caller.socket.transport.abort()


async def test_a_station_that_answers_pings_stays():
    backend = backend_with("ST-1")
    async with running(backend, ping_interval_s=0.01, ping_timeout_s=5.0) as server, station(server, "ST-1") as caller:
        await caller.boot()
        for _ in range(20):
            await (await caller.socket.ping())
        assert server.connected == {"ST-1"}


async def test_stopping_finishes_what_stations_sent():
    backend = backend_with("ST-1")
    async with running(backend) as server, station(server, "ST-1") as caller:
        await caller.boot()
        await caller.socket.send('[2,"h","Heartbeat",{}]')
        await backend.first(HeartbeatReceived)
        await server.stop()
    assert isinstance(backend.events[-1], StationDisconnected)


async def test_the_port_is_known_only_once_it_listens():
    from cpms.domain.time import SystemClock
    from cpms.ocpp.server import StationServer

    with pytest.raises(RuntimeError, match="not started"):
        _ = StationServer(MemoryBackend(), SystemClock(), b"").port
