"""Replanning, equal shares, plans that cannot be used, what samples teach, settings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan

import pytest

from cpms.control.bins import Bins
from cpms.control.book import SessionBook
from cpms.control.fallback import equal_shares
from cpms.control.fit import Wish, fit, steerable_room
from cpms.control.ledger import Ledger
from cpms.control.replan import Replanning
from cpms.control.settings import ControlSettings
from cpms.control.wishes import PlanInForce, problem_with
from cpms.domain.errors import InvalidInput
from cpms.domain.grid import Grant, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import Plan, PlanStatus, SessionPlan
from cpms.domain.session import Session, SessionState
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.telemetry import CommandOutcome, Sample
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, Phase

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
KEYS = [ConnectorKey(f"S{i}", 1) for i in range(4)]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def site(limit_a: float) -> Site:
    stations = tuple(Station(k.station_id, "x", "r", (Connector(k),)) for k in KEYS)
    return Site("x", "X", "UTC", "EUR", (Feeder("r", limit_a),), stations)


def ledger(limit_a: float) -> Ledger:
    made = Ledger(LimitTimeline(site(limit_a)), ControlSettings(), NOW)
    for number, key in enumerate(KEYS):
        made.record(Grant(f"b{number}", "x", key, 1, NOW, 0.0))
        made.answer(f"b{number}", CommandOutcome.ACCEPTED, after(-20))
    return made


def wishes(made: Ledger, priorities: tuple[int, ...] = (0, 0, 0, 0)) -> list[Wish]:
    return [
        Wish(made.accounts[key].connector, str(key), "t", [32.0] * made.bins.count, priority, after(3600 - i))
        for i, (key, priority) in enumerate(zip(KEYS, priorities, strict=True))
    ]


def shared_a(limit_a: float, priorities: tuple[int, ...] = (0, 0, 0, 0)) -> list[float]:
    made = ledger(limit_a)
    room = steerable_room(made, set(KEYS), {}, set())
    fitted = fit(equal_shares(wishes(made, priorities), made, room), made, room)
    return [fitted[key][0] for key in KEYS]


def test_equal_shares_are_equal_and_use_what_there_is():
    assert shared_a(80.0) == pytest.approx([20.0] * 4, abs=0.11)
    assert shared_a(200.0) == [32.0] * 4


def test_where_not_all_get_the_minimum_the_first_to_depart_and_the_first_in_priority_do():
    assert shared_a(14.0) == pytest.approx([0.0, 0.0, 7.0, 7.0], abs=0.11)
    assert shared_a(14.0, (1, 0, 0, 0)) == pytest.approx([7.0, 0.0, 0.0, 7.0], abs=0.11)


def test_what_a_feeder_cannot_carry_is_cut_from_the_lowest_priority_first():
    made = ledger(80.0)
    fitted = fit(wishes(made, (1, 1, 0, 0)), made, steerable_room(made, set(KEYS), {}, set()))
    assert [fitted[key][0] for key in KEYS] == pytest.approx([32.0, 32.0, 6.0, 10.0], abs=4.01)
    assert sum(fitted[key][0] for key in KEYS) <= 80.0


def test_a_vehicle_that_stopped_by_itself_is_cut_before_anybody_who_charges():
    made = ledger(80.0)
    full, *others = wishes(made, (1, 0, 0, 0))
    idle = replace(full, wanted_a=[6.0] * made.bins.count, idle=True)
    fitted = fit([idle, *others], made, steerable_room(made, set(KEYS), {}, set()))
    assert fitted[idle.key][0] == 0.0
    assert sum(fitted[key][0] for key in KEYS) == pytest.approx(80.0, abs=0.4)


def test_a_plan_is_asked_for_at_once_then_on_reasons_gathered_for_a_moment_and_at_the_latest_every_cycle():
    replanning = Replanning(ControlSettings(), "x", 0)
    assert replanning.due(NOW)
    request_id = replanning.ask(NOW)
    replanning.need("plug-in", after(1))
    assert not replanning.due(after(100)), "one is under way"
    assert replanning.answered(request_id)
    assert replanning.due(after(100))
    request_id = replanning.ask(after(100))
    replanning.answered(request_id)
    replanning.need("unplug", after(110))
    assert not replanning.due(after(111))
    assert replanning.due(after(112))
    replanning.answered(replanning.ask(after(112)))
    assert not replanning.due(after(411))
    assert replanning.due(after(412))


def test_a_request_nobody_answers_is_given_up_and_a_failed_one_repeated_after_a_pause():
    replanning = Replanning(ControlSettings(), "x", 0)
    request_id = replanning.ask(NOW)
    assert not replanning.due(after(599))
    assert replanning.due(after(600))
    replanning.failed(request_id, after(10))
    assert not replanning.due(after(39))
    assert replanning.due(after(42))
    assert not replanning.answered("another")


def plan(*currents: tuple[float, ...]) -> Plan:
    steps = (Interval(NOW, after(300)), Interval(after(300), after(600)))
    sessions = tuple(SessionPlan(f"s{i}", KEYS[i], c, tuple(a * 0.69 for a in c)) for i, c in enumerate(currents))
    return Plan("p", "q", "x", NOW, PlanStatus.OPTIMAL, steps, sessions)


@pytest.mark.parametrize("currents", [(nan, 6.0), (6.0,), (-1.0, 6.0), (float("inf"), 6.0)])
def test_a_plan_with_impossible_numbers_is_no_plan(currents):
    assert problem_with(plan(currents)) is not None
    assert problem_with(plan((6.0, 16.0))) is None


def test_a_plan_in_force_says_what_is_wanted_per_bin_and_notices_drift():
    in_force = PlanInForce(plan((6.0, 16.0)), {"s0": 1.0})
    assert in_force.wanted_a("s0", Bins(int(NOW.timestamp()) + 180, 60, 5)) == [6.0, 6.0, 16.0, 16.0, 16.0]
    assert in_force.wanted_a("unknown", Bins(0, 60, 5)) is None
    planned_kwh = in_force.planned_kwh("s0", after(600))
    assert planned_kwh == pytest.approx((6 + 16) * 0.69 / 12)
    session = Session("s0", "x", KEYS[0], "t", NOW, energy_kwh=1.0)
    assert in_force.drifted(session, after(600), 1.0)
    assert not in_force.drifted(session, after(600), 1.5)


def test_samples_teach_energy_state_and_phases_and_energy_never_falls():
    book, place = SessionBook(), site(100.0)
    book.open(Session("s", "x", KEYS[0], "t", NOW, meter_start_kwh=100.0))

    def learn(
        second: float, energy_kwh: float | None, current_a: tuple[float, float, float], permitted_a: float = 16.0
    ):
        at = after(second)
        sample = Sample(KEYS[0], at, at, "t", energy_kwh=energy_kwh, current_a=current_a)
        return book.learn(sample, place, permitted_a)

    assert learn(10, 101.0, (15.0, 0.1, 0.1)).active_phases == (Phase.L1,)
    assert learn(20, 100.5, (15.0, 0.1, 0.1)) is None
    assert learn(30, 101.5, (15.0, 15.0, 15.0)).active_phases == PHASES
    idle = learn(40, 101.5, (0.0, 0.0, 0.0))
    assert (idle.state, idle.energy_kwh) == (SessionState.SUSPENDED, 1.5)
    session = book.at(KEYS[0])
    assert not book.declines(session, after(100))
    assert book.declines(session, after(240))
    learn(250, None, (0.0, 0.0, 0.0), permitted_a=0.0)
    assert book.declines(session, after(600)), "it stopped by itself, whatever it may draw now"
    learn(610, None, (8.0, 0.0, 0.0))
    assert not book.declines(session, after(1000))
    learn(1010, None, (0.0, 0.0, 0.0))
    learn(1030, None, (0.0, 0.0, 0.0), permitted_a=0.0)
    assert not book.declines(session, after(1600)), "it may not draw, so its silence says nothing"


@pytest.mark.parametrize(
    ("start_kwh", "registers", "energy_kwh"),
    [
        (None, [500.0, 501.0, 503.0], 3.0),  # no register told at the start: the first one counts
        (1000.0, [0.0, 1.0, 3.0], 3.0),  # samples count per session
        (100.0, [101.0, 100.8, 102.0], 2.0),  # noise
    ],
)
def test_energy_is_what_registers_add_however_they_begin(start_kwh, registers, energy_kwh):
    book, sites = SessionBook(), site(40.0)
    book.open(Session("s", "x", KEYS[0], "t", NOW, meter_start_kwh=start_kwh))
    for minutes, register_kwh in enumerate(registers, start=1):
        book.learn(
            Sample(KEYS[0], after(600 * minutes), after(600 * minutes), "t", energy_kwh=register_kwh), sites, 16.0
        )
    assert book.sessions["s"].energy_kwh == pytest.approx(energy_kwh)


def test_a_session_restored_without_its_register_goes_on_from_what_was_noted():
    book = SessionBook()
    book.open(Session("s", "x", KEYS[0], "t", NOW, meter_start_kwh=None, energy_kwh=5.0))
    for minutes, register_kwh in ((30, 505.0), (40, 506.0)):
        book.learn(
            Sample(KEYS[0], after(60 * minutes), after(60 * minutes), "t", energy_kwh=register_kwh), site(40.0), 16.0
        )
    assert book.sessions["s"].energy_kwh == pytest.approx(6.0)


def test_a_sample_of_another_transaction_teaches_the_session_nothing():
    book = SessionBook()
    book.open(Session("s", "x", KEYS[0], "t", NOW))
    assert book.learn(Sample(KEYS[0], after(5), after(5), "other", energy_kwh=50.0), site(100.0), 16.0) is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("bin_s", {"bin_s": 0}),
        ("lease_s", {"lease_s": 200.0}),
        ("ramp_s", {"ramp_s": -1.0}),
        ("fine_step_s", {"fine_step_s": 250}),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(field, values):
    with pytest.raises(InvalidInput) as problem:
        ControlSettings(**values)
    assert problem.value.field == field
