"""What a controller learns and what may be written a moment later, in batches.

Losing it costs capacity, not safety: a boot is durable before its station is answered, and a restart asks the store.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from cpms.app.pending import Pending
from cpms.control.effects import RecordClock, RecordGrantStates, RecordQuarantine, SessionLearned
from cpms.domain.errors import CpmsError
from cpms.domain.grid import Grant, GrantState
from cpms.domain.identity import ConnectorKey
from cpms.domain.station_clock import StationClock
from cpms.domain.telemetry import Alarm
from cpms.domain.time import Clock
from data.store import Store

WRITE_EVERY_REAL_S = 0.25
WRITE_WITHIN_REAL_S = 30.0
MOST_ALARMS = 1000
log = logging.getLogger(__name__)


class Books:
    """Pending grants that only lower, grant states, quarantines, clocks, session progress and alarms of one site."""

    def __init__(self, store: Store, site_id: str, clock: Clock) -> None:
        self._site_id = site_id
        self._numbers = itertools.count()
        self._grants: Pending[str, Grant] = Pending(lambda grants: store.store_grants(list(grants.values())))
        self._states: Pending[str, GrantState] = Pending(store.set_grant_states)
        self._quarantines: Pending[ConnectorKey, bool] = Pending(store.set_quarantines)
        self._clocks: Pending[str, StationClock] = Pending(lambda clocks: store.record_clocks(clocks, clock.now()))
        self._sessions: Pending[str, SessionLearned] = Pending(lambda learned: _note_progress(store, learned))
        self._alarms: Pending[int, Alarm] = Pending(
            lambda alarms: store.record_alarms(list(alarms.values())), MOST_ALARMS
        )

    def grants(self, grants: Iterable[Grant]) -> None:
        """Note grants that were sent already."""
        self._grants.add({grant.id: grant for grant in grants})

    def note(self, learned: RecordGrantStates | RecordQuarantine | RecordClock | SessionLearned) -> None:
        """Note what became of grants, who is quarantined, how far off a clock is, how far a session is."""
        match learned:
            case RecordGrantStates(states):
                self._states.add(states)
            case RecordQuarantine(connector, quarantined):
                self._quarantines.add({connector: quarantined})
            case RecordClock(station_id, clock):
                self._clocks.add({station_id: clock})
            case SessionLearned():
                self._sessions.add({learned.session_id: learned})

    def alarm(self, alarm: Alarm) -> None:
        """Note an alarm."""
        self._alarms.add({next(self._numbers): alarm})

    async def keep(self) -> None:
        """Write for ever."""
        while True:
            await asyncio.sleep(WRITE_EVERY_REAL_S)
            try:
                async with asyncio.timeout(WRITE_WITHIN_REAL_S):
                    await self.write()
            except (CpmsError, TimeoutError) as error:
                log.warning("site %s: written later: %r", self._site_id, error)

    async def write(self) -> None:
        """Write what is pending: no grant's state before a grant that may have made it so."""
        books: tuple[Pending[Any, Any], ...] = (
            self._grants, self._states, self._quarantines, self._clocks, self._sessions, self._alarms,
        )  # fmt: skip
        for pending, entries in [(pending, pending.waiting()) for pending in books]:
            await pending.write(entries)


async def _note_progress(store: Store, learned: Mapping[str, SessionLearned]) -> None:
    await store.note_session_progress(
        [(s.session_id, s.energy_kwh, s.state, s.active_phases) for s in learned.values()]
    )
