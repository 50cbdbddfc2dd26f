"""Connections that have not said yet what they want: how many there may be for long, however many come."""

from __future__ import annotations

import asyncio


class Openings:
    """Of more than `most` those that have hesitated for `grace_s` [s] make room, the oldest first. Who knows what it wants says so in
    an instant; but thousands may come at once after an outage, and they all know."""

    def __init__(self, most: int, grace_s: float = 2.0) -> None:
        self._most = most
        self._grace_s = grace_s
        self._loop = asyncio.get_running_loop()
        self._since_s: dict[asyncio.Transport, float] = {}
        self._next: asyncio.TimerHandle | None = None

    def enter(self, transport: asyncio.Transport) -> None:
        """A connection was opened."""
        self._since_s[transport] = self._loop.time()
        if self._next is None:
            self._make_room()

    def leave(self, transport: asyncio.Transport) -> None:
        """It has said what it wants, or is gone."""
        self._since_s.pop(transport, None)

    def _make_room(self) -> None:
        self._next = None
        while len(self._since_s) > self._most:
            oldest, since_s = next(iter(self._since_s.items()))
            if since_s + self._grace_s > self._loop.time():
                self._next = self._loop.call_at(since_s + self._grace_s, self._make_room)
                return
            del self._since_s[oldest]
            oldest.abort()
