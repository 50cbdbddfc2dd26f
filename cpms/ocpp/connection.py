"""A station's WebSocket connection: hands messages over as they arrive, and writes without waiting.

Nothing that one station does may hurt another: what comes in a burst is read a little at a time, what waits is bounded, and who
does not take its answers is not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event, State

from cpms.ocpp.openings import Openings

_MAX_EARLY = 16
_PIECE_BYTES = 4096
"""So much is read of one station before others have their turn: about a hundred of the smallest messages."""


class StationConnection(ServerConnection):
    """A connection whose messages go, as bytes, to the receiver that is attached to it; until then they are kept.

    Handing them over as they arrive, instead of having them fetched, saves a task switch per message; and what is not UTF-8
    is an unreadable message like any other, not the end of the connection.
    """

    def __init__(self, *args: Any, openings: Openings, **options: Any) -> None:
        super().__init__(*args, **options)
        self._openings = openings
        self._receiver: Callable[[bytes], None] | None = None
        self._early: list[bytes] = []
        self._fragments = bytearray()
        self._unread = bytearray()
        self._holds: set[str] = set()

    def asked(self) -> None:
        """Its opening request has arrived: it does not hesitate, however long it waits for the answer."""
        self._openings.leave(self.transport)

    def attach(self, receiver: Callable[[bytes], None]) -> None:
        """From now on `receiver` gets every message, first those that came before."""
        self._receiver = receiver
        early, self._early = self._early, []
        for message in early:
            receiver(message)
        self._release("early")

    def write(self, data: bytes) -> None:
        """Send a text frame at once and in order, unless the connection is closing."""
        if self.state is State.OPEN:
            self.protocol.send_text(data)
            self.send_data()

    def pause(self) -> None:
        """Read nothing further."""
        self._hold("handling")

    def resume(self) -> None:
        """Read on."""
        self._release("handling")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio's interface to protocols, as the next five."""
        self._openings.enter(cast(asyncio.Transport, transport))
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """What came before the end is still read."""
        self._openings.leave(self.transport)
        self._read_rest()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """What came before the end is still read."""
        self._read_rest()
        super().eof_received()

    def pause_writing(self) -> None:
        """The station does not take what it is sent: it is not read either, so that answers do not pile up."""
        super().pause_writing()
        self._hold("writing")

    def resume_writing(self) -> None:
        """It takes it again."""
        super().resume_writing()
        self._release("writing")

    def data_received(self, data: bytes) -> None:
        """Take bytes, a piece at a time."""
        self._unread += data
        if not self._holds:
            self._read_on()

    def process_event(self, event: Event) -> None:
        """Take a frame; part of websockets' interface to its connections."""
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self._fragments += event.data
            if event.fin:
                message, self._fragments = bytes(self._fragments), bytearray()
                self._deliver(message)
        else:
            super().process_event(event)

    def _deliver(self, message: bytes) -> None:
        if self._receiver is not None:
            self._receiver(message)
            return
        self._early.append(message)
        if len(self._early) >= _MAX_EARLY:
            self._hold("early")

    def _read_on(self) -> None:
        """Read a piece, and leave the rest for the next turn of the event loop."""
        self._holds.discard("turn")
        if self._holds:
            return
        if self._unread:
            piece = bytes(self._unread[:_PIECE_BYTES])
            del self._unread[:_PIECE_BYTES]
            super().data_received(piece)
        if self._unread:
            self._hold("turn")
            self.loop.call_soon(self._read_on)
        else:
            self._flow()

    def _read_rest(self) -> None:
        if self._unread:
            rest, self._unread = bytes(self._unread), bytearray()
            super().data_received(rest)

    def _hold(self, reason: str) -> None:
        self._holds.add(reason)
        self._flow()

    def _release(self, reason: str) -> None:
        if reason in self._holds:
            self._holds.discard(reason)
            if not self._holds:
                self._read_on()

    def _flow(self) -> None:
        """Have the transport read, or not."""
        if not self.transport.is_closing():
            if self._holds:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()
