"""From what the meter shows to what is told: one phase or all, with a dwell, and back where a station does not do it (G9)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cpms.control.controller import SiteController
from cpms.control.effects import AlarmKind, RaiseAlarm, SendGrant
from cpms.control.events import ClockSet, GrantAnswered, PlanArrived, SessionOpened
from cpms.control.settings import ControlSettings
from cpms.control.wishes import problem_with
from cpms.domain.grid import Grant
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import PhaseSwitching
from cpms.domain.plan import Plan, PlanRequest, PlanStatus, SessionPlan
from cpms.domain.session import EnergyNeed, Session
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.telemetry import CommandOutcome, Sample, SamplesReceived, StationConnected
from cpms.domain.time import Interval
from cpms.domain.units import Phase
from optimizer import plan

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
KEY = ConnectorKey("S", 1)
DWELL_S = 600.0
CONNECTOR = Connector(KEY, switching=PhaseSwitching(Phase.L2, DWELL_S))
SITE = Site("x", "X", "UTC", "EUR", (Feeder("r", 40.0),), (Station("S", "x", "r", (CONNECTOR,)),))


class Desk:
    """A site with one switching connector, whose station answers at once and is metered as it is told."""

    def __init__(self, site: Site = SITE) -> None:
        self.now, self.requests, self.told, self.alarms = NOW, [], [], []
        self.controller = SiteController(site, ControlSettings(), NOW)
        self.obeys, self.answer = True, CommandOutcome.ACCEPTED
        self.say(StationConnected("S", NOW, protocol="ocpp1.6"))
        need = EnergyNeed(20.0, NOW + timedelta(hours=6))
        self.wait(30)
        self.say(SessionOpened(Session("s", "x", KEY, "7", self.now, need=need)))
        self.meter(minutes=4)

    def say(self, event: object) -> None:
        effects = self.controller.handle(event, self.now)  # type: ignore[arg-type]
        for effect in effects:
            match effect:
                case SendGrant(grant):
                    self.told += [grant] if grant.transaction_id else []
                    refused = grant.single_phase is not None and self.answer is not CommandOutcome.ACCEPTED
                    self.say(GrantAnswered(grant.id, self.answer if refused else CommandOutcome.ACCEPTED))
                case RaiseAlarm(kind):
                    self.alarms.append(kind)
                case _ if hasattr(effect, "request"):
                    self.requests.append(effect.request)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def meter(self, minutes: float) -> None:
        for _ in range(int(minutes * 3)):
            self.wait(20)
            alone = self.told and self.told[-1].single_phase is not None and self.obeys
            drawn_a = min(16.0, self.told[-1].limit_a_at(self.now)) if self.told else 0.0
            current_a = tuple(drawn_a if not alone or p is Phase.L2 else 0.0 for p in CONNECTOR.phases)
            sample = Sample(KEY, self.now, self.now, "7", current_a=current_a)
            self.say(SamplesReceived("S", self.now, samples=(sample,)))

    def plan(self, current_a: float, single: bool) -> None:
        steps = (Interval(self.now, self.now + timedelta(hours=6)),)
        session = SessionPlan("s", KEY, (current_a,), (1.0,), single_phase=(single,))
        made = Plan("p", self.requests[-1].id, "x", self.now, PlanStatus.FEASIBLE, steps, (session,))
        self.say(PlanArrived(made))
        self.wait(2)
        self.meter(minutes=0.34)

    @property
    def last(self) -> Grant:
        return self.told[-1]

    def free_a(self) -> tuple[float, ...]:
        return self.controller.state(self.now).feeders[0].headroom_a

    def asked(self) -> PlanRequest:
        self.wait(400)
        self.meter(minutes=0.34)
        return self.requests[-1]


def test_a_vehicle_seen_on_all_phases_may_be_planned_on_one():
    (need,) = Desk().asked().needs
    assert (need.switching, need.on_single_phase, need.switched_at) == (CONNECTOR.switching, False, None)


def test_it_is_told_one_phase_and_counts_there_alone_once_its_meter_shows_it():
    desk = Desk()
    desk.plan(10.0, single=True)
    assert (desk.last.single_phase, desk.last.switched_at) == (Phase.L2, desk.last.issued_at)
    assert desk.free_a() == (30.0, 30.0, 30.0)
    assert "until its meter shows" in desk.controller.state(desk.now).connectors[0].why
    desk.meter(minutes=4)
    assert desk.free_a() == (40.0, 30.0, 40.0)
    state = desk.controller.state(desk.now).connectors[0]
    assert (state.single_phase, state.why) == (Phase.L2, "as planned on L2 alone")


def test_it_goes_back_to_all_phases_when_its_dwell_is_over_and_plans_know_since_when_it_is_as_it_is():
    desk = Desk()
    desk.plan(10.0, single=True)
    switched_at = desk.last.issued_at
    desk.meter(minutes=4)
    desk.plan(12.0, single=False)
    assert desk.last.single_phase is Phase.L2, "the dwell is not over"
    assert desk.last.limit_a_at(desk.now) == 6.0, "what was meant for all phases waits"
    desk.asked()
    request = next(r for r in reversed(desk.requests) if r.needs and r.needs[0].on_single_phase)
    assert (request.needs[0].switched_at, request.needs[0].phases_now) == (switched_at, (Phase.L2,))
    assert plan(replace(request, time_limit_s=1.0)).status is not PlanStatus.FALLBACK
    assert desk.last.single_phase is None
    assert (desk.last.issued_at - switched_at).total_seconds() >= DWELL_S
    assert desk.free_a() == (28.0, 28.0, 28.0)


def test_a_station_that_stays_on_all_phases_is_named_and_no_longer_told_one():
    desk = Desk()
    desk.obeys = False
    desk.plan(10.0, single=True)
    desk.meter(minutes=4)
    assert desk.alarms == [AlarmKind.PHASES_NOT_SWITCHED]
    assert desk.free_a() == (34.0, 34.0, 34.0), "the minimum, until there is a plan for all phases"
    assert desk.asked().needs[0].switching is None
    assert desk.last.single_phase is None


@pytest.mark.parametrize("answer", [CommandOutcome.REJECTED, CommandOutcome.NOT_SUPPORTED])
def test_a_station_that_refuses_one_phase_gets_its_grant_on_all(answer: CommandOutcome):
    desk = Desk()
    desk.answer = answer
    desk.plan(10.0, single=True)
    assert AlarmKind.PHASES_NOT_SWITCHED in desk.alarms
    desk.wait(60)
    desk.plan(10.0, single=True)
    assert desk.last.single_phase is None
    assert desk.last.limit_a_at(desk.now) >= 6.0


def test_once_another_phase_shows_current_it_counts_on_all_at_once():
    desk = Desk()
    desk.plan(10.0, single=True)
    desk.meter(minutes=4)
    desk.obeys = False
    desk.meter(minutes=0.34)
    assert desk.free_a() == (30.0, 30.0, 30.0)


def test_without_phases_in_its_samples_a_vehicle_is_not_switched():
    (need,) = Desk(replace(SITE, stations=(replace(SITE.stations[0], connectors=(Connector(KEY),)),))).asked().needs
    assert need.switching is None


def test_after_our_clock_was_set_back_nobody_waits_for_a_switch_that_is_yet_to_come():
    desk = Desk()
    desk.plan(10.0, single=True)
    desk.meter(minutes=4)
    by = timedelta(hours=-3)
    desk.now += by
    desk.say(ClockSet(by))
    desk.plan(12.0, single=False)
    assert desk.last.single_phase is None


def test_a_plan_that_does_not_tell_all_its_phases_is_not_used():
    session = SessionPlan("s", KEY, (6.0, 6.0), (1.0, 1.0), single_phase=(True,))
    steps = tuple(Interval(NOW + timedelta(hours=h), NOW + timedelta(hours=h + 1)) for h in range(2))
    made = Plan("p", "q", "x", NOW, PlanStatus.FEASIBLE, steps, (session,))
    assert "phases" in (problem_with(made) or "")
