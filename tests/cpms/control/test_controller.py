from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan

import pytest

from cpms.control import effects as ef
from cpms.control import events as ev
from cpms.control.controller import SiteController
from cpms.control.settings import ControlSettings
from cpms.domain.grid import Grant, GrantState, GridLimit
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import Plan, PlanStatus, SessionPlan
from cpms.domain.session import EnergyNeed, Session, SessionState
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

NOW = datetime(2026, 3, 3, 12, 0, 5, tzinfo=UTC)
KEY = ConnectorKey("S0", 1)
SITE = Site("x", "X", "UTC", "EUR", (Feeder("r", 40.0),), (Station("S0", "x", "r", (Connector(KEY),)),))
SESSION = Session("s", "x", KEY, "t", NOW, need=EnergyNeed(20.0, NOW + timedelta(hours=4)))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def of(kind: type, effects: tuple[ef.Effect, ...]) -> list:
    return [effect for effect in effects if isinstance(effect, kind)]


def ready() -> SiteController:
    """One station connected, its default acknowledged long ago."""
    controller = SiteController(SITE, ControlSettings(), NOW)
    effects = controller.handle(StationConnected("S0", NOW, protocol="ocpp1.6"), NOW)
    (send,) = of(ef.SendGrant, effects)
    controller.handle(ev.GrantAnswered(send.grant.id, CommandOutcome.ACCEPTED), NOW)
    controller.handle(ev.Tick(), after(15))
    return controller


def charging() -> tuple[SiteController, Grant]:
    controller = ready()
    (send,) = of(ef.SendGrant, controller.handle(ev.SessionOpened(SESSION), after(20)))
    controller.handle(ev.GrantAnswered(send.grant.id, CommandOutcome.ACCEPTED), after(21))
    return controller, send.grant


def test_a_station_that_connects_gets_a_default_first_and_it_is_durable_before_it_is_sent():
    controller = SiteController(SITE, ControlSettings(), NOW)
    effects = controller.handle(StationConnected("S0", NOW, protocol="ocpp1.6"), NOW)
    (stored,), (send,) = of(ef.StoreGrants, effects), of(ef.SendGrant, effects)
    assert effects.index(stored) < effects.index(send)
    assert stored.grants == (send.grant,)
    assert send.grant.is_base
    assert send.grant.fallback_a == 0.0


def test_a_session_is_granted_something_before_there_is_a_plan_and_the_lease_ends_by_itself():
    controller, grant = charging()
    assert grant.transaction_id == "t"
    assert grant.limit_a_at(after(30)) >= 6.0
    assert grant.lease_ends_at is not None
    assert controller.state(after(30)).connectors[0].limit_a == grant.limit_a_at(after(30))


def test_a_plan_is_asked_for_when_something_matters_and_never_twice_at_once():
    controller = ready()
    asked = [of(ef.AskPlan, controller.handle(ev.Tick(), after(s))) for s in range(20, 500, 20)]
    assert sum(len(a) for a in asked) == 0, "the first request is still under way"


def test_an_impossible_plan_changes_nothing_and_is_told():
    controller, _ = charging()
    before = controller.state(after(30)).connectors
    steps = controller_steps(controller)
    bad = Plan(
        "p", "x:0:1", "x", after(25), PlanStatus.OPTIMAL, steps, (SessionPlan("s", KEY, (nan,) * len(steps), ()),)
    )
    effects = controller.handle(ev.PlanArrived(bad), after(30))
    assert [a.kind for a in of(ef.RaiseAlarm, effects)] == [ef.AlarmKind.PLAN_FAILED]
    assert controller.state(after(30)).connectors == before


def controller_steps(controller: SiteController):
    fresh = SiteController(SITE, ControlSettings(), after(30))
    (ask,) = of(ef.AskPlan, fresh.handle(ev.Tick(), after(30)))
    return ask.request.steps


