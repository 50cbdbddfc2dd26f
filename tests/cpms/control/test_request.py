from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.control.book import SessionBook
from cpms.control.known import Known
from cpms.control.ledger import Ledger
from cpms.control.peaks import PeakTracker
from cpms.control.request import plan_request
from cpms.control.settings import ControlSettings
from cpms.control.steps import steps_from
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.grid import Grant, GridLimit, LimitPeriod, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import Fairness
from cpms.domain.plan import ChargingNeed, PlanStatus
from cpms.domain.policy import PlanningPolicy
from cpms.domain.session import EnergyNeed, Session
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.tariff import CapacitySubscription, Tariff, TimeOfUseBand
from cpms.domain.telemetry import CommandOutcome, Sample
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, Phase
from optimizer import plan

NOW = datetime(2026, 3, 3, 12, 2, 20, tzinfo=UTC)
KEYS = [ConnectorKey(f"S{i}", 1) for i in range(3)]
SETTINGS = ControlSettings()
MARGIN = timedelta(seconds=SETTINGS.departure_margin_s)


def known(
    steerable: int = 3, limits: tuple[GridLimit, ...] = (), sessions: tuple[Session, ...] = (), **site_options
) -> Known:
    stations = tuple(Station(k.station_id, "x", "f", (Connector(k),)) for k in KEYS)
    feeders = (Feeder("r", 100.0), Feeder("f", 60.0, "r"))
    site = Site("x", "X", "UTC", "EUR", feeders, stations, **site_options)
    timeline = LimitTimeline.of(site, limits)
    ledger = Ledger(timeline, SETTINGS, NOW)
    for number, key in enumerate(KEYS):
        ledger.record(Grant(f"b{number}", "x", key, 1, NOW, 0.0))
        ledger.answer(f"b{number}", CommandOutcome.ACCEPTED, NOW - timedelta(seconds=20))
    book = SessionBook()
    for session in sessions:
        book.open(session)
    return Known(site, timeline, ledger, book, None, {}, PeakTracker(), SETTINGS, frozenset(KEYS[:steerable]))


def session(index: int = 0, **options) -> Session:
    return Session(f"s{index}", "x", KEYS[index], f"t{index}", NOW - timedelta(hours=1), **options)


@given(st.integers(0, 86400))
def test_while_something_is_on_its_way_the_first_step_is_short(offset_s):
    now = NOW + timedelta(seconds=offset_s)
    steps = steps_from(now, [], SETTINGS, sending=True)
    assert all(a.ends_at == b.starts_at for a, b in pairwise(steps))
    assert 60 <= steps[0].duration_h * 3600 < 120 + 1e-6
    assert all(step.duration_h * 3600 >= 60 - 1e-6 for step in steps)
    assert all(s.starts_at.timestamp() % 300 == 0 for s in steps[2:])


@given(st.integers(0, 86400), st.integers(0, 60 * 3600))
def test_steps_follow_one_another_from_now_on_the_clocks_marks_through_the_last_departure(offset_s, stay_s):
    now = NOW + timedelta(seconds=offset_s)
    steps = steps_from(now, [now + timedelta(seconds=stay_s)], SETTINGS)
    assert steps[0].starts_at == now
    assert all(a.ends_at == b.starts_at for a, b in pairwise(steps))
    assert steps[0].duration_h * 3600 >= 60
    assert all(s.starts_at.timestamp() % 300 == 0 for s in steps[1:])
    assert all(s.starts_at.timestamp() % 900 == 0 for s in steps if s.duration_h > 0.2)
    assert steps[-1].ends_at - now >= timedelta(hours=12)
    assert steps[-1].ends_at - now >= min(timedelta(seconds=stay_s), timedelta(hours=36))
    assert steps[-1].ends_at - now <= timedelta(hours=36, minutes=15)


def test_a_cap_is_the_lowest_limit_within_each_step_and_says_whose_it_is():
    limit = GridLimit(
        "l", "r", limit_kw=30.0, starts_at=NOW + timedelta(minutes=4), ends_at=NOW + timedelta(minutes=10), reason="dr"
    )
    request = plan_request(known(limits=(limit,), import_limit_kw=50.0, max_voltage_v=230.0), "q", NOW)
    root = request.feeders[0]
    assert root.import_kw[:4] == (50.0, 30.0, 30.0, 50.0)
    assert root.reason[:4] == ("grid connection", "dr", "dr", "grid connection")
    assert request.feeders[1].import_kw[0] is None


