"""A little world around the controller: stations, vehicles, messages that get lost, a planner of whims, and a meter that is right.

It knows nothing of the ledger. `World.step()` lives one second and returns every limit that real currents exceed.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from cpms.control import effects as ef
from cpms.control import events as ev
from cpms.control.controller import NOT_DURABLE, SiteController
from cpms.control.settings import ControlSettings
from cpms.domain.grid import DemandResponseEvent, Grant, GrantState, GridLimit, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import PhaseSwitching
from cpms.domain.plan import ChargingNeed, Plan, PlanRequest, PlanStatus, SessionPlan
from cpms.domain.session import EnergyNeed, Session
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.station_clock import UNKNOWN_CLOCK, StationClock
from cpms.domain.telemetry import (
    CommandOutcome,
    FeederMeasurement,
    Sample,
    SamplesReceived,
    StationBooted,
    StationConnected,
    StationDisconnected,
)
from cpms.domain.units import PHASES, Phase, floor_to_setpoint
from cpms.ocpp.profiles import START_MARGIN
from cpms.ocpp.station_time import StationTime, write_instant

START = datetime(2026, 3, 3, 16, 0, 7, tzinfo=UTC)
VEHICLE_LAG_S = 8
DWELL_S = 300.0
LIVE = (GrantState.STORED, GrantState.SENT, GrantState.ACCEPTED, GrantState.UNKNOWN)


@dataclass(frozen=True)
class Faults:
    """Chances, per message or per station and second. `clock_skew_s`: how far off a clock is when its station starts; `drift`: seconds
    per second."""

    lost: float = 0.0
    ack_lost: float = 0.0
    rejected: float = 0.0
    disconnect: float = 0.0
    reboot: float = 0.0
    tx_profile_lost: float = 0.5
    restart: float = 0.0
    plan_fails: float = 0.0
    plan_nan: float = 0.0
    latency_s: tuple[float, float] = (0.0, 10.0)
    solve_s: tuple[float, float] = (2.0, 60.0)
    replug: float = 0.0
    clock_skew_s: float = 10.0
    whims: bool = True
    clock_set_right: float = 0.0
    clock_set_forward: float = 0.0
    clock_set_anyhow: float = 0.0
    drift: float = 0.0


NONE = Faults()
MANY = Faults(0.05, 0.05, 0.03, 1 / 3600, 1 / 7200, 0.5, 1 / 5400, 0.1, 0.1, (0.0, 15.0), (2.0, 200.0), 1 / 3600)


@dataclass
class Outlet:
    """A real connector: what it was told, what hangs on it, what flows."""

    connector: Connector
    base_a: float | None = None
    tx_grant: Grant | None = None
    session: Session | None = None
    phases: tuple[Phase, ...] = PHASES
    demand_a: float = 32.0
    energy_kwh: float = 0.0
    history: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    """What flowed lately on all its phases, and on one alone."""

    def permitted_a(self, station_now: datetime) -> float:
        """OCPP: the transaction's profile once it has begun, else the default, else all there is; nothing without a transaction."""
        if self.session is None:
            return 0.0
        if self.tx_grant is not None:
            at = station_now - timedelta(seconds=self.tx_grant.clock_ahead_s)
            if at >= self.tx_grant.periods[0].starts_at - START_MARGIN:
                return self.tx_grant.limit_a_at(at)
        return self.connector.max_current_a if self.base_a is None else self.base_a

    def told_alone(self) -> Phase | None:
        """The phase it is told to use alone."""
        return self.tx_grant.single_phase if self.session is not None and self.tx_grant is not None else None

    def flows_a(self, station_now: datetime, disobeys: bool, ignores_phases: bool) -> list[float]:
        """What flows on L1, L2, L3 now; while it switches, at worst on all that it is told to leave and to use."""
        wanted_a, single = self.wanted_a(station_now, disobeys), None if ignores_phases else self.told_alone()
        self.history = [*self.history[-VEHICLE_LAG_S:], wanted_a if single is None else 0.0]
        self.alone = [*self.alone[-VEHICLE_LAG_S:], wanted_a if single is not None else 0.0]
        on_all, alone = max(self.history), max(self.alone)
        switching = self.connector.switching
        own = [phase in self.phases for phase in PHASES]
        lone = [switching is not None and phase is switching.single for phase in PHASES]
        return [max(on_all if o else 0.0, alone if s else 0.0) for o, s in zip(own, lone, strict=True)]

    def wanted_a(self, station_now: datetime, disobeys: bool) -> float:
        """What the vehicle takes: nothing below the minimum, and never more than it wants."""
        permitted_a = (
            self.connector.max_current_a if disobeys and self.session is not None else self.permitted_a(station_now)
        )
        return min(permitted_a, self.demand_a) if permitted_a >= 6.0 and self.session is not None else 0.0


