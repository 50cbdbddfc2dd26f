"""What a controller learns and what may be written a moment later, in batches.

Losing it costs capacity, not safety: a boot is durable before its station is answered, and a restart asks the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from cpms.control.effects import SessionLearned
from cpms.domain.errors import CpmsError
from cpms.domain.grid import GrantState
from cpms.domain.telemetry import Alarm
from data.store import Store

WRITE_EVERY_REAL_S = 0.25
MOST_ALARMS = 1000
log = logging.getLogger(__name__)


@dataclass
class Books:
    """Pending grant states, session progress and alarms of one site."""

    store: Store
    site_id: str
    _states: dict[str, GrantState] = field(default_factory=dict)
    _sessions: dict[str, SessionLearned] = field(default_factory=dict)
    _alarms: list[Alarm] = field(default_factory=list)

    def grant_states(self, states: Mapping[str, GrantState]) -> None:
        """Note what became of grants."""
        self._states.update(states)

    def session(self, learned: SessionLearned) -> None:
        """Note a session's progress; the latest counts."""
        self._sessions[learned.session_id] = learned

    def alarm(self, alarm: Alarm) -> None:
        """Note an alarm."""
        self._alarms.append(alarm)

    async def keep(self) -> None:
        """Write for ever."""
        while True:
            await asyncio.sleep(WRITE_EVERY_REAL_S)
            try:
                await self.write()
            except CpmsError as error:
                log.warning("site %s: written later: %s", self.site_id, error)

    async def write(self) -> None:
        """Write what is pending; what cannot be written stays pending."""
        if self._states:
            states, self._states = self._states, {}
            try:
                await self.store.set_grant_states(states)
            except BaseException:
                self._states = states | self._states
                raise
        if self._sessions:
            sessions, self._sessions = self._sessions, {}
            progress = [(s.session_id, s.energy_kwh, s.state, s.active_phases) for s in sessions.values()]
            try:
                await self.store.note_session_progress(progress)
            except BaseException:
                self._sessions = sessions | self._sessions
                raise
        if self._alarms:
            alarms, self._alarms = self._alarms[-MOST_ALARMS:], []
            try:
                await self.store.record_alarms(alarms)
            except BaseException:
                self._alarms = alarms + self._alarms
                raise
