"""What a plan promises, on small sites that can be checked by hand."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.plan import DemandPrice, PlanRequest, PlanStatus
from cpms.domain.units import Phase
from optimizer import plan
from tests.benchmarks.sites import made_up_request
from tests.optimizer.oracle import all_plans_a, energy_kwh, exceeded_limits, hours_of, money, setpoint_kw
from tests.optimizer.requests import NOW, feeder, need, request

THREE_PHASE_6A_KW = 4.14


def served_kwh(asked: PlanRequest, session: int = 0) -> float:
    return energy_kwh(asked, asked.needs[session], plan(asked).sessions[session])


def test_energy_is_bought_when_it_is_cheap():
    asked = request(need(energy_kwh=10.0), price=(0.4, 0.3, 0.1, 0.5))
    made = plan(asked)
    assert made.status is PlanStatus.OPTIMAL
    assert made.sessions[0].power_kw[2] == pytest.approx(10.0)
    assert made.cost_by_term["energy"] == pytest.approx(1.0)


def test_of_equal_prices_the_earlier_step_is_taken():
    made = plan(request(need(energy_kwh=10.0)))
    assert made.sessions[0].power_kw[0] == pytest.approx(10.0)


def test_power_is_off_or_at_least_the_minimum():
    made = plan(request(need(energy_kwh=12.5, max_current_a=16.0), price=(0.1, 0.2, 0.3, 0.4)))
    assert all(a == 0 or 6.0 <= a <= 16.0 for a in made.sessions[0].current_a)
    assert made.sessions[0].shortfall_kwh == 0.0


def test_a_rest_smaller_than_the_minimum_is_still_delivered():
    asked = request(need(energy_kwh=0.3))
    made = plan(asked)
    assert made.sessions[0].shortfall_kwh == 0.0
    assert sum(made.sessions[0].power_kw) == pytest.approx(0.3)
    assert max(made.sessions[0].current_a) >= 6.0


def test_a_full_phase_leaves_the_others_to_those_who_use_them():
    site = (feeder(4, limit_a=16.0),)
    needs = (need("a", 10, phases=(Phase.L1,)), need("b", 10, phases=(Phase.L1,)), need("c", 10, phases=(Phase.L2,)))
    made = plan(request(*needs, feeders=site))
    l1_kwh = 4 * 16 * 0.23
    assert sum(s.shortfall_kwh for s in made.sessions[:2]) == pytest.approx(20 - l1_kwh, abs=0.05)
    assert made.sessions[2].shortfall_kwh == 0.0
    assert any(b.phase is Phase.L1 and b.unit == "A" and b.shadow_price_per_kw > 0 for b in made.binding)
    assert not any(b.phase is Phase.L2 for b in made.binding)


def test_a_limit_high_up_the_tree_binds_what_is_below():
    site = (feeder(4, limit_a=20.0), feeder(4, "left", "root", 100.0), feeder(4, "right", "root", 100.0))
    asked = request(need("a", 40, feeder_id="left"), need("b", 40, feeder_id="right"), feeders=site)
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert {b.feeder_id for b in made.binding} == {"root"}


def test_higher_priority_is_served_first_when_not_all_can_be():
    site = (feeder(4, import_kw=5.0),)
    made = plan(request(need("low", 20), need("high", 20, priority=1), feeders=site))
    assert made.sessions[1].shortfall_kwh == pytest.approx(0.0, abs=0.15)  # 5 kW is not on the grid of setpoints
    assert made.sessions[0].shortfall_kwh == pytest.approx(20.0)


def test_with_many_priorities_each_still_goes_before_the_next():
    many = [need(f"p{p}", 5.0, 1.0, min_current_a=0.0, priority=p) for p in range(10)]
    made = plan(request(*many, feeders=(feeder(4, import_kw=25.0),)))
    short = [session.shortfall_kwh for session in made.sessions]
    assert short == pytest.approx([5.0] * 5 + [0.0] * 5, abs=0.2)  # less than three setpoints


def test_of_two_alike_none_gets_all_before_the_other_has_half():
    both = [need(name, 20.0, 2.0, min_current_a=0.0) for name in ("a", "b")]
    made = plan(request(*both, feeders=(feeder(4, import_kw=11.0),)))
    assert max(session.shortfall_kwh for session in made.sessions) <= 10.1


def test_the_minimum_current_above_the_fuse_means_no_charging_and_a_named_shortfall():
    made = plan(request(need(energy_kwh=10), feeders=(feeder(4, limit_a=5.0),)))
    assert set(made.sessions[0].current_a) == {0.0}
    assert made.sessions[0].shortfall_kwh == pytest.approx(10.0)
    assert made.note == "a has no step with room for its minimum"


def test_a_limit_that_other_load_alone_exceeds_is_named_and_nobody_charges_under_it():
    site = (replace(feeder(4, import_kw=20.0), other_load_kw=(25.0, 5.0, 5.0, 5.0)),)
    made = plan(request(need(energy_kwh=10), feeders=site))
    assert made.sessions[0].current_a[0] == 0.0
    assert [(r.step, r.phase, r.unit) for r in made.relaxed] == [(0, None, "kW")]
    assert made.relaxed[0].excess == pytest.approx(5.0)


def test_a_demand_charge_flattens_and_the_peak_so_far_is_free():
    window = DemandPrice(10.0, 6.0, (True,) * 4, window_s=3600)
    made = plan(request(need(energy_kwh=24.0), demand=(window,)))
    assert made.peak_kw == pytest.approx(6.0, abs=0.07)
    assert made.cost_by_term["demand"] == pytest.approx(0.0, abs=0.7)
    dear = replace(window, peak_so_far_kw=0.0)
    assert plan(request(need(energy_kwh=24.0), demand=(dear,))).cost_by_term["demand"] == pytest.approx(60.0, abs=0.7)


def test_a_demand_window_is_a_mean_over_the_steps_in_it():
    window = DemandPrice(10.0, 0.0, (True,) * 6, window_s=900)
    made = plan(request(need(energy_kwh=0.8, hours=0.5), count=6, minutes=5, demand=(window,)))
    per_window = [sum(made.sessions[0].power_kw[i : i + 3]) / 3 for i in (0, 3)]
    assert made.cost_by_term["demand"] == pytest.approx(10 * max(per_window))


def test_own_sun_is_used_before_it_is_sold_cheaply():
    made = plan(request(need(energy_kwh=5), solar_kw=(0.0, 0.0, 8.0, 0.0), export_price=(0.05,) * 4))
    assert made.sessions[0].power_kw[2] == pytest.approx(5.0)
    assert made.cost_by_term["energy"] == pytest.approx(-0.05 * 3.0)


def test_export_that_pays_more_than_import_costs_is_no_money_machine():
    asked = request(need(energy_kwh=5), solar_kw=(0.0, 0.0, 8.0, 0.0), export_price=(0.5,) * 4)
    made = plan(asked)
    assert made.sessions[0].power_kw[2] == pytest.approx(0.0)
    assert made.cost_by_term["energy"] == pytest.approx(5 * 0.2 - 8 * 0.5)


def test_negative_prices_fill_the_need_and_not_more():
    made = plan(request(need(energy_kwh=15), price=(0.1, -0.2, -0.2, 0.1)))
    assert sum(made.sessions[0].power_kw) == pytest.approx(15.0)
    assert made.cost_by_term["energy"] == pytest.approx(-3.0)


def test_a_departure_within_a_step_counts_the_part_that_is_there():
    asked = request(need(energy_kwh=20, hours=1.5))
    assert hours_of(asked, asked.needs[0]) == [1.0, 0.5, 0.0, 0.0]
    assert served_kwh(asked) == pytest.approx(1.5 * 11.04)


def test_a_session_to_come_is_planned_from_its_arrival():
    made = plan(request(need(energy_kwh=10, arrives_h=2.0), price=(0.1, 0.1, 0.3, 0.3)))
    assert made.sessions[0].power_kw[:2] == (0.0, 0.0)
    assert sum(made.sessions[0].power_kw) == pytest.approx(10.0)


@pytest.mark.parametrize("hours", [-1.0, 0.0])
def test_a_need_whose_time_is_over_is_short_of_all_of_it(hours: float):
    made = plan(request(need(energy_kwh=3.0, hours=hours), need("b", 5.0)))
    assert made.sessions[0].shortfall_kwh == pytest.approx(3.0)
    assert made.sessions[1].shortfall_kwh == 0.0
    assert made.note == "a is past its departure"


def test_nobody_to_charge_is_a_plan_too():
    made = plan(request(other_load_kw=(1.0,) * 4))
    assert made.sessions == ()
    assert made.cost_by_term["energy"] == pytest.approx(0.8)


def test_a_met_need_asks_for_nothing():
    assert set(plan(request(need(energy_kwh=0.0), need("b", -1.0))).sessions[0].current_a) == {0.0}


def test_steps_may_differ_in_length():
    asked = request(need(energy_kwh=8.0))
    fine = tuple(
        replace(s, starts_at=NOW + timedelta(minutes=5 * i), ends_at=NOW + timedelta(minutes=5 * i + 5))
        for i, s in enumerate(asked.steps[:3])
    )
    last = replace(asked.steps[3], starts_at=fine[-1].ends_at, ends_at=NOW + timedelta(hours=4))
    assert served_kwh(replace(asked, steps=(*fine, last), import_price_per_kwh=(0.1, 0.1, 0.1, 0.4))) == pytest.approx(
        8.0
    )


def test_setpoints_are_multiples_of_the_stations_step():
    made = plan(request(need(energy_kwh=17.3, step_a=1.0), need("b", 9.1, step_a=0.1)))
    assert all(a == int(a) for a in made.sessions[0].current_a)
    assert all(a == round(a, 1) for a in made.sessions[1].current_a)
    assert [s.shortfall_kwh for s in made.sessions] == [0.0, 0.0]


def test_a_request_and_its_plan_travel_between_processes():
    made = plan(pickle.loads(pickle.dumps(request(need()))))
    assert pickle.loads(pickle.dumps(made)) == made


def test_without_time_for_the_solver_the_plan_is_made_by_rule_and_says_so():
    asked = replace(
        request(*(need(f"n{i}", 8.0, priority=i % 2) for i in range(12)), feeders=(feeder(4, limit_a=40.0),)),
        time_limit_s=1e-9,
    )
    made = plan(asked)
    assert made.status is PlanStatus.FALLBACK
    assert made.bound is None
    assert "rule" in made.note
    assert exceeded_limits(asked, made) == []
    assert sum(s.shortfall_kwh for s in made.sessions) < 12 * 8


def test_no_other_plan_on_the_grid_of_setpoints_is_cheaper():
    choices_a = (0.0, 6.0, 8.0, 10.0)
    needs = tuple(
        need(name, kwh, hours, max_current_a=10.0, step_a=2.0, phases=(Phase.L1,))
        for name, kwh, hours in (("a", 14 * 0.23, 4.0), ("b", 22 * 0.23, 3.0))
    )
    asked = request(
        *needs,
        feeders=(feeder(4, limit_a=14.0),),
        price=(0.3, 0.2, 0.25, 0.4),
        solar_kw=(0.0, 1.0, 0.0, 0.0),
        demand=(DemandPrice(0.4, 1.0, (True,) * 4, window_s=3600),),
        gap_target=0.0,
    )
    made = plan(asked)
    assert all(s.shortfall_kwh == 0.0 for s in made.sessions)
    assert money(asked, [s.power_kw for s in made.sessions]) <= _cheapest(asked, choices_a) + 0.001


def _cheapest(asked: PlanRequest, choices_a: tuple[float, ...]) -> float:
    """Least money over all setpoints that meet the needs exactly and keep the fuse of 14 A."""
    best = float("inf")
    for currents in all_plans_a(asked, choices_a):
        powers = [
            tuple(setpoint_kw(asked, len(n.phases), a) for a in c) for n, c in zip(asked.needs, currents, strict=True)
        ]
        session = zip(asked.needs, powers, strict=True)
        met = all(
            abs(sum(h * p for h, p in zip(hours_of(asked, n), power, strict=True)) - n.energy_kwh) < 1e-9
            for n, power in session
        )
        if met and all(sum(c[t] for c in currents) <= 14.0 for t in range(4)):
            best = min(best, money(asked, powers))
    return best


@pytest.mark.parametrize("time_limit_s", [0.01, 0.03, 0.1, 0.3])
def test_whenever_the_time_is_over_there_is_a_plan_and_what_is_known_of_its_worth_holds(time_limit_s: float):
    asked = made_up_request(60, scarce=True)
    best = plan(replace(asked, time_limit_s=30.0))
    made = plan(replace(asked, time_limit_s=time_limit_s))
    assert made.objective is not None
    assert best.objective is not None
    assert exceeded_limits(asked, made) == []
    assert made.bound is None or made.bound <= best.objective + 1e-6
    assert made.bound is None or made.gap == pytest.approx((made.objective - made.bound) / max(1.0, made.objective))


def test_energy_that_pays_for_itself_is_certified_to_be_no_more_than_is_needed():
    made = plan(request(need(energy_kwh=8.0), price=(-0.3,) * 4))
    assert made.status is PlanStatus.OPTIMAL
    assert made.bound == pytest.approx(-2.4, abs=0.01)
