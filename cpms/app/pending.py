"""What waits to be written in batches."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from cpms.domain.errors import CpmsError, StoreUnavailable

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")


class Pending(Generic[K, V]):
    """Entries that wait to be written, the latest of each key; what was written leaves, unless it changed meanwhile."""

    def __init__(self, store: Callable[[Mapping[K, V]], Awaitable[None]], most: int | None = None) -> None:
        self._store = store
        self._most = most
        self._entries: dict[K, V] = {}

    def add(self, entries: Mapping[K, V]) -> None:
        """Note entries; beyond `most` the oldest are forgotten."""
        self._entries.update(entries)
        while self._most is not None and len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]

    def waiting(self) -> Mapping[K, V]:
        """What waits now."""
        return dict(self._entries)

    async def write(self, entries: Mapping[K, V]) -> None:
        """Write `entries` of those that wait. While the database does not answer (StoreUnavailable) they go on waiting; what it
        refuses for good is dropped."""
        if not entries:
            return
        try:
            await self._store(entries)
        except StoreUnavailable:
            raise
        except CpmsError:
            await self._write_singly(entries)
        for key, entry in entries.items():
            if self._entries.get(key) is entry:
                del self._entries[key]

    async def _write_singly(self, entries: Mapping[K, V]) -> None:
        for key, entry in entries.items():
            try:
                await self._store({key: entry})
            except StoreUnavailable:
                raise
            except CpmsError as refusal:
                log.error("dropped, the database refuses it: %s: %s", entry, refusal)