def test_a_plan_is_followed():
    controller, _ = charging()
    steps = controller_steps(controller)
    plan = Plan(
        "p", "x:0:1", "x", after(25), PlanStatus.OPTIMAL, steps, (SessionPlan("s", KEY, (9.0,) * len(steps), ()),)
    )
    (send,) = of(ef.SendGrant, controller.handle(ev.PlanArrived(plan), after(35)))
    assert (send.grant.limit_a_at(after(40)), send.grant.plan_id) == (9.0, "p")
    assert send.priority.name == "SAFETY", "it lowers"


def test_a_reboot_makes_the_default_be_confirmed_again():
    controller, _ = charging()
    effects = controller.handle(StationBooted("S0", after(60)), after(60))
    assert [s.grant.is_base for s in of(ef.SendGrant, effects)] == [True]
    assert GrantState.ENDED in of(ef.RecordGrantStates, effects)[0].states.values()
    assert controller.state(after(60)).connectors[0].worst_case_a == 32.0


def test_samples_teach_the_session_and_are_told():
    controller, _ = charging()
    sample = Sample(KEY, after(60), after(60), "t", energy_kwh=1.5, current_a=(6.0, 6.0, 6.0))
    (learned,) = of(ef.SessionLearned, controller.handle(SamplesReceived("S0", after(60), (sample,)), after(60)))
    assert (learned.energy_kwh, learned.state) == (1.5, SessionState.CHARGING)


def test_samples_for_another_stations_connector_are_not_believed():
    controller, _ = charging()
    sample = Sample(KEY, after(60), after(60), "t", energy_kwh=1.5)
    assert of(ef.SessionLearned, controller.handle(SamplesReceived("S9", after(60), (sample,)), after(60))) == []


def told(controller: SiteController, second: float, current_a: float, said_s: float) -> list[ef.RaiseAlarm]:
    sample = Sample(KEY, after(said_s), after(second), "t", current_a=(current_a,) * 3)
    return of(ef.RaiseAlarm, controller.handle(SamplesReceived("S0", after(second), (sample,)), after(second)))


@pytest.mark.parametrize("clock_s", [-115.0, -30.0, 0.0, 30.0, 115.0, 86400.0])
def test_a_station_that_disobeys_is_found_out_whatever_its_clock_says(clock_s):
    controller, _ = charging()
    alarms = [a.kind for s in range(400, 440, 5) for a in told(controller, s, 40.0, s + clock_s)]
    assert alarms == [ef.AlarmKind.STATION_DISOBEYS]


def test_a_quarantine_outlives_a_restart_and_ends_as_any_other():
    controller, _ = charging()
    sample = Sample(KEY, after(300), after(300), "t", current_a=(40.0,) * 3)
    controller.handle(SamplesReceived("S0", after(300), (sample,)), after(300))
    effects = controller.handle(SamplesReceived("S0", after(311), (sample,)), after(311))
    (record,) = of(ef.RecordQuarantine, effects)
    base = Grant("b", "x", KEY, 1, NOW, 0.0)
    restored = SiteController.restore(
        SITE, ControlSettings(), after(320), epoch=1, sessions=[SESSION],
        grants=[(base, GrantState.ACCEPTED)], quarantined=[record.connector, ConnectorKey("GONE", 1)],
    )  # fmt: skip
    state = restored.state(after(320)).connectors[0]
    assert (state.quarantined, state.worst_case_a) == (True, 32.0)
    alarms = [a.kind for s in range(330, 700, 30) for a in told(restored, s, 0.0, s)]
    assert alarms == [ef.AlarmKind.STATION_OBEYS_AGAIN]
    assert not restored.state(after(700)).connectors[0].quarantined


def test_samples_that_waited_in_a_queue_accuse_nobody():
    controller, _ = charging()
    alarms = [a.kind for s in range(400, 440, 5) for a in told(controller, s, 40.0, s - 130.0)]
    assert alarms == []


def test_a_limit_that_cannot_be_kept_safe_holds_all_the_same_and_is_told():
    controller, grant = charging()
    limit = GridLimit("l", "r", limit_a=-1.0)
    effects = controller.handle(ev.LimitsChanged((limit,)), after(60))
    assert of(ef.RaiseAlarm, effects)[0].kind is ef.AlarmKind.LIMIT_UNSAFE
    (send,) = of(ef.SendGrant, effects)
    assert send.grant.limit_a_at(after(61)) == 0.0 < grant.limit_a_at(after(61))


