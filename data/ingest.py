"""Telemetry in batches: adding is cheap and synchronous, storing happens a few times a second.

A batch costs one commit whatever its size; a commit per sample would cost a hundred times as much. What is added is in
memory until the next flush: nothing that bills comes this way (transaction messages do not), and who must know that a
sample is on disk awaits `flush()`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Generic, TypeVar

from cpms.domain.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from cpms.domain.telemetry import Sample
from data.sanitise import Quarantined, sort_out
from data.series import RawMessage
from data.store import Store

log = logging.getLogger(__name__)
T = TypeVar("T")

_BATCH_ROWS = 5_000
_LONGEST_PAUSE_S = 5.0
_REFUSALS = (InvalidInput, Conflict, NotFound)


@dataclass(frozen=True)
class IngestHealth:
    """`ok`: the last flush succeeded and there is room. `counters`: rows by what became of them; `buffered` is of now."""

    ok: bool
    detail: str
    counters: dict[str, float]


@dataclass
class _Buffer(Generic[T]):
    """Rows waiting, which weigh at most `capacity`."""

    capacity: int
    weigh: Callable[[Sequence[T]], int] = len
    rows: list[T] = field(default_factory=list)
    weight: int = 0
    refused: int = 0

    def add(self, rows: Sequence[T]) -> bool:
        """Take all of `rows`, or none and False if they do not fit."""
        weight = self.weigh(rows)
        fits = self.weight + weight <= self.capacity
        if fits:
            self.rows.extend(rows)
            self.weight += weight
        else:
            self.refused += len(rows)
        return fits

    def drop(self, count: int) -> None:
        """Let the oldest go."""
        self.weight -= self.weigh(self.rows[:count])
        del self.rows[:count]


class SampleIngest:
    """Buffers samples and raw messages and stores them every `flush_interval_s` [s], while it is entered.

    While the database does not answer, rows are kept and tried again. Both buffers are bounded, that of samples in rows, that of raw
    messages in characters (a message may have a million): a full one refuses, and says so by `add` (back-pressure: do not
    acknowledge what was refused, or await `room()` first) and in `health()`.
    """

    def __init__(
        self, store: Store, flush_interval_s: float = 0.2, capacity: int = 200_000, raw_capacity: int = 100_000_000
    ) -> None:
        self._store = store
        self._flush_interval_s = flush_interval_s
        self._samples: _Buffer[Sample] = _Buffer(capacity)
        self._raw: _Buffer[RawMessage] = _Buffer(raw_capacity, _characters)
        self._flushing = asyncio.Lock()
        self._drained = asyncio.Condition()
        self._problem = ""
        self._stored = {"samples": 0, "raw_messages": 0, "quarantined": 0}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> SampleIngest:
        self._task = asyncio.create_task(self._run(), name="ingest")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.flush()
        except StoreUnavailable as unavailable:
            log.error("%d samples could not be stored at the end: %s", len(self._samples.rows), unavailable)

    def add(self, samples: Sequence[Sample]) -> bool:
        """Take samples; False, and none is taken, if there is no room."""
        return self._samples.add(samples)

    def add_raw(self, station_id: str, received_at: datetime, direction: str, text: str) -> bool:
        """Take a frame, `direction` "in" or "out" (else InvalidInput); False, and it is not taken, if there is no room."""
        if direction not in {"in", "out"}:
            raise InvalidInput("direction", f"{direction!r} is none", "use in or out")
        return self._raw.add([RawMessage(station_id, received_at, direction, text)])

    async def room(self) -> None:
        """Wait until the buffer of samples is less than half full."""
        async with self._drained:
            await self._drained.wait_for(lambda: len(self._samples.rows) * 2 < self._samples.capacity)

    async def flush(self) -> None:
        """Store everything added before the call. StoreUnavailable if the database does not answer; nothing is lost then."""
        async with self._flushing:
            await self._drain(self._samples, self._store_samples)
            await self._drain(self._raw, self._store_raw)
            self._problem = ""

    def health(self) -> IngestHealth:
        """How it goes."""
        refused = self._samples.refused + self._raw.refused
        full = len(self._samples.rows) * 2 >= self._samples.capacity
        detail = self._problem or (f"{len(self._samples.rows)} samples wait, more than half the room" if full else "")
        counters = {"buffered": len(self._samples.rows) + len(self._raw.rows), "refused": refused, **self._stored}
        return IngestHealth(not detail, detail, {name: float(value) for name, value in counters.items()})

    async def _run(self) -> None:
        pause_s = self._flush_interval_s
        while True:
            await asyncio.sleep(pause_s)
            pause_s = self._flush_interval_s if await self._attempt() else min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _attempt(self) -> bool:
        """The supervised boundary of the task: whatever a flush fails of is logged and shown, and tried again."""
        try:
            await self.flush()
        except Exception as error:
            if not self._problem:
                log.exception("telemetry cannot be stored; it is kept and tried again")
            self._problem = f"telemetry cannot be stored: {error}"
            return False
        return True

    async def _drain(self, buffer: _Buffer[T], store: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        """Store a buffer's rows in batches; a batch leaves the buffer when it is stored."""
        waiting = len(buffer.rows)
        while waiting > 0:
            batch = buffer.rows[: min(waiting, _BATCH_ROWS)]
            await store(batch)
            buffer.drop(len(batch))
            waiting -= len(batch)
            async with self._drained:
                self._drained.notify_all()

    async def _store_samples(self, batch: Sequence[Sample]) -> None:
        good, bad = sort_out(batch)
        try:
            await self._store.add_samples(good, bad)
        except _REFUSALS as refusal:
            await self._store_halves(good, bad, str(refusal))
        else:
            self._stored["samples"] += len(good)
            self._stored["quarantined"] += len(bad)

    async def _store_halves(self, good: list[Sample], bad: list[Quarantined], refusal: str) -> None:
        """What the database refuses though it looked good is found by halving, and quarantined alone."""
        if len(good) <= 1:
            bad = [*bad, *(Quarantined(sample, refusal) for sample in good)]
            await self._store.add_samples((), bad)
            self._stored["quarantined"] += len(bad)
            return
        await self._store.add_samples((), bad)
        self._stored["quarantined"] += len(bad)
        middle = len(good) // 2
        await self._store_samples(good[:middle])
        await self._store_samples(good[middle:])

    async def _store_raw(self, batch: Sequence[RawMessage]) -> None:
        await self._store.add_raw_messages(batch)
        self._stored["raw_messages"] += len(batch)


def _characters(messages: Sequence[RawMessage]) -> int:
    return sum(len(message.text) + 100 for message in messages)
