"""The site controller: events in, effects out. Pure: no clock, no socket, no database, no randomness.

What it decides is spread over its neighbours (ledger, fit, dispatch, guard, replan); here events find their way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cpms.control import events as ev
from cpms.control.acting import Acting
from cpms.control.clock_step import set_clock
from cpms.control.effects import AlarmKind, Effect, RaiseAlarm, RecordGrantStates
from cpms.control.guard import FeederGuard
from cpms.control.learning import Learning
from cpms.control.settings import ControlSettings
from cpms.control.situation import NEVER_ACTED, Situation
from cpms.control.state import SiteState, site_state
from cpms.control.wishes import problem_with
from cpms.domain import telemetry as t
from cpms.domain.errors import UnsafeConfiguration
from cpms.domain.forecast import Forecast
from cpms.domain.grid import DemandResponseEvent, Grant, GrantState, GridLimit, LimitTimeline, require_safe
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import Plan
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.station_clock import UNKNOWN_CLOCK, StationClock
from cpms.domain.tariff import Tariff
from cpms.domain.telemetry import CommandOutcome


class SiteController:
    """One site's decisions. Not safe for concurrent use: one `handle()` at a time."""

    def __init__(
        self,
        site: Site,
        settings: ControlSettings,
        now: datetime,
        *,
        epoch: int = 0,
        limits: Sequence[GridLimit] = (),
        events: Sequence[DemandResponseEvent] = (),
        tariff: Tariff | None = None,
        forecasts: Iterable[Forecast] = (),
    ) -> None:
        self._s = Situation.new(site, settings, now, epoch, tuple(limits), tuple(events), tariff)
        self._s.forecasts = {forecast.quantity: forecast for forecast in forecasts}
        self._acting = Acting(self._s)
        self._learning = Learning(self._s)
        self._handlers = self._table()

    @classmethod
    def restore(
        cls,
        site: Site,
        settings: ControlSettings,
        now: datetime,
        *,
        epoch: int,
        limits: Sequence[GridLimit] = (),
        events: Sequence[DemandResponseEvent] = (),
        tariff: Tariff | None = None,
        forecasts: Iterable[Forecast] = (),
        sessions: Iterable[Session] = (),
        grants: Iterable[tuple[Grant, GrantState]] = (),
        plan: Plan | None = None,
        windows: Iterable[tuple[datetime, float]] = (),
        quarantined: Iterable[ConnectorKey] = (),
        clocks: Mapping[str, StationClock] | None = None,
    ) -> SiteController:
        """Go on from what is stored. `grants`: all that are neither rejected, superseded nor ended; acknowledged base grants among
        them are the confirmations. `windows`: (start, mean kW) of demand windows of this billing period at the grid connection.
        `quarantined`: connectors that disobeyed last. `clocks`: what was last known of stations' clocks, by id.
        """
        controller = cls(
            site, settings, now, epoch=epoch, limits=limits, events=events, tariff=tariff, forecasts=forecasts
        )
        situation = controller._s
        situation.restore_grants(list(grants), clocks or {}, quarantined, now)
        for session in sessions:
            situation.book.open(session)
        if plan is not None and problem_with(plan) is None:
            situation.follow(plan, {})
        for starts_at, mean_kw in windows if tariff is not None else ():
            situation.peaks.note_window(tariff, starts_at, mean_kw)  # type: ignore[arg-type]  # None has no windows
        return controller

    def handle(self, event: ev.ControlEvent, now: datetime) -> tuple[Effect, ...]:
        """Take an event in; what is to be done about it, in order."""
        situation = self._s
        if isinstance(event, ev.ClockSet):  # before anything is taken to be over
            set_clock(situation, event.by, now)
        ended = situation.ledger.advance(now)
        if ended:
            situation.out(RecordGrantStates(ended))
            situation.dirty = True
        if isinstance(event, t.StationEvent | ev.SessionOpened) and event.clock is not None:
            situation.hear_clock(event.station_id, event.clock)
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event, now)
        self._learning.watch_meters(now)
        if situation.must_act(now):
            self._acting.act(now)
        return situation.drain()

    def state(self, now: datetime) -> SiteState:
        """What is in force, and why."""
        s = self._s
        return site_state(s.ledger, s.book, s.plan, s.guards, frozenset(s.online), tuple(s.replanning.reasons), now)

    def _table(self) -> dict[type, Callable[[Any, datetime], None]]:
        learn = self._learning.samples
        return {
            t.StationConnected: self._connected,
            t.StationDisconnected: self._disconnected,
            t.StationBooted: self._booted,
            t.SamplesReceived: learn,
            t.TransactionStarted: learn,
            t.TransactionUpdated: learn,
            t.TransactionEnded: learn,
            ev.SessionOpened: self._session_opened,
            ev.SessionClosed: self._session_closed,
            ev.NeedChanged: self._need_changed,
            ev.SiteChanged: self._site_changed,
            ev.LimitsChanged: self._limits_changed,
            ev.TariffChanged: self._tariff_changed,
            ev.ForecastsChanged: self._forecasts_changed,
            ev.FeederMeasured: self._learning.feeder,
            ev.PlanArrived: self._plan_arrived,
            ev.PlanFailed: self._plan_failed,
            ev.GrantAnswered: self._grant_answered,
        }

    def _connected(self, event: t.StationConnected, now: datetime) -> None:
        self._s.online.add(event.station_id)
        self._s.desk.forgive(event.station_id, self._s.ledger)
        self._reachability_changed(event.station_id, "a station connected", now)

    def _disconnected(self, event: t.StationDisconnected, now: datetime) -> None:
        self._s.online.discard(event.station_id)
        self._reachability_changed(event.station_id, "a station is gone", now)

    def _reachability_changed(self, station_id: str, reason: str, now: datetime) -> None:
        self._s.dirty = True
        if any(session.connector.station_id == station_id for session in self._s.book.sessions.values()):
            self._s.need_plan(reason, now)

    def _booted(self, event: t.StationBooted, now: datetime) -> None:
        self._s.book.forget_phases(event.station_id)
        self._s.know_clock(event.station_id, UNKNOWN_CLOCK)
        ended = self._s.ledger.boot(event.station_id, now)
        if ended:
            self._s.out(RecordGrantStates(ended))
        self._s.desk.forgive(event.station_id, self._s.ledger)
        self._s.urgent = True

    def _session_opened(self, event: ev.SessionOpened, now: datetime) -> None:
        if event.session.id not in self._s.book.sessions:
            self._overtake(event.session)
        self._s.book.open(event.session)
        self._s.need_plan("plug-in", now)

    def _overtake(self, session: Session) -> None:
        """A connector has one vehicle: who was there before is gone, although nobody said so; its grants count on."""
        key = session.connector
        for other in [s for s in self._s.book.sessions.values() if s.connector == key]:
            if other.started_at <= session.started_at:
                self._s.book.close(other.id)
        if key in self._s.ledger.accounts:
            self._s.ledger.trust_phases(key, None)

    def _session_closed(self, event: ev.SessionClosed, now: datetime) -> None:
        session = event.session
        self._s.book.close(session.id)
        if session.connector in self._s.ledger.accounts:
            self._s.ledger.trust_phases(session.connector, None)
        if not session.estimated:
            self._s.ledger.end_transaction(session.connector, session.transaction_id, now)
        self._s.need_plan("unplug", now)

    def _need_changed(self, event: ev.NeedChanged, now: datetime) -> None:
        if self._s.book.state_need(event.session_id, event.need, event.priority):
            self._s.need_plan("a need was edited", now)

    def _site_changed(self, event: ev.SiteChanged, now: datetime) -> None:
        self._adopt(LimitTimeline(event.site, self._s.timeline.limits), now)
        self._s.need_plan("the site was edited", now)

    def _limits_changed(self, event: ev.LimitsChanged, now: datetime) -> None:
        self._adopt(LimitTimeline.of(self._s.timeline.site, event.limits, event.events), now)
        self._s.need_plan("limits changed", now)

    def _adopt(self, timeline: LimitTimeline, now: datetime) -> None:
        """Limits hold at once, even ones that cannot be kept safe; people are told."""
        self._s.timeline, self._s.urgent = timeline, True
        self._s.ledger.adopt(timeline, now)
        self._s.obedience = {key: o for key, o in self._s.obedience.items() if key in timeline.site.connectors}
        self._s.guards = {f.id: self._s.guards.get(f.id, FeederGuard(self._s.settings)) for f in timeline.site.feeders}
        try:
            require_safe(timeline, now)
        except UnsafeConfiguration as problem:
            self._s.out(RaiseAlarm(AlarmKind.LIMIT_UNSAFE, problem.field, str(problem)))

    def _tariff_changed(self, event: ev.TariffChanged, now: datetime) -> None:
        self._s.tariff = event.tariff
        self._s.need_plan("prices changed", now)

    def _forecasts_changed(self, event: ev.ForecastsChanged, now: datetime) -> None:
        self._s.forecasts |= {forecast.quantity: forecast for forecast in event.forecasts}
        self._s.arrivals = event.arrivals or self._s.arrivals
        self._s.need_plan("a forecast changed", now)

    def _plan_arrived(self, event: ev.PlanArrived, now: datetime) -> None:
        plan, situation = event.plan, self._s
        if (problem := problem_with(plan)) is not None:
            self._plan_failed(ev.PlanFailed(plan.request_id, problem), now)
            return
        situation.replanning.answered(plan.request_id)
        before_at = NEVER_ACTED if situation.plan is None else situation.plan.plan.steps[0].starts_at
        clock_was_set_back = before_at > now
        if before_at <= plan.steps[0].starts_at or clock_was_set_back:
            situation.follow(plan, situation.asked_kwh)
        situation.dirty = True

    def _plan_failed(self, event: ev.PlanFailed, now: datetime) -> None:
        self._s.replanning.failed(event.request_id, now)
        self._s.out(RaiseAlarm(AlarmKind.PLAN_FAILED, event.request_id, event.reason))
        self._s.dirty = True

    def _grant_answered(self, event: ev.GrantAnswered, now: datetime) -> None:
        situation = self._s
        holding = situation.ledger.answer(event.grant_id, event.outcome, now)
        if holding is None:
            return
        key = holding.grant.connector
        refused = event.outcome in (CommandOutcome.REJECTED, CommandOutcome.NOT_SUPPORTED)
        situation.out(RecordGrantStates({event.grant_id: GrantState.REJECTED if refused else holding.state}))
        situation.dirty |= event.outcome is not CommandOutcome.ACCEPTED or holding.grant.is_base
        if event.outcome is CommandOutcome.ACCEPTED:
            situation.desk.succeeded(key)
            if holding.grant.is_base and situation.book.sessions:
                situation.need_plan("a station confirmed its default", now)
        elif event.detail == NOT_DURABLE:
            situation.storing_again_at = now + timedelta(seconds=situation.settings.retry_s)
        elif event.detail != SUPERSEDED:
            self._grant_failed(event, holding.grant, refused, now)

    def _grant_failed(self, event: ev.GrantAnswered, grant: Grant, refused: bool, now: datetime) -> None:
        situation, key = self._s, grant.connector
        retry = timedelta(seconds=situation.settings.retry_s)
        first = situation.desk.failed(key, now, retry, situation.settings.lease_s)
        if refused:
            self._phase_refused(grant, now)
        if first and refused:
            message = f"{key} refused its limit: {event.outcome.value} {event.detail}".strip()
            situation.out(RaiseAlarm(AlarmKind.GRANT_REFUSED, str(key), message))

    def _phase_refused(self, grant: Grant, now: datetime) -> None:
        """A station that does not take a grant on one phase gets the next one on all: its vehicle is not to be left without any. One
        that took such a grant before refuses something else."""
        session, in_force = self._s.book.at(grant.connector), self._s.ledger.accounts[grant.connector].in_force()
        if session is None or grant.single_phase is None or session.transaction_id != grant.transaction_id:
            return
        if in_force is None or in_force.grant.single_phase is None:
            self._s.stop_switching(session, "refused to charge on one phase", now)


SUPERSEDED = "superseded"
"""How the gateway answers a grant that a newer one overtook before it was sent (cpms.domain.command.InstallGrant)."""
NOT_DURABLE = "not durable"
"""How the shell answers a grant that it could not store and therefore did not send (G10)."""