@dataclass
class RealStation:
    """A real station with its own clock."""

    id: str
    outlets: dict[int, Outlet]
    skew: timedelta
    online: bool = False
    back_at: datetime | None = None
    reboots: bool = False
    disobeys: bool = False
    ignores_phases: bool = False
    unsaid: list[ev.ControlEvent] = field(default_factory=list)
    free_at: datetime = START
    synced_to: timedelta = timedelta()
    drift: float = 0.0
    time: StationTime = field(default_factory=StationTime)
    """What the gateway makes of its clock."""


def make_site(
    stations: int = 6,
    limit_a: float = 63.0,
    fallback_a: float = 0.0,
    reserved_kw: float = 5.0,
    import_kw: float | None = None,
    rotations_known: bool = False,
    switching: bool = False,
) -> Site:
    """Two feeders below the grid connection; one-phase and three-phase connectors, some on rotated phases, one of eight unknown.
    `switching`: those with three can be told to use one, their last."""

    def connector(index: int) -> Connector:
        key = ConnectorKey(f"S{index}", 1)
        if index % 4 == 3:
            return Connector(
                key,
                (PHASES[index % 3],),
                fallback_current_a=fallback_a,
                rotation_known=rotations_known or index % 8 != 7,
            )
        rotated = PHASES[index % 3 :] + PHASES[: index % 3]
        switches = PhaseSwitching(rotated[-1], DWELL_S) if switching else None
        return Connector(key, rotated, fallback_current_a=fallback_a, switching=switches)

    feeders = (Feeder("root", limit_a), Feeder("a", limit_a * 0.7, "root"), Feeder("b", limit_a * 0.6, "root"))
    return Site(
        id="site",
        name="Site",
        timezone="UTC",
        currency="EUR",
        feeders=feeders,
        stations=tuple(Station(f"S{i}", "site", "ab"[i % 2], (connector(i),)) for i in range(stations)),
        reserved_other_load_kw=reserved_kw,
        import_limit_kw=import_kw,
    )