def test_caps_in_kw_leave_room_for_the_highest_voltage_and_the_reserve():
    request = plan_request(known(import_limit_kw=30.0, reserved_other_load_kw=8.0), "q", NOW)
    assert request.feeders[0].import_kw[0] == pytest.approx(8.0 + 22.0 * 230 / 253)
    assert request.feeders[0].other_load_kw[0] == 8.0
    assert request.feeders[1].other_load_kw[0] == 0.0


def test_caps_rely_on_the_upper_band_of_other_load_and_money_on_its_median():
    spans = tuple(Interval(NOW + timedelta(hours=h), NOW + timedelta(hours=h + 1)) for h in range(40))
    forecast = Forecast("x", ForecastQuantity.OTHER_LOAD_KW, NOW, spans, (0.5, 0.9), ((6.0, 12.0),) * 40)
    facts = replace(known(reserved_other_load_kw=8.0), forecasts={forecast.quantity: forecast})
    request = plan_request(facts, "q", NOW)
    assert (request.feeders[0].other_load_kw[0], request.other_load_kw[0]) == (12.0, 6.0)


def test_connectors_that_cannot_be_steered_are_load():
    facts = known(steerable=2)
    facts.ledger.quarantine(KEYS[2], True)
    request = plan_request(facts, "q", NOW)
    assert [cap.limit_a[0] for cap in request.feeders] == [68.0, 28.0]


def test_a_need_is_what_is_still_missing():
    need = EnergyNeed(30.0, NOW + timedelta(hours=9))
    (planned,) = plan_request(
        known(sessions=(session(need=need, energy_kwh=12.0, active_phases=(Phase.L2,)),)), "q", NOW
    ).needs
    assert (planned.energy_kwh, planned.phases) == (18.0, (Phase.L2,))


def test_who_draws_less_than_the_minimum_is_planned_with_what_it_draws():
    facts = known(sessions=(session(need=EnergyNeed(30.0, NOW + timedelta(hours=9)), energy_kwh=28.0),))
    connector, here = facts.site.connectors[KEYS[0]], facts.book.sessions["s0"]
    assert plan_request(facts, "q", NOW).needs[0].draws_a is None
    for seconds in (120, 60):
        facts.book.acceptances.note(here, connector, 2.0, 6.0, NOW - timedelta(seconds=seconds))
    request = plan_request(facts, "q", NOW)
    assert request.needs[0].draws_a == 2.0
    assert set(plan(request).sessions[0].current_a) == {0.0, 6.0}


def test_a_limit_that_is_lower_for_others_sake_names_them():
    facts = known(import_limit_kw=30.0)
    facts.ledger.boot("S2", NOW)
    away = plan_request(replace(facts, steerable=frozenset(KEYS[:2])), "q", NOW).feeders[0]
    assert away.reason[0] == f"grid connection less {32 * 3 * 0.253:.1f} kW kept for S2/1"
    assert away.import_kw[0] == pytest.approx((30.0 - 32 * 3 * 0.253) / 1.1)


def test_who_is_about_to_confirm_its_default_is_not_planned_for():
    facts = known(import_limit_kw=30.0)
    facts.ledger.boot("S2", NOW)
    soon = replace(facts, steerable=frozenset(KEYS[:2]), awaited=frozenset(KEYS[2:]))
    assert plan_request(soon, "q", NOW).feeders[0].reason[0] == "grid connection"
    assert plan_request(soon, "q", NOW).feeders[0].import_kw[0] == pytest.approx(30.0 / 1.1)
    facts.ledger.record(Grant("new", "x", KEYS[2], 2, NOW, 0.0))
    facts.ledger.answer("new", CommandOutcome.ACCEPTED, NOW)
    assert facts.ledger.accounts[KEYS[2]].counted[0] == 32.0, "a vehicle may still be on its way down"
    assert plan_request(facts, "q", NOW).feeders[0].import_kw[0] == pytest.approx(30.0 / 1.1)


