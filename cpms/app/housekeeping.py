"""What is written or forgotten now and then, for the whole process: when stations were last heard, the energy of quarter hours, and
what need not be kept."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from cpms.app.pending import Pending
from cpms.domain.errors import CpmsError
from cpms.domain.time import Clock, floor_time
from data.quarter_energy import QUARTER_S
from data.store import Store

log = logging.getLogger(__name__)

NOTE_EVERY_REAL_S = 5.0
WITHIN_REAL_S = 60.0
FORGET_EVERY_S = 6 * 3600.0
RECKON_EVERY_S = 300.0
SHORTEST_PAUSE_REAL_S = 1.0
SETTLED_AFTER = timedelta(minutes=2)
"""So long after its end most stations have told all of a quarter hour; what comes later is reckoned later."""


@dataclass(frozen=True)
class Keeping:
    """How long [days] raw messages, the past of controlling and samples are kept; samples None: for ever."""

    raw_messages_days: float
    control_history_days: float
    samples_days: float | None = None


class Housekeeping:
    """Three tasks, each supervised by its caller."""

    def __init__(self, store: Store, clock: Clock, keeping: Keeping) -> None:
        self._store = store
        self._clock = clock
        self._keeping = keeping
        self._seen: Pending[str, datetime] = Pending(store.record_seen)

    def heard(self, station_id: str, at: datetime) -> None:
        """A station said something, if only that it lives."""
        self._seen.add({station_id: at})

    async def note_seen(self) -> None:
        """Keep when stations were last heard, for ever."""
        while True:
            await asyncio.sleep(NOTE_EVERY_REAL_S)
            try:
                async with asyncio.timeout(WITHIN_REAL_S):
                    await self._seen.write(self._seen.waiting())
            except (CpmsError, TimeoutError) as error:
                log.warning("when stations were last heard is kept later: %r", error)

    async def forget(self) -> None:
        """Forget what is old enough, for ever."""
        while True:
            now = self._clock.now()
            await self._store.forget_raw_messages(now - timedelta(days=self._keeping.raw_messages_days))
            await self._store.forget_control_history(now - timedelta(days=self._keeping.control_history_days))
            if self._keeping.samples_days is not None:
                await self._store.reckon_energy(now)  # from samples that may go now
                await self._store.forget_samples(now - timedelta(days=self._keeping.samples_days))
            await self._clock.sleep(FORGET_EVERY_S)

    async def reckon_energy(self) -> None:
        """Reckon the energy of quarter hours that are over, for ever."""
        while True:
            now = self._clock.now()
            await self._store.reckon_energy(floor_time(now - SETTLED_AFTER, QUARTER_S))
            await asyncio.gather(self._clock.sleep(RECKON_EVERY_S), asyncio.sleep(SHORTEST_PAUSE_REAL_S))
