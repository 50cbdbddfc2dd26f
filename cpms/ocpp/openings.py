"""Connections that have not said yet what they want: how many there may be, however many come."""

from __future__ import annotations

import asyncio


class Openings:
    """At most `most` at a time; the one that has hesitated longest makes room. Who knows what it wants says so in an instant."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[asyncio.Transport, None] = {}

    def enter(self, transport: asyncio.Transport) -> None:
        """A connection was opened."""
        self._waiting[transport] = None
        if len(self._waiting) > self._most:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.abort()

    def leave(self, transport: asyncio.Transport) -> None:
        """It has said what it wants, or is gone."""
        self._waiting.pop(transport, None)
