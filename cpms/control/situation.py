"""Everything the controller knows, and the effects it is about to hand out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cpms.control.arrivals import Arrivals
from cpms.control.book import SessionBook
from cpms.control.dispatch import Desk
from cpms.control.effects import AlarmKind, Effect, RaiseAlarm, RecordClock
from cpms.control.guard import FeederGuard
from cpms.control.ledger import Ledger
from cpms.control.obedience import Obedience
from cpms.control.peaks import PeakTracker
from cpms.control.replan import Replanning
from cpms.control.settings import ControlSettings
from cpms.control.wishes import PlanInForce
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.grid import DemandResponseEvent, Grant, GrantState, GridLimit, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import Plan
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.station_clock import StationClock
from cpms.domain.tariff import Tariff
from cpms.domain.telemetry import FeederMeasurement

NEVER_ACTED = datetime.fromtimestamp(0, UTC)


@dataclass
class Situation:
    """One site's state of knowledge. `dirty`: something changed that grants may depend on; `urgent`: at once;
    `wake_at`: act then in any case. `storing_again_at`: until then the database is not asked to make grants durable, because it could
    not. `clock_set_at`: when our clock was last set."""

    settings: ControlSettings
    timeline: LimitTimeline
    ledger: Ledger
    desk: Desk
    replanning: Replanning
    tariff: Tariff | None
    book: SessionBook
    peaks: PeakTracker = field(default_factory=PeakTracker)
    forecasts: dict[ForecastQuantity, Forecast] = field(default_factory=dict)
    arrivals: Arrivals | None = None
    guards: dict[str, FeederGuard] = field(default_factory=dict)
    obedience: dict[ConnectorKey, Obedience] = field(default_factory=dict)
    online: set[str] = field(default_factory=set)
    plan: PlanInForce | None = None
    asked_kwh: dict[str, float] = field(default_factory=dict)
    root_measurement: FeederMeasurement | None = None
    stale_meters: set[str] = field(default_factory=set)
    solar_credit_kw: float = 0.0
    dirty: bool = True
    urgent: bool = False
    storing_again_at: datetime = NEVER_ACTED
    acted_at: datetime = NEVER_ACTED
    wake_at: datetime = NEVER_ACTED
    clock_set_at: datetime = NEVER_ACTED
    effects: list[Effect] = field(default_factory=list)

    @classmethod
    def new(
        cls,
        site: Site,
        settings: ControlSettings,
        now: datetime,
        epoch: int,
        limits: tuple[GridLimit, ...],
        events: tuple[DemandResponseEvent, ...],
        tariff: Tariff | None,
    ) -> Situation:
        """A site nothing is known of yet but its description."""
        timeline = LimitTimeline.of(site, limits, events)
        situation = cls(
            settings=settings,
            timeline=timeline,
            ledger=Ledger(timeline, settings, now),
            desk=Desk(site.id, epoch),
            replanning=Replanning(settings, site.id, epoch),
            tariff=tariff,
            book=SessionBook(site.voltage_v),
        )
        situation.guards = {feeder.id: FeederGuard(settings) for feeder in site.feeders}
        return situation

    @property
    def site(self) -> Site:
        """The site."""
        return self.timeline.site

    def restore_grants(
        self,
        grants: Sequence[tuple[Grant, GrantState]],
        clocks: Mapping[str, StationClock],
        quarantined: Iterable[ConnectorKey],
        now: datetime,
    ) -> None:
        """Count what was granted before a restart, as stations' clocks (by id) may be off; who disobeyed last, at the maximum."""
        self.ledger.restore(grants, now)
        self.desk.restore(grant for grant, _ in grants)
        for station_id, clock in clocks.items():
            self.ledger.measure(station_id, clock)
        for key in quarantined:
            self.quarantine(key)

    def follow(self, plan: Plan, delivered_kwh: Mapping[str, float]) -> None:
        """From now on this plan is in force. `delivered_kwh` [kWh]: what sessions had been when it was asked for, by id."""
        self.plan = PlanInForce(plan, delivered_kwh)
        self.desk.plan_id = plan.id

    def stop_switching(self, session: Session, problem: str, now: datetime) -> None:
        """A station does not switch as it is told: its session stays on all phases from now on, which is said once."""
        if self.book.stop_switching(session):
            message = f"{problem}; it stays on all of them"
            self.out(RaiseAlarm(AlarmKind.PHASES_NOT_SWITCHED, str(session.connector), message))
            self.need_plan("a connector does not switch phases", now)

    def quarantine(self, key: ConnectorKey) -> None:
        """A connector disobeyed before a restart: it counts at its hardware maximum until it has obeyed long enough."""
        if key in self.ledger.accounts:
            self.ledger.quarantine(key, True)
            self.obedience[key] = Obedience(quarantined=True)

    def hear_clock(self, station_id: str, told: StationClock) -> None:
        """A message told what is known of its station's clock. What rests on messages that came before our clock was set says nothing
        any more; a first few messages tell no more than was known, they may come from a queue."""
        if told.since is not None and told.since < self.clock_set_at:
            return
        known = self.ledger.clock(station_id)
        if not told.measured:
            behind_s = known.behind_s if known.measured else max(known.behind_s, told.behind_s)
            told = replace(known, behind_s=behind_s, ahead_s=told.ahead_s)
        self.know_clock(station_id, told)

    def know_clock(self, station_id: str, clock: StationClock) -> None:
        """From now on a clock may be off by so much. Room that this takes is made at once."""
        before = self.ledger.clock(station_id)
        if self.ledger.measure(station_id, clock):
            self.out(RecordClock(station_id, clock))
            self.dirty = True
            self.urgent |= clock.behind_s > before.behind_s

    def out(self, effect: Effect) -> None:
        """Hand out an effect after those there are."""
        self.effects.append(effect)

    def drain(self) -> tuple[Effect, ...]:
        """The effects handed out since the last time."""
        effects, self.effects = tuple(self.effects), []
        return effects

    def need_plan(self, reason: str, now: datetime) -> None:
        """Something changed that a plan depends on."""
        self.replanning.need(reason, now)
        self.dirty = True

    def must_act(self, now: datetime) -> bool:
        """Whether to decide anew at `now`; if something changed but may wait a little, `wake_at` moves up."""
        settled_at = self.acted_at + timedelta(seconds=self.settings.settle_s)
        if self.dirty and now < settled_at:
            self.wake_at = min(self.wake_at, settled_at)
        return self.urgent or now >= self.wake_at or (self.dirty and now >= settled_at)
