"""A backend in memory, and a station's side of a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from cpms.domain.errors import CpmsError
from cpms.domain.identity import AuthorizationStatus, StationCredentials, keyed_hash
from cpms.domain.telemetry import (
    AuthorizeReply,
    AuthorizeRequested,
    BootReply,
    Reply,
    StationBooted,
    StationEvent,
    TransactionEnded,
    TransactionReply,
    TransactionStarted,
    TransactionUpdated,
)
from cpms.domain.time import ManualClock
from cpms.ocpp.server import ServerOptions, StationServer

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef01234567"
PEPPER = b"pepper"
E = TypeVar("E", bound=StationEvent)


@dataclass
class MemoryBackend:
    """Knows some stations, keeps all events, can be made slow or broken."""

    stations: dict[str, StationCredentials] = field(default_factory=dict)
    events: list[StationEvent] = field(default_factory=list)
    raws: list[tuple[str, str, str]] = field(default_factory=list)
    failure: Exception | None = None
    hold: asyncio.Event | None = None
    transactions: dict[tuple[Any, ...], str] = field(default_factory=dict)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def add(self, station_id: str, profile: int = 1) -> None:
        key_hash = keyed_hash(KEY, PEPPER) if profile else None
        self.stations[station_id] = StationCredentials(station_id, "site", profile, key_hash)

    async def credentials(self, station_id: str) -> StationCredentials | None:
        if self.failure is not None:
            raise self.failure
        return self.stations.get(station_id)

    def raw(self, station_id: str, received_at: datetime, direction: str, text: str) -> None:
        self.raws.append((station_id, direction, text))

    async def handle(self, event: StationEvent) -> Reply:
        if self.hold is not None and event.station_id == "SLOW":
            await self.hold.wait()
        async with self.arrived:
            self.events.append(event)
            self.arrived.notify_all()
        if self.failure is not None:
            raise self.failure
        return self._reply(event)

    def _reply(self, event: StationEvent) -> Reply:
        match event:
            case StationBooted():
                return BootReply(60)
            case AuthorizeRequested():
                known = event.id_tag.startswith("TAG")
                return AuthorizeReply(AuthorizationStatus.ACCEPTED if known else AuthorizationStatus.INVALID)
            case TransactionStarted():
                key = (event.station_id, event.connector_id, event.id_tag, event.started_at, event.meter_start_kwh)
                number = self.transactions.setdefault(key, str(len(self.transactions) + 1))
                return TransactionReply(
                    event.transaction_id or number, AuthorizationStatus.ACCEPTED, event.connector_id
                )
            case TransactionUpdated() | TransactionEnded():
                return TransactionReply(event.transaction_id, AuthorizationStatus.ACCEPTED)
        return None

    async def first(self, kind: type[E]) -> E:
        """The first event of a kind, once there is one."""
        async with asyncio.timeout(10), self.arrived:
            await self.arrived.wait_for(lambda: self.of(kind))
        return self.of(kind)[0]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


def broken() -> CpmsError:
    return CpmsError("The database cannot answer now.")


@asynccontextmanager
async def running(backend: MemoryBackend, **options: Any) -> AsyncIterator[StationServer]:
    """A server on a free port, with a clock that stands still."""
    server = StationServer(backend, ManualClock(NOW), PEPPER, port=0, options=ServerOptions(**options))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def basic(username: str, key: str | bytes) -> dict[str, str]:
    secret = key.encode() if isinstance(key, str) else key
    return {"Authorization": "Basic " + base64.b64encode(username.encode() + b":" + secret).decode()}


@dataclass
class Caller:
    """A station's side: calls and answers by hand, in order."""

    socket: ClientConnection
    accepts: dict[str, dict[str, Any]] = field(default_factory=dict)
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def call(self, action: str, payload: Any, message_id: str = "m") -> list[Any]:
        """The answer to a call; commands that come before it are answered on the way."""
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        return await self.next_answer()

    async def next_answer(self) -> list[Any]:
        while (frame := await self.next())[0] == 2:
            await self.answer(frame)
        return frame

    async def next(self) -> list[Any]:
        async with asyncio.timeout(10):
            return json.loads(await self.socket.recv())  # type: ignore[no-any-return]

    async def answer(self, frame: list[Any]) -> None:
        _, message_id, action, payload = frame
        self.commands.append((action, payload))
        answer = self.accepts.get(action, {"status": "Accepted"})
        await self.socket.send(json.dumps([3, message_id, answer]))

    async def boot(self) -> None:
        """Boot, and answer the question for capabilities that follows."""
        if self.socket.subprotocol == "ocpp1.6":
            answer = await self.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        else:
            station = {"vendorName": "V", "model": "M"}
            answer = await self.call("BootNotification", {"reason": "PowerUp", "chargingStation": station})
        assert answer[2]["status"] == "Accepted"
        await self.answer(await self.next())


@asynccontextmanager
async def station(
    server: StationServer, station_id: str, version: str = "1.6", key: str = KEY
) -> AsyncIterator[Caller]:
    url = f"ws://127.0.0.1:{server.port}/ocpp/{station_id}"
    subprotocol: Any = f"ocpp{version}"
    async with connect(url, subprotocols=[subprotocol], additional_headers=basic(station_id, key)) as socket:
        yield Caller(socket)
