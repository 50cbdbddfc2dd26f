"""The shell around one site's controller: feeds it events in order and carries out what it wants."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import optimizer
from cpms.app.books import Books
from cpms.app.planner import Workers
from cpms.app.restore import restore_controller
from cpms.control.controller import NOT_DURABLE, SUPERSEDED, SiteController
from cpms.control.effects import (
    AskPlan,
    Effect,
    RaiseAlarm,
    RecordClock,
    RecordGrants,
    RecordGrantStates,
    RecordQuarantine,
    SendGrant,
    SessionLearned,
    StoreGrants,
)
from cpms.control.events import ClockSet, ControlEvent, GrantAnswered, PlanArrived, PlanFailed, Tick
from cpms.control.settings import ControlSettings
from cpms.control.state import SiteState
from cpms.domain import errors
from cpms.domain.command import Command, InstallGrant
from cpms.domain.grid import Grant
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import Plan, PlanRequest
from cpms.domain.telemetry import Alarm, CommandOutcome, CommandResult, StationConnected
from cpms.domain.time import Clock, StepWatch
from data.store import Store

log = logging.getLogger(__name__)

TICK_S = 1.0
SHORTEST_TICK_REAL_S = 0.05
"""Under an accelerated clock ticks come no faster than this in real time."""

STORE_WITHIN_REAL_S = 10.0
"""So long a database may take to make grants durable."""

Send = Callable[[str, Command], Awaitable[CommandResult]]


@dataclass
class SiteRunner:
    """Runs one site. `run` restores the controller from the store first, so that starting it again is always right."""

    site_id: str
    store: Store
    workers: Workers
    send: Send
    clock: Clock
    settings: ControlSettings
    connected: Callable[[], frozenset[str]]
    controller: SiteController | None = None
    _queue: asyncio.Queue[ControlEvent] = field(default_factory=asyncio.Queue)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    latest: tuple[PlanRequest, Plan] | None = None
    """What was asked last and what came of it: where the next plan starts its search, and what questions are about."""
    _last_sent: dict[tuple[ConnectorKey, bool], int] = field(default_factory=dict)
    """Per connector and kind (default or transaction's) the highest sequence of a grant that was sent."""

    def post(self, event: ControlEvent) -> None:
        """Hand over an event; it is handled after all before it."""
        self._queue.put_nowait(event)

    def state(self) -> SiteState | None:
        """What the controller sees now; None while it is not restored."""
        return None if self.controller is None else self.controller.state(self.clock.now())

    @property
    def backlog(self) -> int:
        """Events that wait to be handled."""
        return self._queue.qsize()

    async def run(self) -> None:
        """Restore, then handle events for ever. Supervised: an error starts it again from what is stored."""
        self._drop_everything()
        books = Books(self.store, self.site_id, self.clock)
        self.controller = await restore_controller(self.store, self.site_id, self.settings, self.clock.now())
        for station_id in self.connected():
            self.post(StationConnected(station_id, self.clock.now(), ""))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tick())
                group.create_task(books.keep())
                group.create_task(self._handle_events(self.controller, books))
        finally:
            self._drop_everything()
            with contextlib.suppress(errors.CpmsError):
                await books.write()

    def _drop_everything(self) -> None:
        """Forget what is queued or under way: a restored controller knows all that is durable, and asks again."""
        for task in self._tasks:
            task.cancel()
        self.controller = None
        self._queue = asyncio.Queue()
        self._last_sent = {}

    async def _tick(self) -> None:
        while True:
            await asyncio.gather(self.clock.sleep(TICK_S), asyncio.sleep(SHORTEST_TICK_REAL_S))
            self.post(Tick())

    async def _handle_events(self, controller: SiteController, books: Books) -> None:
        watch = StepWatch(self.clock)
        while True:
            event = await self._queue.get()
            if by := watch.step():
                log.warning("site %s: the clock was set by %s", self.site_id, by)
                self._perform(controller.handle(ClockSet(by), self.clock.now()), books)
            self._perform(controller.handle(event, self.clock.now()), books)

    def _perform(self, effects: tuple[Effect, ...], books: Books) -> None:
        """Carry out the effects of one event; nothing here waits, so that the next event is handled at once (G7)."""
        stored: set[str] = set()
        for effect in effects:
            match effect:
                case StoreGrants(grants):
                    stored = {grant.id for grant in grants}
                    self._start(self._store_and_send(grants, [e for e in effects if isinstance(e, SendGrant)]))
                case RecordGrants(grants):
                    books.grants(grants)
                case SendGrant(grant):
                    if grant.id not in stored:
                        self._start(self._send_grant(effect))
                case AskPlan(request):
                    self._start(self._plan(request))
                case RaiseAlarm(kind, subject, message):
                    log.warning("site %s: %s %s: %s", self.site_id, kind.value, subject, message)
                    books.alarm(Alarm(self.site_id, self.clock.now(), kind.value, f"{subject}: {message}"))
                case RecordGrantStates() | RecordQuarantine() | RecordClock() | SessionLearned():
                    books.note(effect)

    async def _store_and_send(self, grants: tuple[Grant, ...], sends: Sequence[SendGrant]) -> None:
        """Send grants once they are durable; where they cannot be, none of them is sent (G10)."""
        queue, ids = self._queue, {grant.id for grant in grants}
        try:
            async with asyncio.timeout(STORE_WITHIN_REAL_S):
                await self.store.store_grants(grants)
        except (errors.CpmsError, TimeoutError) as error:
            log.error("site %s: grants are not durable and not sent: %r", self.site_id, error)
            for grant in grants:
                queue.put_nowait(GrantAnswered(grant.id, CommandOutcome.REJECTED, NOT_DURABLE))
            return
        await asyncio.gather(*(self._send_grant(send) for send in sends if send.grant.id in ids))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_grant(self, effect: SendGrant) -> None:
        queue, grant = self._queue, effect.grant
        place = grant.connector, grant.is_base
        if self._last_sent.get(place, -1) > grant.sequence:
            queue.put_nowait(GrantAnswered(grant.id, CommandOutcome.REJECTED, SUPERSEDED))
            return
        self._last_sent[place] = grant.sequence
        try:
            command = InstallGrant(grant, effect.connector, effect.priority)
            result = await self.send(grant.connector.station_id, command)
        except Exception as error:  # whatever became of it, the controller must not wait for ever, and counts it on
            log.exception("site %s: sending a grant failed", self.site_id)
            result = CommandResult(CommandOutcome.TIMED_OUT, str(error))
        queue.put_nowait(GrantAnswered(grant.id, result.outcome, result.detail))

    async def _plan(self, request: PlanRequest) -> None:
        queue = self._queue
        try:
            previous = None if self.latest is None else self.latest[1]
            plan = replace(await self.workers.run(optimizer.plan, request, previous), made_at=self.clock.now())
            self.latest = request, plan
            await self.store.add_plan(plan)
        except Exception as error:  # whatever became of the worker, the controller is told and goes on without
            log.exception("site %s: no plan", self.site_id)
            queue.put_nowait(PlanFailed(request.id, str(error)))
        else:
            queue.put_nowait(PlanArrived(plan))