class World:
    """Everything outside the controller, from one seed."""

    def __init__(
        self,
        site: Site,
        seed: int,
        faults: Faults = NONE,
        settings: ControlSettings | None = None,
        events: tuple[DemandResponseEvent, ...] = (),
        limits: tuple[GridLimit, ...] = (),
        other_kw: Callable[[datetime], float] = lambda _: 0.0,
    ) -> None:
        self.random, self.faults, self.site, self.now = Random(seed), faults, site, START
        self.settings = settings or ControlSettings()
        self.limits, self.events, self.other_kw = limits, events, other_kw
        self.controller = SiteController(site, self.settings, START, limits=limits, events=events)
        self.clocks: dict[str, StationClock] = {}
        self.stored: dict[str, tuple[Grant, GrantState]] = {}
        self.database_down = False
        self.clock_error = timedelta()
        self.believed_clock: StationClock | None = None
        """What the gateway says of every clock, instead of what it measures."""
        self.epoch, self.serial = 0, itertools.count(1)
        self.last_plan: Plan | None = None
        self.alarms: list[ef.RaiseAlarm] = []
        self.sent: list[tuple[datetime, ef.SendGrant]] = []
        self.requests: list[PlanRequest] = []
        self._agenda: list[tuple[datetime, int, int, Callable[[], None]]] = []
        self.stations = {s.id: self._station(s) for s in site.stations}
        self.flows: dict[str, list[float]] = {}
        self._wiring = [
            (station, outlet, site.feeders_of(outlet.connector.key))
            for station in self.stations.values()
            for outlet in station.outlets.values()
        ]

    def _station(self, station: Station) -> RealStation:
        skew, drift = self._some_skew(), self.random.uniform(-self.faults.drift, self.faults.drift)
        outlets = {c.key.connector_id: Outlet(c, phases=c.phases) for c in station.connectors}
        return RealStation(station.id, outlets, skew, drift=drift)

    def _some_skew(self) -> timedelta:
        return timedelta(seconds=self.random.uniform(-self.faults.clock_skew_s, self.faults.clock_skew_s))

    # what happens

    def connect_all(self) -> None:
        for station in self.stations.values():
            self.come_back(station)

    def plug_in(self, key: ConnectorKey, energy_kwh: float = 40.0, hours: float = 8.0) -> Session:
        number = next(self.serial)
        need = EnergyNeed(energy_kwh, self.wall_now + timedelta(hours=hours))
        session = Session(f"s{number}", self.site.id, key, f"t{number}", self.wall_now, need=need)
        outlet = self.outlet(key)
        outlet.session, outlet.tx_grant, outlet.energy_kwh = session, None, 0.0
        self._hear(self.stations[key.station_id])
        self.say(key.station_id, ev.SessionOpened(session, self._clock(self.stations[key.station_id])))
        return session

    def unplug(self, key: ConnectorKey) -> None:
        outlet = self.outlet(key)
        session, outlet.session, outlet.tx_grant = outlet.session, None, None
        if session is not None:
            self.say(key.station_id, ev.SessionClosed(replace(session, ended_at=self.wall_now)))

    def _hear(self, station: RealStation) -> datetime:
        """The station writes what time it is; when that was, as far as the gateway can tell."""
        under_way = timedelta(seconds=self.random.uniform(0.0, 3.0))
        written = write_instant(self.now + station.skew - under_way)
        return station.time.resolve(written, self.wall_now, [])[0] if station.online else self.wall_now

    def _clock(self, station: RealStation) -> StationClock | None:
        return self.believed_clock or station.time.clock

    def outlet(self, key: ConnectorKey) -> Outlet:
        return self.stations[key.station_id].outlets[key.connector_id]

    def say(self, station_id: str, event: ev.ControlEvent) -> None:
        """A station tells the controller, later if it is offline."""
        station = self.stations[station_id]
        if station.online:
            self.tell(event)
        else:
            station.unsaid.append(event)

    @property
    def wall_now(self) -> datetime:
        """What the server's clock shows."""
        return self.now + self.clock_error

    def tell(self, event: ev.ControlEvent) -> None:
        self._perform(self.controller.handle(event, self.wall_now))

    def set_clock(self, by: timedelta) -> None:
        """Set the server's clock. Stations that are online take it over; the others go on by their own until they are back."""
        self.clock_error += by
        for station in self.stations.values():
            if station.online:
                station.skew, station.synced_to = station.skew + by, self.clock_error
        self.tell(ev.ClockSet(by))

    def set_limits(self, limits: tuple[GridLimit, ...], events: tuple[DemandResponseEvent, ...] = ()) -> None:
        self.limits, self.events = limits, events
        self.tell(ev.LimitsChanged(limits, events))

    def restart(self) -> None:
        """Kill -9 and start again: whatever was not answered stays unanswered."""
        self.epoch += 1
        sessions = [o.session for s in self.stations.values() for o in s.outlets.values() if o.session is not None]
        said = {e.session.id for s in self.stations.values() for e in s.unsaid if isinstance(e, ev.SessionOpened)}
        self.controller = SiteController.restore(
            self.site,
            self.settings,
            self.wall_now,
            epoch=self.epoch,
            limits=self.limits,
            events=self.events,
            sessions=[s for s in sessions if s.id not in said],
            grants=[pair for pair in self.stored.values() if pair[1] in LIVE],
            plan=self.last_plan,
            clocks={key: clock for key, clock in self.clocks.items() if clock != UNKNOWN_CLOCK},
        )
        for station in self.stations.values():
            if station.online:
                self.tell(StationConnected(station.id, self.now, protocol="ocpp1.6"))

    # effects

    def _permits_nothing_new(self, grant: Grant) -> bool:
        """Whether, at every second to come, durable grants of the connector that may be in force count as much, margins included."""
        durable = [
            (g, self._margins(g))
            for g, state in self.stored.values()
            if g.connector == grant.connector and state in LIVE and g.id != grant.id
        ]
        seconds = (self.wall_now + timedelta(seconds=s) for s in range(0, 2000, 5))
        return all(
            grant.limit_a_at(at) <= max(g.limit_a_at(at - late) for g, margins in durable for late in margins) + 1e-6
            for at in seconds
        )

    def _margins(self, grant: Grant) -> list[timedelta]:
        """How late a grant may be in force, counted in whole bins."""
        clock = self.clocks.get(grant.connector.station_id, UNKNOWN_CLOCK)
        behind_s = max(self.settings.clock_margin_s, clock.behind_s)
        late_s = self.settings.ramp_s + max(self.settings.clock_margin_s, grant.clock_ahead_s + behind_s)
        return [timedelta(seconds=s) for s in range(0, int(late_s) + self.settings.bin_s, 5)]

    def _perform(self, effects: tuple[ef.Effect, ...]) -> None:
        refused: set[str] = set()
        ahead: set[str] = set()
        for effect in effects:
            match effect:
                case ef.StoreGrants(grants) if self.database_down:
                    refused |= {g.id for g in grants}
                    for grant in grants:
                        self.later(
                            1.0, partial(self._answer, grant.id, CommandOutcome.REJECTED, self.epoch, NOT_DURABLE)
                        )
                case ef.StoreGrants(grants):
                    self.stored |= {g.id: (g, GrantState.STORED) for g in grants}
                case ef.RecordGrants(grants):
                    ahead |= {g.id for g in grants}
                    if not self.database_down:
                        self.stored |= {g.id: (g, GrantState.STORED) for g in grants}
                case ef.RecordClock(station_id, clock):
                    self.clocks[station_id] = clock
                case ef.RecordGrantStates(states) if not self.database_down:
                    self.stored |= {i: (self.stored[i][0], state) for i, state in states.items() if i in self.stored}
                case ef.SendGrant():
                    if effect.grant.id in refused:
                        continue
                    durable = effect.grant.id in self.stored and effect.grant.id not in ahead
                    assert durable or self._permits_nothing_new(effect.grant), "a grant is sent before it is durable"
                    self.sent.append((self.now, effect))
                    self._deliver(effect)
                case ef.AskPlan(request):
                    self.requests.append(request)
                    self.later(self.random.uniform(*self.faults.solve_s), partial(self._solve, request, self.epoch))
                case ef.RaiseAlarm():
                    self.alarms.append(effect)

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + timedelta(seconds=delay_s), next(self.serial), 0, action))

    def _deliver(self, send: ef.SendGrant) -> None:
        """In order per station, each with its own fate."""
        station, epoch = self.stations[send.grant.connector.station_id], self.epoch
        if not station.online:
            self.later(1.0, lambda: self._answer(send.grant.id, CommandOutcome.UNREACHABLE, epoch))
            return
        arrives_at = max(station.free_at, self.now) + timedelta(seconds=self.random.uniform(*self.faults.latency_s))
        station.free_at = arrives_at
        self.later((arrives_at - self.now).total_seconds(), lambda: self._arrive(send.grant, epoch))

    def _arrive(self, grant: Grant, epoch: int) -> None:
        station, dice = self.stations[grant.connector.station_id], self.random.random()
        if dice < self.faults.lost or not station.online:
            self.later(30.0, lambda: self._answer(grant.id, CommandOutcome.TIMED_OUT, epoch))
            return
        outlet = self.outlet(grant.connector)
        matches = grant.is_base or (
            outlet.session is not None and outlet.session.transaction_id == grant.transaction_id
        )
        if not matches or self.random.random() < self.faults.rejected:
            self._answer(grant.id, CommandOutcome.REJECTED, epoch)
            return
        if grant.is_base:
            outlet.base_a = grant.fallback_a
        else:
            outlet.tx_grant = grant
        if self.random.random() < self.faults.ack_lost:
            self.later(30.0, lambda: self._answer(grant.id, CommandOutcome.TIMED_OUT, epoch))
        else:
            self._answer(grant.id, CommandOutcome.ACCEPTED, epoch)

    def _answer(self, grant_id: str, outcome: CommandOutcome, epoch: int, detail: str = "") -> None:
        if epoch == self.epoch:
            self.tell(ev.GrantAnswered(grant_id, outcome, detail))

    # planner

    def _solve(self, request: PlanRequest, epoch: int) -> None:
        if epoch != self.epoch:
            return
        dice = self.random.random()
        if dice < self.faults.plan_fails:
            self.tell(ev.PlanFailed(request.id, "the solver died"))
            return
        plan = whimsical_plan(request, self.random if self.faults.whims else None, self.wall_now)
        if dice < self.faults.plan_fails + self.faults.plan_nan and plan.sessions:
            first = replace(plan.sessions[0], current_a=(float("nan"),) * len(plan.steps))
            plan = replace(plan, sessions=(first, *plan.sessions[1:]))
        else:
            self.last_plan = plan
        self.tell(ev.PlanArrived(plan))

    # time

    def run(self, seconds: int) -> list[str]:
        """Live on; every exceeded limit, as text."""
        return [problem for _ in range(seconds) for problem in self.step()]

    def step(self) -> list[str]:
        self.now += timedelta(seconds=1)
        while self._agenda and self._agenda[0][0] <= self.now:
            heapq.heappop(self._agenda)[3]()
        for station in self.stations.values():
            self._misfortune(station)
        if self.random.random() < self.faults.restart:
            self.restart()
        problems = self._physics()
        second = int((self.now - START).total_seconds())
        self.tell(ev.Tick())
        if second % 20 == 0:
            self._sample()
        return problems

    def _clock_runs(self, station: RealStation) -> None:
        """A clock drifts, and is set: right, forward by anything, or to whatever it might be."""
        station.skew += timedelta(seconds=station.drift)
        dice, faults = self.random.random(), self.faults
        if dice < faults.clock_set_right:
            station.skew = self.clock_error
        elif dice < faults.clock_set_right + faults.clock_set_forward:
            station.skew += timedelta(seconds=self.random.choice((30, 600, 3600, 7200)))
        elif dice < faults.clock_set_right + faults.clock_set_forward + faults.clock_set_anyhow:
            station.skew = self.clock_error + self._some_skew()

    def _misfortune(self, station: RealStation) -> None:
        self._clock_runs(station)
        if not station.online:
            if station.back_at is not None and station.back_at <= self.now:
                self.come_back(station)
            return
        for key in (outlet.connector.key for outlet in station.outlets.values()):
            if self.random.random() < self.faults.replug:
                if self.outlet(key).session is None:
                    self.plug_in(key)
                else:
                    self.unplug(key)
        dice = self.random.random()
        if dice < self.faults.disconnect + self.faults.reboot:
            self.go_offline(station.id, self.random.choice((15, 60, 300, 900, 2400)), dice < self.faults.reboot)

    def go_offline(self, station_id: str, seconds: float, reboots: bool = False) -> None:
        station = self.stations[station_id]
        station.online, station.reboots = False, reboots
        station.back_at = self.now + timedelta(seconds=seconds)
        if reboots:
            for outlet in station.outlets.values():
                outlet.tx_grant = None if self.random.random() < self.faults.tx_profile_lost else outlet.tx_grant
        self.tell(StationDisconnected(station_id, self.now))

    def come_back(self, station: RealStation) -> None:
        station.online, station.back_at = True, None
        station.skew += self.clock_error - station.synced_to
        station.synced_to = self.clock_error
        self.tell(StationConnected(station.id, self.now, protocol="ocpp1.6"))
        if station.reboots:
            station.time.booted()
            station.skew = self.clock_error + self._some_skew()
            self.tell(StationBooted(station.id, self.now))
            station.reboots = False
        unsaid, station.unsaid = station.unsaid, []
        for event in unsaid:
            self.tell(event)

    def _physics(self) -> list[str]:
        """Currents on L1, L2, L3 [A] and power [kW, at the highest voltage] at every feeder, and what exceeds a limit."""
        flows = {f.id: [0.0, 0.0, 0.0, 0.0] for f in self.site.feeders}
        for station, outlet, feeders in self._wiring:
            drawn_a = outlet.flows_a(self.now + station.skew, station.disobeys, station.ignores_phases)
            if not any(drawn_a):
                continue
            outlet.energy_kwh += sum(drawn_a) * self.site.voltage_v / 3.6e6
            for feeder_id in feeders:
                flow = flows[feeder_id]
                flow[3] += sum(drawn_a) * self.site.max_voltage_v / 1000.0
                for index, current_a in enumerate(drawn_a):
                    flow[index] += current_a
        other_kw = self.other_kw(self.now)
        other_a = other_kw * 1000.0 / (3 * self.site.voltage_v)
        root = flows[self.site.root.id]
        root[:] = [a + b for a, b in zip(root, (other_a, other_a, other_a, other_kw), strict=True)]
        self.flows = flows
        return [problem for feeder_id, flow in flows.items() for problem in self._exceeded(feeder_id, flow)]

    def _exceeded(self, feeder_id: str, flow: list[float]) -> list[str]:
        limit = LimitTimeline.of(self.site, self.limits, self.events).at(feeder_id, self.now)
        over = [f"L{i + 1} {flow[i]:.2f} > {limit.limit_a} A" for i in range(3) if flow[i] > limit.limit_a + 1e-6]
        if limit.limit_kw is not None and flow[3] > limit.limit_kw + 1e-6:
            over.append(f"{flow[3]:.2f} > {limit.limit_kw} kW")
        return [f"{self.now} {feeder_id} {text}" for text in over]

    def _sample(self) -> None:
        for station in self.stations.values():
            if not station.online:
                continue
            sampled_at = self._hear(station)
            for outlet in station.outlets.values():
                all_a, alone_a = max(outlet.history, default=0.0), max(outlet.alone, default=0.0)
                phases, switching = outlet.connector.phases, outlet.connector.switching
                shown = [max(all_a, alone_a if switching and p is switching.single else 0.0) for p in phases]
                own = (*shown, None, None)[:3]
                session = outlet.session
                sample = Sample(
                    outlet.connector.key,
                    sampled_at,
                    self.wall_now,
                    transaction_id=session.transaction_id if session is not None else None,
                    energy_kwh=outlet.energy_kwh,
                    current_a=own,  # type: ignore[arg-type]
                )
                self.tell(SamplesReceived(station.id, self.now, samples=(sample,), clock=self._clock(station)))

    def measure(self) -> None:
        """The root's meter speaks."""
        self.tell(
            ev.FeederMeasured(
                FeederMeasurement("site", self.site.root.id, self.wall_now, self.flows[self.site.root.id][3])
            )
        )

    def acknowledged_a(self) -> dict[ConnectorKey, float]:
        return {c.connector: c.limit_a for c in self.controller.state(self.now).connectors}