def test_a_stale_meter_is_told_once_and_back_once():
    controller = ready()
    controller.handle(ev.FeederMeasured(FeederMeasurement("x", "r", after(20), 5.0)), after(20))
    kinds = [a.kind for s in (90, 100, 110) for a in of(ef.RaiseAlarm, controller.handle(ev.Tick(), after(s)))]
    assert kinds == [ef.AlarmKind.METER_STALE]
    nothing = controller.handle(ev.FeederMeasured(FeederMeasurement("x", "r", after(115), nan)), after(115))
    assert of(ef.RaiseAlarm, nothing) == []
    back = controller.handle(ev.FeederMeasured(FeederMeasurement("x", "r", after(120), 5.0)), after(120))
    assert [a.kind for a in of(ef.RaiseAlarm, back)] == [ef.AlarmKind.METER_BACK]


def test_sun_is_relied_on_only_as_far_as_allowed_and_while_the_meter_is_fresh():
    sunny = replace(SITE, reserved_other_load_kw=10.0)
    controller = SiteController(sunny, ControlSettings(solar_credit_kw=4.0), NOW)
    measured = FeederMeasurement("x", "r", NOW, 5.0, solar_kw=7.5)
    controller.handle(ev.FeederMeasured(measured), NOW)
    with_sun = controller.state(NOW).feeders[0].worst_case_kw
    controller.handle(ev.Tick(), after(100))
    assert controller.state(after(100)).feeders[0].worst_case_kw == pytest.approx(with_sun + 4.0)


def test_a_restored_controller_goes_on_with_its_grants_and_sends_nothing_before_stations_return():
    _, grant = charging()
    base = Grant("b", "x", KEY, 1, NOW, 0.0)
    stored = [(base, GrantState.ACCEPTED), (grant, GrantState.ACCEPTED)]
    controller = SiteController.restore(
        SITE, ControlSettings(), after(120), epoch=1, sessions=[SESSION], grants=stored, plan=None
    )
    state = controller.state(after(120)).connectors[0]
    assert (state.confirmed, state.limit_a) == (True, grant.limit_a_at(after(120)))
    assert of(ef.SendGrant, controller.handle(ev.Tick(), after(121))) == []
    effects = controller.handle(StationConnected("S0", after(130), protocol="ocpp1.6"), after(130))
    (send,) = of(ef.SendGrant, effects)
    assert (send.grant.epoch, send.grant.is_base) == (1, False)
    assert send.grant.sequence > grant.sequence


BEHIND = StationClock(behind_s=95.0, error_s=-90.0, since=NOW)


def samples(clock: StationClock, at: datetime) -> SamplesReceived:
    """A station says something, and with it what time it thinks it is."""
    return SamplesReceived("S0", at, (), clock=clock)


def counted_until(controller: SiteController, grant: Grant) -> datetime:
    """Until when a grant counts, to the second."""
    assert grant.lease_ends_at is not None
    at = grant.lease_ends_at
    while not of(ef.RecordGrantStates, controller.handle(ev.Tick(), at)):
        at += timedelta(seconds=1)
    return at


def test_a_clock_found_to_be_behind_is_remembered_and_counts_for_what_was_granted_before():
    controller, grant = charging()
    controller.handle(StationDisconnected("S0", after(25)), after(25))
    assert of(ef.RecordClock, controller.handle(samples(BEHIND, after(30)), after(30))) == [
        ef.RecordClock("S0", BEHIND)
    ]
    assert of(ef.RecordClock, controller.handle(samples(BEHIND, after(40)), after(40))) == []
    assert grant.lease_ends_at is not None
    assert counted_until(controller, grant) >= grant.lease_ends_at + timedelta(seconds=105)