@pytest.mark.parametrize(
    ("connector", "active", "trusted", "counted", "ratio"),
    [
        (Connector(KEYS[0]), None, None, (), 1.0),
        (Connector(KEYS[0]), (Phase.L2,), None, PHASES, 3.0),
        (Connector(KEYS[0]), (Phase.L2,), (Phase.L2,), (), 1.0),
        (Connector(KEYS[0], (Phase.L3,), rotation_known=False), None, None, PHASES, 1.0),
        (Connector(KEYS[0], fallback_current_a=6.0), (Phase.L1, Phase.L3), (Phase.L1, Phase.L3), PHASES, 1.5),
    ],
    ids=["all phases", "not trusted yet", "trusted", "rotation unknown", "never trusted with a fallback"],
)
def test_plans_count_a_vehicle_on_the_phases_that_the_ledger_counts(connector, active, trusted, counted, ratio):
    facts = known(sessions=(session(active_phases=active),))
    first = replace(facts.site.stations[0], connectors=(connector,))
    site = replace(facts.site, stations=(first, *facts.site.stations[1:]))
    facts.ledger.adopt(LimitTimeline(site), NOW)
    facts.ledger.trust_phases(KEYS[0], trusted)
    (planned,) = plan_request(replace(facts, site=site, timeline=LimitTimeline(site)), "q", NOW).needs
    assert planned.phases == (active or connector.phases)
    assert (planned.counted_phases, planned.counted_ratio) == (counted, pytest.approx(ratio))


def test_what_is_planned_for_a_vehicle_whose_phases_are_not_known_is_granted():
    site = known(import_limit_kw=11.0)
    sessions = tuple(session(n, active_phases=(Phase.L1,)) for n in range(2))
    facts = replace(site, book=known(sessions=sessions).book)
    made = plan(plan_request(facts, "q", NOW))
    admitted_a = 11.0 / (3 * 0.253)
    assert sum(one.current_a[0] for one in made.sessions) <= admitted_a


def planned_need(hours: float) -> ChargingNeed:
    need = EnergyNeed(9.0, NOW + timedelta(hours=hours))
    (planned,) = plan_request(known(sessions=(session(need=need, active_phases=(Phase.L2,)),)), "q", NOW).needs
    return planned


def test_charging_is_over_before_the_departure_by_the_time_that_tapering_takes_as_far_as_the_stay_allows():
    for hours, least, most in ((9, 25, 35), (1, 0, 1)):
        early = (NOW + timedelta(hours=hours) - planned_need(hours).departs_at) / timedelta(minutes=1)
        assert least <= early <= most, hours


def test_plans_prefer_to_be_done_in_good_time_and_more_so_well_before_the_departure():
    early, safe = planned_need(8).targets
    assert early.due_at == NOW + timedelta(hours=8 * (1 - SETTINGS.early_share))
    assert safe.due_at == NOW + timedelta(hours=8) - MARGIN
    assert early.price_per_kwh is not None
    assert safe.weight < 1.0
    assert early.energy_kwh == safe.energy_kwh == 9.0


def test_who_leaves_soon_is_expected_done_no_sooner_than_a_plan_can_act():
    assert all(target.due_at > NOW for target in planned_need(0.5).targets)


def test_a_session_without_a_stated_need_gets_a_usual_one():
    (planned,) = plan_request(known(sessions=(session(active_phases=PHASES),)), "q", NOW).needs
    assert planned.energy_kwh == 20.0
    assert NOW + timedelta(hours=3) - 2 * MARGIN <= planned.departs_at <= NOW + timedelta(hours=3)


@pytest.mark.parametrize(
    "need", [EnergyNeed(10.0, NOW + timedelta(hours=4)), EnergyNeed(30.0, NOW - timedelta(hours=1))]
)
def test_nobody_who_is_still_plugged_in_is_forgotten(need):
    (planned,) = plan_request(known(sessions=(session(need=need, energy_kwh=12.0),)), "q", NOW).needs
    assert planned.energy_kwh >= 2.0
    assert planned.departs_at > NOW


def test_who_may_leave_earlier_than_said_has_what_vehicles_like_it_take_by_then():
    early_at = NOW + timedelta(hours=2)
    need = EnergyNeed(30.0, NOW + timedelta(hours=9), early_kwh=8.0, early_at=early_at)
    for delivered_kwh, due in ((3.0, [5.0]), (9.0, [])):
        (planned,) = plan_request(known(sessions=(session(need=need, energy_kwh=delivered_kwh),)), "q", NOW).needs
        assert planned.energy_kwh == 30.0 - delivered_kwh
        assert [target.energy_kwh for target in planned.targets if target.due_at == early_at] == due
    (late,) = plan_request(known(sessions=(session(need=replace(need, early_at=NOW)),)), "q", NOW).needs
    assert min(target.due_at for target in late.targets) > NOW


