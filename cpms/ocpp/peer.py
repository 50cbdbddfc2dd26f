"""A connected station in asyncio: reading never waits for handling, and its messages are handled one after the other."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Protocol

from cpms.domain.command import Command
from cpms.domain.errors import CpmsError
from cpms.domain.identity import StationCredentials
from cpms.domain.telemetry import (
    BootReply,
    CommandOutcome,
    CommandResult,
    Reply,
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationEvent,
)
from cpms.domain.time import Clock
from cpms.ocpp.station import Done, Notice, Output, Request, StationCore, Transmit, readable

log = logging.getLogger(__name__)

_MAX_WAITING = 64
"""Messages of one station that may wait to be handled; beyond it, its socket is not read until half of them are."""


class StationBackend(Protocol):
    """Whom the server serves; implemented by the composition root."""

    async def credentials(self, station_id: str) -> StationCredentials | None:
        """What a connecting station is checked against; None if it is unknown."""
        ...

    async def handle(self, event: StationEvent) -> Reply:
        """Take an event and say what the station is answered. A CpmsError becomes CALLERROR InternalError."""
        ...

    def raw(self, station_id: str, received_at: datetime, direction: str, text: str) -> None:
        """A message as it was on the wire; `direction` is "in" or "out"."""
        ...


class Wire(Protocol):
    """The socket of a station, as far as a Peer needs it."""

    def write(self, data: bytes) -> None:
        """Send a text frame at once and in order; whoever writes much awaits `drain` in between."""
        ...

    async def drain(self) -> None:
        """Wait until the station has taken enough of what was written."""
        ...

    def pause(self) -> None:
        """Read no further messages."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...


class Peer:
    """Runs a StationCore: its requests through the backend, its commands to whoever asked, its timer on real time."""

    def __init__(
        self, core: StationCore, backend: StationBackend, clock: Clock, wire: Wire, heartbeat_interval_s: int
    ) -> None:
        self.station_id = core.station_id
        self.message_count = 0
        self.finished = asyncio.Event()
        self._core = core
        self._backend = backend
        self._clock = clock
        self._wire = wire
        self._heartbeat_interval_s = heartbeat_interval_s
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Request | Notice | None] = asyncio.Queue()
        self._is_paused = False
        self._results: dict[int, asyncio.Future[CommandResult]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = True
        self._worker = asyncio.create_task(self._work(), name=f"station {self.station_id}")

    def connected(self) -> None:
        """Tell the backend that it is here, before anything that it sends."""
        self._arm()
        self._waiting.put_nowait(Notice(StationConnected(self.station_id, self._clock.now(), self._core.protocol)))

    def receive(self, data: bytes) -> None:
        """A message of the station. Never raises: a defect in reading costs one message, not the station."""
        self.message_count += 1
        try:
            now = self._clock.now()
            self._backend.raw(self.station_id, now, "in", readable(data))
            for output in self._core.receive(data, now, self._loop.time()):
                if isinstance(output, (Request, Notice)):
                    self._waiting.put_nowait(output)
                else:
                    self._apply(output)
        except Exception:  # the supervised boundary of reading
            log.exception("%s: a message could not be read", self.station_id)
        if not self._is_paused and self._waiting.qsize() >= _MAX_WAITING:
            self._is_paused = True
            self._wire.pause()
        self._arm()

    async def send(self, command: Command) -> CommandResult:
        """Have a command carried out; UNREACHABLE if the connection is gone before it was sent."""
        if not self._is_open:
            return CommandResult(CommandOutcome.UNREACHABLE, "the station is not connected")
        ticket, outputs = self._core.submit(command, self._clock.now(), self._loop.time())
        result: asyncio.Future[CommandResult] = self._loop.create_future()
        self._results[ticket] = result
        self._apply(*outputs)
        self._arm()
        return await result

    async def disconnected(self, reason: str) -> None:
        """Its connection is gone: finish what it sent, then tell the backend."""
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        self._apply(*self._core.close())
        self._waiting.put_nowait(Notice(StationDisconnected(self.station_id, self._clock.now(), reason)))
        self._waiting.put_nowait(None)
        await self._worker

    async def _work(self) -> None:
        try:
            while (item := await self._waiting.get()) is not None:
                await self._handle(item)
                if self._is_paused and self._waiting.qsize() <= _MAX_WAITING // 2:
                    self._is_paused = False
                    self._wire.resume()
        finally:
            self.finished.set()

    async def _handle(self, item: Request | Notice) -> None:
        try:
            reply = await self._backend.handle(item.event)
            if isinstance(item, Request):
                self._apply(*self._core.reply(item, self._or_default(item, reply), self._clock.now(), self._time_s()))
        except CpmsError as error:
            log.warning("%s: %s failed: %s", self.station_id, type(item.event).__name__, error)
            self._refuse(item, str(error))
        except Exception:  # the supervised boundary: a defect in handling costs one message, not the station
            log.exception("%s: %s failed", self.station_id, type(item.event).__name__)
            self._refuse(item, "internal error")
        self._arm()
        if self._is_open:
            await self._wire.drain()

    def _refuse(self, item: Request | Notice, problem: str) -> None:
        if isinstance(item, Request):
            self._apply(*self._core.refuse(item, problem, self._clock.now(), self._time_s()))

    def _or_default(self, request: Request, reply: Reply) -> Reply:
        if reply is None and isinstance(request.event, StationBooted):
            return BootReply(self._heartbeat_interval_s)
        return reply

    def _apply(self, *outputs: Output) -> None:
        for output in outputs:
            if isinstance(output, Transmit):
                if self._is_open:
                    self._backend.raw(self.station_id, self._clock.now(), "out", readable(output.data))
                    self._wire.write(output.data)
            elif isinstance(output, Done):
                result = self._results.pop(output.ticket)
                if not result.done():  # whoever asked may have given up
                    result.set_result(output.result)

    def _arm(self) -> None:
        """Set the timer to the core's next deadline."""
        deadline_s = self._core.deadline_s if self._is_open else None
        if self._timer is not None:
            if self._timer.when() == deadline_s and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None if deadline_s is None else self._loop.call_at(deadline_s, self._poll)

    def _poll(self) -> None:
        self._timer = None
        # A timer may fire a hair early; its own deadline counts as reached.
        real_s = max(self._time_s(), self._core.deadline_s or 0.0)
        self._apply(*self._core.poll(self._clock.now(), real_s))
        self._arm()

    def _time_s(self) -> float:
        return self._loop.time()
