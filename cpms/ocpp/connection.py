"""A station's WebSocket connection: hands messages over as they arrive, and writes without waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event, State

_MAX_EARLY = 16


class StationConnection(ServerConnection):
    """A connection whose messages go, as bytes, to the receiver that is attached to it; until then they are kept.

    Handing them over as they arrive, instead of having them fetched, saves a task switch per message; and what is not UTF-8
    is an unreadable message like any other, not the end of the connection.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._receiver: Callable[[bytes], None] | None = None
        self._early: list[bytes] = []
        self._fragments: list[bytes] = []

    def attach(self, receiver: Callable[[bytes], None]) -> None:
        """From now on `receiver` gets every message, first those that came before."""
        self._receiver = receiver
        early, self._early = self._early, []
        for message in early:
            receiver(message)
        self.resume()

    def write(self, data: bytes) -> None:
        """Send a text frame at once and in order, unless the connection is closing."""
        if self.state is State.OPEN:
            self.protocol.send_text(data)
            self.send_data()

    def pause(self) -> None:
        """Read nothing further."""
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def process_event(self, event: Event) -> None:
        """Take a frame; part of websockets' interface to its connections."""
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self._fragments.append(bytes(event.data))
            if event.fin:
                message = self._fragments[0] if len(self._fragments) == 1 else b"".join(self._fragments)
                self._fragments.clear()
                self._deliver(message)
        else:
            super().process_event(event)

    def _deliver(self, message: bytes) -> None:
        if self._receiver is not None:
            self._receiver(message)
            return
        self._early.append(message)
        if len(self._early) >= _MAX_EARLY:
            self.pause()
