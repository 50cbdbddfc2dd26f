"""The socket of a virtual station: connects, authenticates, carries frames, reconnects with growing pauses (real time)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import random
from collections.abc import Callable
from datetime import datetime

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from cpms.simulation.station import VirtualStation

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
ANSWER_WITHIN_S = 30.0
log = logging.getLogger(__name__)


class StationClient:
    """Keeps `station` connected to `url` (`ws://host:port/ocpp`) until cancelled.

    `live`: moves the world to the present and returns that instant; called before every frame is applied, so that what
    a frame changes takes effect when it arrives.
    """

    def __init__(self, station: VirtualStation, url: str, key: str | None, live: Callable[[], datetime]) -> None:
        self.station = station
        self.connections = 0
        self._url = f"{url}/{station.station.id}"
        self._headers = {} if key is None else {"Authorization": _basic(station.station.id, key)}
        self._live = live
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something may be waiting to be sent."""
        self._wake.set()

    async def run(self) -> None:
        """Connect and serve the connection, again and again."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with self._connect() as socket:
                    pause_s = FIRST_PAUSE_S
                    await self._serve(socket)
            except (OSError, TimeoutError, WebSocketException) as problem:
                level = logging.WARNING if isinstance(problem, InvalidHandshake) else logging.DEBUG
                log.log(level, "%s: %s", self.station.station.id, problem)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  spreads reconnects, no secret
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _connect(self) -> connect:
        return connect(
            self._url,
            subprotocols=[Subprotocol(self.station.dialect.subprotocol)],
            additional_headers=self._headers,
            compression=None,
            open_timeout=10,
            close_timeout=1,
            ping_interval=None,
            proxy=None,
        )

    async def _serve(self, socket: ClientConnection) -> None:
        self.connections += 1
        self.station.connected(self._live())
        writer = asyncio.create_task(self._write(socket))
        try:
            async for text in socket:
                await self._read(socket, str(text))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self.station.disconnected(self._live())

    async def _read(self, socket: ClientConnection, text: str) -> None:
        answer = self.station.receive(text, self._live())
        if answer is not None:
            await socket.send(answer)
        self.wake()

    async def _write(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        sent_at_s = loop.time()
        while True:
            self._wake.clear()
            frame = self.station.next_frame(self._live())
            if frame is not None:
                await socket.send(frame)
                sent_at_s = loop.time()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_WITHIN_S):  # wait_for would lose a cancellation (Python 3.11)
                    await self._wake.wait()
            if self.station.outbox.unanswered and loop.time() - sent_at_s > ANSWER_WITHIN_S:
                await socket.close(1002, "no answer")
                return


def _basic(station_id: str, key: str) -> str:
    return "Basic " + base64.b64encode(f"{station_id}:{key}".encode()).decode()
