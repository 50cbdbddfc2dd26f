"""What a controller learns and what may be written a moment later, in batches.

Losing it costs capacity, not safety: a boot is durable before its station is answered, and a restart asks the store.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from cpms.control.effects import SessionLearned
from cpms.domain.errors import CpmsError
from cpms.domain.grid import GrantState
from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import Alarm
from data.store import Store

WRITE_EVERY_REAL_S = 0.25
MOST_ALARMS = 1000
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

    async def write(self) -> None:
        """Write what waits; what cannot be written goes on waiting."""
        written = dict(self._entries)
        if not written:
            return
        await self._store(written)
        for key, entry in written.items():
            if self._entries.get(key) is entry:
                del self._entries[key]


class Books:
    """Pending grant states, quarantines, session progress and alarms of one site."""

    def __init__(self, store: Store, site_id: str) -> None:
        self._site_id = site_id
        self._numbers = itertools.count()
        self._states: Pending[str, GrantState] = Pending(store.set_grant_states)
        self._quarantines: Pending[ConnectorKey, bool] = Pending(store.set_quarantines)
        self._sessions: Pending[str, SessionLearned] = Pending(lambda learned: _note_progress(store, learned))
        self._alarms: Pending[int, Alarm] = Pending(
            lambda alarms: store.record_alarms(list(alarms.values())), MOST_ALARMS
        )

    def grant_states(self, states: Mapping[str, GrantState]) -> None:
        """Note what became of grants."""
        self._states.add(states)

    def quarantine(self, connector: ConnectorKey, quarantined: bool) -> None:
        """Note that a connector is quarantined, or no longer."""
        self._quarantines.add({connector: quarantined})

    def session(self, learned: SessionLearned) -> None:
        """Note a session's progress."""
        self._sessions.add({learned.session_id: learned})

    def alarm(self, alarm: Alarm) -> None:
        """Note an alarm."""
        self._alarms.add({next(self._numbers): alarm})

    async def keep(self) -> None:
        """Write for ever."""
        while True:
            await asyncio.sleep(WRITE_EVERY_REAL_S)
            try:
                await self.write()
            except CpmsError as error:
                log.warning("site %s: written later: %s", self._site_id, error)

    async def write(self) -> None:
        """Write what is pending."""
        for pending in (self._states, self._quarantines, self._sessions, self._alarms):
            await pending.write()


async def _note_progress(store: Store, learned: Mapping[str, SessionLearned]) -> None:
    await store.note_session_progress(
        [(s.session_id, s.energy_kwh, s.state, s.active_phases) for s in learned.values()]
    )