def test_a_first_few_messages_tell_less_than_was_known_before_a_restart():
    settings = ControlSettings()
    restored = SiteController.restore(SITE, settings, NOW, epoch=1, clocks={"S0": BEHIND})
    assert of(ef.RecordClock, restored.handle(samples(StationClock(1000.0), after(1)), after(1))) == []
    new = SiteController(SITE, settings, NOW)
    assert of(ef.RecordClock, new.handle(samples(StationClock(5.0), after(1)), after(1))) == []
    assert of(ef.RecordClock, new.handle(samples(StationClock(1000.0), after(2)), after(2))) == [
        ef.RecordClock("S0", StationClock(1000.0))
    ]


def test_nothing_is_known_of_the_clock_of_a_station_that_started_anew():
    controller, _ = charging()
    controller.handle(samples(BEHIND, after(30)), after(30))
    effects = controller.handle(StationBooted("S0", after(40)), after(40))
    assert of(ef.RecordClock, effects) == [ef.RecordClock("S0", UNKNOWN_CLOCK)]


def test_when_our_clock_is_set_messages_from_before_tell_nothing_of_a_stations():
    controller, _ = charging()
    controller.handle(samples(BEHIND, after(30)), after(30))
    (record,) = of(ef.RecordClock, controller.handle(ev.ClockSet(timedelta(hours=1)), after(3700)))
    assert record.clock.behind_s == 3695.0
    assert of(ef.RecordClock, controller.handle(samples(BEHIND, after(3701)), after(3701))) == []
    fresh = replace(BEHIND, since=after(3701))
    assert of(ef.RecordClock, controller.handle(samples(fresh, after(3800)), after(3800))) == [
        ef.RecordClock("S0", BEHIND)
    ]


def test_a_refusal_is_told_once_and_what_a_newer_grant_overtook_is_none():
    controller = ready()
    (send,) = of(ef.SendGrant, controller.handle(ev.SessionOpened(SESSION), after(20)))
    overtaken = controller.handle(ev.GrantAnswered(send.grant.id, CommandOutcome.REJECTED, "superseded"), after(21))
    assert of(ef.RaiseAlarm, overtaken) == []
    (send,) = of(ef.SendGrant, overtaken) or of(ef.SendGrant, controller.handle(ev.Tick(), after(25)))
    refused = controller.handle(ev.GrantAnswered(send.grant.id, CommandOutcome.REJECTED), after(26))
    assert [a.kind for a in of(ef.RaiseAlarm, refused)] == [ef.AlarmKind.GRANT_REFUSED]
    assert of(ef.RecordGrantStates, refused)[0].states == {send.grant.id: GrantState.REJECTED}


def test_after_unplugging_nothing_more_is_sent_for_the_session():
    controller, _ = charging()
    controller.handle(ev.SessionClosed(SESSION), after(60))
    sent = [of(ef.SendGrant, controller.handle(ev.Tick(), after(s))) for s in range(60, 1500, 60)]
    assert not any(sent)
    assert controller.state(after(1500)).connectors[0].worst_case_a == 0.0


def test_what_a_retired_station_was_granted_counts_until_its_lease_is_over_and_then_makes_room():
    controller, grant = charging()
    assert grant.lease_ends_at is not None
    limit_a = grant.limit_a_at(after(30))
    retired = replace(SITE.stations[0], retired_at=after(30), connectors=(Connector(KEY, retired=True),))
    gone = replace(SESSION, state=SessionState.ENDED, ended_at=after(25), estimated=True)
    controller.handle(StationDisconnected("S0", after(30)), after(30))
    controller.handle(ev.SessionClosed(gone), after(30))
    controller.handle(ev.SiteChanged(replace(SITE, stations=(retired,))), after(30))
    assert controller.state(after(31)).connectors[0].why.startswith("retired")
    now, over = after(30), False
    while not over:
        assert controller.state(now).connectors[0].worst_case_a >= limit_a or now >= grant.lease_ends_at
        now += timedelta(seconds=10)
        effects = controller.handle(ev.Tick(), now)
        assert of(ef.SendGrant, effects) == []
        over = any(told.states.get(grant.id) is GrantState.ENDED for told in of(ef.RecordGrantStates, effects))
    assert now >= grant.lease_ends_at
    controller.handle(ev.SiteChanged(replace(SITE, stations=())), now)
    assert controller.state(now).feeders[0].headroom_a == (40.0, 40.0, 40.0)