def whimsical_plan(request: PlanRequest, random: Random | None, now: datetime) -> Plan:
    """Within every cap, but in a new random order of precedence per plan and hour: wants shares to change hands all the time.
    Without `random`, always in the same order."""
    parents = {cap.feeder_id: cap.parent_id for cap in request.feeders}
    caps = {cap.feeder_id: cap for cap in request.feeders}
    values: dict[str, list[float]] = {need.session_id: [] for need in request.needs}
    alone = {n.session_id: _whimsical_phases(n, len(request.steps), random) for n in request.needs}
    order = list(request.needs)
    for t in range(len(request.steps)):
        if random is not None and t % 3 == 0:
            random.shuffle(order)
        room_a = {f: cap.limit_a[t] - cap.other_load_kw[t] * 1000 / (3 * request.voltage_v) for f, cap in caps.items()}
        used_a = {f: dict.fromkeys(PHASES, 0.0) for f in caps}
        used_kw = {f: cap.other_load_kw[t] for f, cap in caps.items()}
        for need in order:
            path, feeder = [], need.feeder_id
            while feeder is not None:
                path.append(feeder)
                feeder = parents[feeder]
            kw_per_a = request.voltage_v * len(need.phases) / 1000 * need.counted_ratio
            counted = need.counted_phases or need.phases
            if alone[need.session_id][t : t + 1] == (True,) and need.switching is not None:
                kw_per_a, counted = request.voltage_v / 1000, (need.switching.single,)
            free = [room_a[f] - used_a[f][p] for f in path for p in counted]
            free += [
                ((caps[f].import_kw[t] or 0.0) - used_kw[f]) / kw_per_a
                for f in path
                if caps[f].import_kw[t] is not None
            ]
            set_a = floor_to_setpoint(
                min([need.max_current_a, *free]), need.max_current_a, need.step_a, need.min_current_a
            )
            for f in path:
                used_kw[f] += set_a * kw_per_a
                for p in counted:
                    used_a[f][p] += set_a
            values[need.session_id].append(set_a)
    sessions = tuple(
        SessionPlan(
            n.session_id,
            n.connector,
            tuple(values[n.session_id]),
            tuple(a * request.voltage_v * len(n.phases) / 1000 for a in values[n.session_id]),
            single_phase=alone[n.session_id],
        )
        for n in request.needs
    )
    return Plan(f"plan-{request.id}", request.id, request.site_id, now, PlanStatus.FEASIBLE, request.steps, sessions)


def _whimsical_phases(need: ChargingNeed, steps: int, random: Random | None) -> tuple[bool, ...]:
    """Whether a switching connector is on one phase, per step: changing every third, or as it is where there are no whims."""
    if need.switching is None:
        return ()
    whims = [need.on_single_phase if random is None else random.random() < 0.5 for _ in range(steps)]
    return tuple(whims[t - t % 3] for t in range(steps))
