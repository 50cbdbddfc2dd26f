"""What one station, or nobody we know, does to the server over real sockets: nobody else loses a message or a connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from cpms.domain.identity import StationCredentials
from cpms.domain.telemetry import HeartbeatReceived, StationConnected, StationDisconnected
from cpms.ocpp.server import StationServer
from tests.cpms.ocpp.backend import Caller, MemoryBackend, running, station

HEARTBEAT = '[2,"h","Heartbeat",{}]'


def backend_with(*station_ids: str) -> MemoryBackend:
    backend = MemoryBackend()
    for station_id in station_ids:
        backend.add(station_id)
    return backend


@asynccontextmanager
async def good_station(server: StationServer) -> AsyncIterator[Caller]:
    """A station that was there before, and must still be when the storm is over."""
    async with station(server, "GOOD") as good:
        await good.boot()
        yield good
        assert (await good.call("Heartbeat", {}, "after"))[:2] == [3, "after"]
        assert "GOOD" in server.connected


@asynccontextmanager
async def raw_connections(
    server: StationServer, count: int
) -> AsyncIterator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """Connections on which nothing is said yet."""
    opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(count)]
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def test_who_opens_connections_and_says_nothing_keeps_nobody_out():
    backend = backend_with("GOOD", "LATE")
    async with (
        running(backend, max_openings=50, opening_grace_s=0.0) as server,
        good_station(server),
        raw_connections(server, 200) as silent,
    ):
        for number, (_, writer) in enumerate(silent):
            writer.write(b"GET /ocpp/X HTTP/1.1\r\nHost: x\r\n"[: number % 30])  # drop by drop
        async with station(server, "LATE") as late:
            await late.boot()
        assert server.connected >= {"GOOD"}


async def test_of_many_who_hesitate_the_oldest_make_room():
    backend = backend_with("GOOD")
    async with (
        running(backend, max_openings=5, opening_grace_s=0.01) as server,
        good_station(server),
        raw_connections(server, 12) as silent,
    ):
        async with asyncio.timeout(10):
            ends = await asyncio.gather(*(reader.read() for reader, _ in silent[:7]), return_exceptions=True)
        assert all(isinstance(end, ConnectionResetError) or end == b"" for end in ends)
        assert not any(reader.at_eof() for reader, _ in silent[7:])


class SlowToKnow(MemoryBackend):
    """Says who may come in once as many as `crowd` have asked."""

    crowd = 40

    async def credentials(self, station_id: str) -> StationCredentials | None:
        async with self.arrived:
            self.crowd -= 1
            self.arrived.notify_all()
            await self.arrived.wait_for(lambda: self.crowd <= 0)
        return await super().credentials(station_id)


async def test_however_many_stations_come_back_at_once_none_that_has_asked_is_sent_away():
    backend = SlowToKnow()
    for number in range(40):
        backend.add(f"ST-{number}")
    async with running(backend, max_openings=5, opening_grace_s=30.0) as server, AsyncExitStack() as stack:
        opening = [stack.enter_async_context(station(server, f"ST-{number}")) for number in range(40)]
        async with asyncio.timeout(20):
            await asyncio.gather(*opening)
        assert len(server.connected) == 40


async def test_who_does_not_finish_its_opening_is_given_up():
    async with (
        running(backend_with(), open_timeout_s=0.05) as server,
        raw_connections(server, 1) as [(reader, writer)],
    ):
        writer.write(b"GET /ocpp/GOOD HTTP/1.1\r\n")
        async with asyncio.timeout(10):
            await reader.read()


async def test_a_frame_too_large_ends_its_connection_and_no_other():
    async with (
        running(backend_with("GOOD", "HUGE"), max_message_bytes=10_000) as server,
        good_station(server),
        station(server, "HUGE") as huge,
    ):
        await huge.boot()
        await huge.socket.send("x" * 10_001)
        with pytest.raises(ConnectionClosed) as closed:
            await huge.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_a_message_in_crumbs_is_one_message_and_may_not_be_too_large_either():
    async with (
        running(backend_with("GOOD", "CRUMBS"), max_message_bytes=10_000) as server,
        good_station(server),
        station(server, "CRUMBS") as crumbs,
    ):
        await crumbs.boot()
        await crumbs.socket.send(["", *HEARTBEAT, *[""] * 5000])
        assert (await crumbs.next_answer())[:2] == [3, "h"]
        with pytest.raises(ConnectionClosed):
            await asyncio.gather(crumbs.socket.send(["x"] * 20_000), crumbs.socket.recv())


async def test_a_flood_from_one_station_is_handled_whole_and_others_have_their_turn_meanwhile():
    flood = 3000
    backend = backend_with("GOOD", "FLOOD")
    async with (
        running(backend) as server,
        good_station(server) as good,
        station(server, "FLOOD") as flooding,
    ):
        await flooding.boot()
        reading = asyncio.create_task(_answers(flooding, flood))
        sending = asyncio.create_task(_send_many(flooding, flood))
        async with asyncio.timeout(60):
            async with backend.arrived:
                await backend.arrived.wait_for(lambda: heartbeats(backend, "FLOOD"))
            assert (await good.call("Heartbeat", {}, "g"))[:2] == [3, "g"]
            meanwhile = heartbeats(backend, "FLOOD")
            await sending
            assert await reading == flood
        assert heartbeats(backend, "FLOOD") == flood
        assert meanwhile < flood / 2


def heartbeats(backend: MemoryBackend, station_id: str) -> int:
    return sum(event.station_id == station_id for event in backend.of(HeartbeatReceived))


async def _send_many(caller: Caller, count: int) -> None:
    for _ in range(count):
        await caller.socket.send(HEARTBEAT)


async def _answers(caller: Caller, count: int) -> int:
    return sum([json.loads(await caller.socket.recv())[0] == 3 for _ in range(count)])


async def test_who_does_not_take_its_answers_is_not_read_until_it_does():
    flood = 20_000
    backend = backend_with("GOOD", "DEAF")
    async with running(backend) as server, good_station(server) as good, station(server, "DEAF") as deaf:
        await deaf.boot()
        deaf.socket.transport.pause_reading()
        sending = asyncio.create_task(_send_garbage(deaf, flood))
        for number in range(200):
            assert (await good.call("Heartbeat", {}, f"g{number}"))[0] == 3
        read = sum(station_id == "DEAF" and direction == "in" for station_id, direction, _ in backend.raws)
        assert read < flood
        deaf.socket.transport.resume_reading()
        async with asyncio.timeout(60):
            answers = [await deaf.socket.recv() for _ in range(flood)]
            await sending
        assert len(answers) == flood


async def _send_garbage(caller: Caller, count: int) -> None:
    for _ in range(count):
        await caller.socket.send('[2,"' + "m" * 36 + '","Nonsense",{"a":"' + "x" * 400 + '"}]')


async def test_many_connections_of_one_station_leave_the_newest_and_every_other_is_told_of_as_gone():
    backend = backend_with("GOOD", "TWIN")
    async with running(backend) as server, good_station(server):
        async with AsyncExitStack() as stack:
            opening = [stack.enter_async_context(station(server, "TWIN")) for _ in range(60)]
            done = await asyncio.gather(*opening, return_exceptions=True)
            assert all(isinstance(one, Caller | ConnectionClosed | InvalidHandshake) for one in done)
            async with backend.arrived, asyncio.timeout(20):
                await backend.arrived.wait_for(lambda: _twins(backend, StationDisconnected) == 59)
            assert server.connected == {"GOOD", "TWIN"}
        async with backend.arrived, asyncio.timeout(20):
            await backend.arrived.wait_for(lambda: _twins(backend, StationDisconnected) == 60)
    assert _twins(backend, StationConnected) == 60
    kinds = [type(event) for event in backend.events if event.station_id == "TWIN"]
    present = 0
    for kind in kinds:
        present += {StationConnected: 1, StationDisconnected: -1}.get(kind, 0)
        assert present in (0, 1), "connections of one station overlap"


def _twins(backend: MemoryBackend, kind: type[StationConnected] | type[StationDisconnected]) -> int:
    return sum(event.station_id == "TWIN" for event in backend.of(kind))


async def test_a_storm_of_wrong_keys_is_refused_and_disturbs_nobody():
    backend = backend_with("GOOD", *(f"ST-{n}" for n in range(20)))
    async with running(backend) as server, good_station(server):

        async def guess(number: int) -> None:
            with pytest.raises(InvalidHandshake):
                async with station(server, f"ST-{number % 20}", key="wrong"):
                    pass

        await asyncio.gather(*(guess(number) for number in range(200)))
        assert server.health()["refused"] == 200