def test_a_vehicle_that_takes_nothing_although_it_may_is_planned_little():
    facts = known(sessions=(session(need=EnergyNeed(30.0, NOW + timedelta(hours=5))),))
    for minutes in (5, 1):
        at = NOW - timedelta(minutes=minutes)
        facts.book.learn(Sample(KEYS[0], at, at, current_a=(0.0, 0.0, 0.0)), facts.site, permitted_a=16.0)
    (planned,) = plan_request(facts, "q", NOW).needs
    assert (planned.energy_kwh, planned.max_current_a, planned.targets) == (SETTINGS.idle_need_kwh, 6.0, ())


def test_what_is_on_its_way_to_a_station_is_frozen_until_it_is_answered_or_late():
    facts = known(sessions=(session(), session(1)))
    periods = (LimitPeriod(NOW - timedelta(seconds=5), 12.0),)
    lease_ends_at = NOW + timedelta(minutes=15)
    sent = Grant("g", "x", KEYS[0], 5, NOW - timedelta(seconds=5), 0.0, "t0", periods, lease_ends_at)
    facts.ledger.record(sent)
    asked = plan_request(facts, "q", NOW)
    assert [need.frozen_a for need in asked.needs] == [(12.0,), ()]
    assert asked.steps[0].ends_at == NOW + timedelta(seconds=SETTINGS.bin_s)
    late = plan_request(facts, "q", NOW + timedelta(seconds=SETTINGS.answer_timeout_s))
    assert [need.frozen_a for need in late.needs] == [(), ()]
    facts.ledger.answer("g", CommandOutcome.ACCEPTED, NOW)
    answered = plan_request(facts, "q", NOW)
    assert [need.frozen_a for need in answered.needs] == [(), ()]
    assert answered.needs[0].current_a == 12.0


def test_a_driver_who_wants_some_now_gets_what_is_missing_of_it_first():
    need = EnergyNeed(30.0, NOW + timedelta(hours=9), minimum_now_kwh=8.0)
    for delivered_kwh, least_kwh in ((0.0, 8.0), (5.0, 3.0), (12.0, 0.0)):
        (planned,) = plan_request(known(sessions=(session(need=need, energy_kwh=delivered_kwh),)), "q", NOW).needs
        assert planned.minimum_now_kwh == least_kwh


def test_what_the_operator_and_the_contract_say_reaches_the_plan():
    policy = PlanningPolicy(Fairness.MAX_MIN, chance_level=0.95, shortfall_price_per_kwh=3.0)
    spans = tuple(Interval(NOW + timedelta(hours=h), NOW + timedelta(hours=h + 1)) for h in range(40))
    other = Forecast("x", ForecastQuantity.OTHER_LOAD_KW, NOW, spans, (0.5, 0.9, 0.95), ((6.0, 12.0, 15.0),) * 40)
    solar = Forecast("x", ForecastQuantity.SOLAR_KW, NOW, spans, (0.5,), ((20.0,),) * 40)
    afternoon = TimeOfUseBand(Decimal(0), time(14), time(18))
    subscribed = CapacitySubscription(25.0, Decimal("0.8"), afternoon), CapacitySubscription(40.0, Decimal(1))
    facts = replace(
        known(policy=policy, export_limit_kw=5.0),
        forecasts={other.quantity: other, solar.quantity: solar},
        tariff=Tariff("t", "EUR", "UTC", Decimal("0.2"), Decimal("0.05"), subscriptions=subscribed),
    )
    asked = plan_request(facts, "q", NOW)
    assert (asked.fairness, asked.shortfall_price_per_kwh) == (Fairness.MAX_MIN, 3.0)
    assert asked.feeders[0].other_load_kw[0] == 15.0
    assert (asked.feeders[0].export_kw[0], asked.feeders[0].surplus_kw[0]) == (5.0, 14.0)
    assert asked.feeders[1].export_kw == ()
    in_band, always = asked.subscriptions
    assert (in_band.subscribed_kw, in_band.fee_per_kwh, always.subscribed_kw) == (25.0, 0.8, 40.0)
    assert next(s.starts_at.hour for s, holds in zip(asked.steps, in_band.applies, strict=True) if holds) == 14
    assert all(always.applies)
    assert plan(replace(asked, time_limit_s=5.0)).status is not PlanStatus.FALLBACK
