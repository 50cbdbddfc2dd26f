"""The stations' WebSocket server: the only module that opens a socket to stations.

Everything that protects a connection (opening, pings, call timeouts, settling) runs on the event loop's own time;
everything with meaning (when a message came, when a schedule starts) on the injected clock.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass
from functools import partial

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from cpms.domain.command import Command
from cpms.domain.telemetry import CommandOutcome, CommandResult
from cpms.domain.time import Clock
from cpms.ocpp.connection import StationConnection
from cpms.ocpp.context import Dialect, StationMemory
from cpms.ocpp.door import Door, Opening
from cpms.ocpp.handshake import SUBPROTOCOLS, Refused
from cpms.ocpp.openings import Openings
from cpms.ocpp.peer import Peer, StationBackend
from cpms.ocpp.station import StationCore
from cpms.ocpp.v16.dialect import V16
from cpms.ocpp.v201.dialect import V201

__all__ = ["ServerOptions", "StationBackend", "StationServer"]

log = logging.getLogger(__name__)

DIALECTS: dict[str, Dialect] = {dialect.protocol: dialect for dialect in (V16(), V201())}
_REPLACED = 4000
"""Close code of a connection that a newer one of the same station replaces (private range of RFC 6455)."""
_NOT_WANTED = 1008
"""Close code of a connection that is not wanted any more: policy violation."""


@dataclass(frozen=True)
class ServerOptions:
    """How connections are protected, in seconds of the machine [s]; `ping_interval_s` 0: no pings. `max_openings`: how many may
    be open for longer than `opening_grace_s` that have not said yet what they want."""

    heartbeat_interval_s: int = 300
    call_timeout_s: float = 30.0
    settle_s: float = 0.2
    open_timeout_s: float = 30.0
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 20.0
    close_timeout_s: float = 3.0
    max_message_bytes: int = 1 << 20
    concurrent_handshakes: int = 64
    max_openings: int = 1000
    opening_grace_s: float = 2.0
    backlog: int = 2048


@dataclass
class _Link:
    """A station's present connection, and its last ping while that is unanswered."""

    connection: StationConnection
    peer: Peer
    pinged_s: float
    ping: asyncio.Task[None] | None = None
    messages_then: int = 0


