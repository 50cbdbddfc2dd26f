"""A virtual station against the product's own station server, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.command import InstallGrant
from cpms.domain.grid import Grant, LimitPeriod
from cpms.domain.identity import (
    AuthorizationStatus,
    ConnectorKey,
    StationCredentials,
    keyed_hash,
)
from cpms.domain.site import Connector, Station
from cpms.domain.telemetry import (
    AuthorizeReply,
    AuthorizeRequested,
    BootReply,
    CommandOutcome,
    DeviationSeen,
    Reply,
    StationBooted,
    StationEvent,
    TransactionEnded,
    TransactionReply,
    TransactionStarted,
    TransactionUpdated,
)
from cpms.domain.time import AcceleratedClock
from cpms.ocpp.server import ServerOptions, StationServer
from cpms.simulation.client import StationClient
from cpms.simulation.dialect16 import Dialect16
from cpms.simulation.dialect201 import Dialect201
from cpms.simulation.messages import Dialect
from cpms.simulation.plant import Reading
from cpms.simulation.station import VirtualStation

PEPPER = b"pepper"
KEY = "0123456789abcdef0123"
CONNECTOR = Connector(ConnectorKey("S", 1))


class Backend:
    """Remembers what stations say and answers kindly."""

    def __init__(self) -> None:
        self.events: list[StationEvent] = []
        self.changed = asyncio.Condition()

    async def credentials(self, station_id: str) -> StationCredentials | None:
        known = station_id == "S"
        return StationCredentials("S", "site", 1, keyed_hash(KEY, PEPPER)) if known else None

    async def handle(self, event: StationEvent) -> Reply:
        async with self.changed:
            self.events.append(event)
            self.changed.notify_all()
        match event:
            case StationBooted():
                return BootReply(300)
            case AuthorizeRequested():
                return AuthorizeReply(AuthorizationStatus.ACCEPTED)
            case TransactionStarted():
                return TransactionReply(event.transaction_id or "77", AuthorizationStatus.ACCEPTED)
            case TransactionUpdated() | TransactionEnded():
                return TransactionReply(event.transaction_id)
        return None

    def raw(self, station_id: str, received_at: datetime, direction: str, text: str) -> None:
        """Nothing is kept."""

    async def seen(self, kind: type[StationEvent], count: int = 1) -> list[StationEvent]:
        def found() -> list[StationEvent]:
            return [event for event in self.events if isinstance(event, kind)]

        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(lambda: len(found()) >= count)
        return found()


class HandMeter:
    def reading(self, key: ConnectorKey) -> Reading:
        return Reading(1.0, 0.0, (0.0,) * 3, (230.0,) * 3)

    def ask(self, key: ConnectorKey) -> None:
        """Nobody needs to know."""


@pytest.fixture
def clock() -> AcceleratedClock:
    starts_at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    return AcceleratedClock(starts_at, starts_at + timedelta(days=1), 1.0, time.monotonic())


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
async def server(backend: Backend, clock: AcceleratedClock) -> AsyncIterator[StationServer]:
    server = StationServer(backend, clock, PEPPER, port=0, options=ServerOptions(close_timeout_s=0.2))
    await server.start()
    yield server
    await server.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  stations have no event for it
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(client: StationClient) -> AsyncIterator[None]:
    task = asyncio.create_task(client.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def client_of(server: StationServer, clock: AcceleratedClock, dialect: Dialect, key: str = KEY) -> StationClient:
    station = VirtualStation(Station("S", "site", "grid", (CONNECTOR,), model="M"), dialect, HandMeter(), 230.0, 60)
    return StationClient(station, f"ws://127.0.0.1:{server.port}/ocpp", key, clock.now)


def grant(transaction_id: str | None, limit_a: float, now: datetime) -> InstallGrant:
    periods = () if transaction_id is None else (LimitPeriod(now, limit_a),)
    ends_at = None if transaction_id is None else now + timedelta(hours=1)
    sequence = 1 if transaction_id is None else 2
    return InstallGrant(
        Grant(f"g{sequence}", "site", CONNECTOR.key, sequence, now, 0.0, transaction_id, periods, ends_at), CONNECTOR
    )


@pytest.mark.parametrize("dialect", [Dialect16(), Dialect201()], ids=["1.6", "2.0.1"])
async def test_a_station_lives_a_session_and_follows_its_grants(
    server: StationServer, backend: Backend, clock: AcceleratedClock, dialect: Dialect
) -> None:
    client = client_of(server, clock, dialect)
    async with running(client):
        await backend.seen(StationBooted)
        result = await server.send("S", grant(None, 0.0, clock.now()))
        assert result.outcome is CommandOutcome.ACCEPTED
        assert client.station.is_limited
        client.station.plug_in(1, "TAG", clock.now())
        client.wake()
        await backend.seen(TransactionStarted)
        assert client.station.limit_at(1, clock.now())[0] == 0.0
        transaction = client.station.outlets[1].transaction
        assert transaction is not None
        await until(lambda: transaction.id is not None)
        result = await server.send("S", grant(transaction.id, 13.0, clock.now()))
        assert result.outcome is CommandOutcome.ACCEPTED
        assert client.station.limit_at(1, clock.now())[0] == 13.0
        client.station.unplug(1, clock.now())
        client.wake()
        ended = await backend.seen(TransactionEnded)
        assert ended[0].transaction_id == transaction.id  # type: ignore[attr-defined]


async def test_it_comes_back_after_a_lost_server_and_tells_what_happened(
    backend: Backend, clock: AcceleratedClock
) -> None:
    options = ServerOptions(close_timeout_s=0.2)
    first = StationServer(backend, clock, PEPPER, port=0, options=options)
    await first.start()
    port = first.port
    client = client_of(first, clock, Dialect16())
    async with running(client):
        await backend.seen(StationBooted)
        await first.stop()
        await until(lambda: not client.station.online)
        started_at = clock.now()
        client.station.plug_in(1, "TAG", started_at)
        second = StationServer(backend, clock, PEPPER, port=port, options=options)
        await second.start()
        started = await backend.seen(TransactionStarted)
        await second.stop()
    assert client.connections == 2
    assert abs(started[0].started_at - started_at) < timedelta(milliseconds=2)  # type: ignore[attr-defined]


async def test_with_a_wrong_key_it_is_not_let_in(
    server: StationServer, backend: Backend, clock: AcceleratedClock
) -> None:
    client = client_of(server, clock, Dialect16(), key="f" * 20)
    async with running(client):
        refused = await backend.seen(DeviationSeen)
        assert client.connections == 0
    assert refused == backend.events