class StationServer:
    """Accepts stations at `/ocpp/{station_id}`, hands what they say to the backend, and sends them commands."""

    def __init__(
        self,
        backend: StationBackend,
        clock: Clock,
        pepper: bytes,
        host: str = "127.0.0.1",
        port: int = 9000,
        options: ServerOptions | None = None,
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._address = (host, port)
        self._options = options or ServerOptions()
        self._door = Door(backend, clock, pepper, self._options.concurrent_handshakes)
        self._links: dict[str, _Link] = {}
        self._memories: dict[str, StationMemory] = {}
        self._connection_count = 0
        self._message_count = 0
        self._server: Server | None = None
        self._pinger: asyncio.Task[None] | None = None

    async def start(self, door: socket.socket | None = None) -> None:
        """Listen on a socket that is bound, or else on host and port: OSError if the port is taken."""
        options = self._options
        openings = Openings(options.max_openings, options.opening_grace_s)
        self._server = await serve(
            self._connected,
            *((None, None) if door else self._address),
            sock=door,
            subprotocols=[Subprotocol(name) for name in SUBPROTOCOLS],
            compression=None,
            process_request=self._judge,
            server_header=None,
            open_timeout=options.open_timeout_s,
            ping_interval=None,  # one task pings all
            close_timeout=options.close_timeout_s,
            max_size=options.max_message_bytes,
            backlog=options.backlog,
            create_connection=partial(StationConnection, openings=openings),  # type: ignore[arg-type]  # it is only called
        )
        self._pinger = asyncio.create_task(self._watch(), name="pings of stations")

    async def stop(self) -> None:
        """Close every connection, and return once what they sent is handled."""
        if self._server is None or self._pinger is None:
            return
        self._pinger.cancel()
        self._server.close()
        await self._server.wait_closed()
        self._server = self._pinger = None

    @property
    def port(self) -> int:
        """The port it listens on. RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the station server is not started")
        return int(next(iter(self._server.sockets)).getsockname()[1])

    @property
    def connected(self) -> frozenset[str]:
        """Ids of the stations that are connected now."""
        return frozenset(self._links)

    def health(self) -> dict[str, object]:
        """Counters since the start, and the last refused connections, for operators."""
        return {
            "connected": len(self._links),
            "connections": self._connection_count,
            "messages": self._message_count + sum(link.peer.message_count for link in self._links.values()),
            "refused": self._door.refused_count,
            "last_refusals": list(self._door.last_refusals),
        }

    async def send(self, station_id: str, command: Command) -> CommandResult:
        """Have a station carry out a command. Never raises for what the station does or does not do."""
        link = self._links.get(station_id)
        if link is None:
            return CommandResult(CommandOutcome.UNREACHABLE, "the station is not connected")
        return await link.peer.send(command)

    async def disconnect(self, station_id: str, reason: str) -> None:
        """End a station's connection, if there is one, once what it sent is handled."""
        if (link := self._links.get(station_id)) is not None:
            await _end(link, _NOT_WANTED, reason)

    async def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, StationConnection)  # noqa: S101  made by create_connection
        connection.asked()
        address = connection.remote_address
        opening = Opening(
            str(address[0]) if address else "unknown",
            request.path,
            next(iter(request.headers.get_all("Authorization")), None),
            tuple(_split(request.headers.get_all("Sec-WebSocket-Protocol"))),
        )
        try:
            connection.username = await self._door.admit(opening)
        except Refused as refused:
            response = connection.respond(refused.status, refused.reason + "\n")
            if refused.status == 401:
                response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
            return response
        return None

    async def _connected(self, connection: ServerConnection) -> None:
        assert isinstance(connection, StationConnection)  # noqa: S101  made by create_connection
        link = self._link(connection.username, connection)
        peer = link.peer
        before = self._links.get(peer.station_id)
        self._links[peer.station_id] = link
        self._connection_count += 1
        try:
            if before is not None:
                await _end(before, _REPLACED, "replaced by a newer connection")
            peer.connected()
            connection.attach(peer.receive)
            await connection.wait_closed()
        finally:
            self._message_count += peer.message_count
            if self._links.get(peer.station_id) is link:
                del self._links[peer.station_id]
            await peer.disconnected(f"{connection.close_code} {connection.close_reason or ''}".strip())

    def _link(self, station_id: str, connection: StationConnection) -> _Link:
        core = StationCore(
            station_id,
            DIALECTS[str(connection.subprotocol)],
            self._memories.setdefault(station_id, StationMemory()),
            _time_s(),
            settle_s=self._options.settle_s,
            call_timeout_s=self._options.call_timeout_s,
        )
        peer = Peer(core, self._backend, self._clock, connection, self._options.heartbeat_interval_s)
        return _Link(connection, peer, _time_s())

    async def _watch(self) -> None:
        """Ping every connection, and give up on those that are half open: one task instead of one per connection."""
        interval_s = self._options.ping_interval_s
        while True:
            await asyncio.sleep(min(1.0, interval_s / 4) if interval_s else 1.0)
            self._door.attempts.forget(_time_s())
            for link in list(self._links.values()) if interval_s else ():
                self._ping(link)

    def _ping(self, link: _Link) -> None:
        waited_s = _time_s() - link.pinged_s
        if link.ping is not None and (link.ping.done() or link.peer.message_count > link.messages_then):
            link.ping = None
        if link.ping is not None and waited_s >= self._options.ping_timeout_s:
            log.info("%s: no answer to pings, connection given up", link.peer.station_id)
            link.connection.transport.abort()
        elif link.ping is None and waited_s >= self._options.ping_interval_s:
            link.pinged_s, link.messages_then = _time_s(), link.peer.message_count
            link.ping = asyncio.create_task(_round_trip(link.connection))


async def _round_trip(connection: ServerConnection) -> None:
    try:
        await (await connection.ping())
    except ConnectionClosed:
        return


async def _end(link: _Link, code: int, reason: str) -> None:
    """End a connection at once, also one that is half open, and wait until what it sent is handled: in order."""
    log.info("%s: connection ended: %s", link.peer.station_id, reason)
    if link.connection.state is State.OPEN:
        link.connection.protocol.send_close(code, reason)
        link.connection.send_data()
    link.connection.transport.abort()
    await link.peer.finished.wait()


def _split(values: list[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _time_s() -> float:
    return asyncio.get_running_loop().time()
