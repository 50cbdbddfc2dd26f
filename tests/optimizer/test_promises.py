"""What holds for every site, on random ones."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpms.domain.plan import ChargingNeed, DemandPrice, FeederCap, PlanRequest
from cpms.domain.units import PHASES
from optimizer import plan
from tests.optimizer.oracle import assert_certified, energy_kwh, exceeded_limits
from tests.optimizer.requests import feeder, need, request

COUNT = 6
many = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
few = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 3))


def series(low: float, high: float) -> st.SearchStrategy[tuple[float, ...]]:
    return st.tuples(*[numbers(low, high)] * COUNT)


phases = st.sampled_from([PHASES, *((phase,) for phase in PHASES), PHASES[:2]])


@st.composite
def needs(draw: st.DrawFn, name: str) -> ChargingNeed:
    return need(
        name,
        energy_kwh=draw(numbers(0, 15)),
        hours=draw(numbers(-0.5, 2)),
        feeder_id=draw(st.sampled_from(["root", "left", "right"])),
        phases=draw(phases),
        max_current_a=draw(st.sampled_from([10.0, 16.0, 32.0])),
        step_a=draw(st.sampled_from([0.1, 1.0, 2.5])),
        priority=draw(st.integers(0, 2)),
        arrives_h=draw(st.none() | numbers(0, 1)),
    )


@st.composite
def caps(draw: st.DrawFn, name: str, parent: str | None) -> FeederCap:
    cap = feeder(COUNT, name, parent)
    return replace(
        cap,
        limit_a=draw(series(0, 60)),
        import_kw=draw(st.tuples(*[st.none() | numbers(-5, 30)] * COUNT)),
        other_load_kw=draw(series(-2, 10)),
    )


@st.composite
def sites(draw: st.DrawFn) -> PlanRequest:
    feeders = (draw(caps("root", None)), draw(caps("left", "root")), draw(caps("right", "left")))
    made = request(
        *(draw(needs(f"n{i}")) for i in range(draw(st.integers(0, 5)))),
        count=COUNT,
        minutes=15,
        feeders=feeders,
        price=draw(series(-0.3, 0.6)),
        export_price=draw(series(-0.1, 0.4)),
        solar_kw=draw(series(0, 15)),
        other_load_kw=draw(series(0, 10)),
        demand=draw(
            st.just(()) | st.tuples(st.builds(DemandPrice, numbers(0, 20), numbers(0, 10), st.just((True,) * COUNT)))
        ),
    )
    return replace(made, time_limit_s=0.5)


@given(sites())
@many
def test_no_limit_is_exceeded_at_any_phase_and_step(asked: PlanRequest):
    assert exceeded_limits(asked, plan(asked)) == []


@given(sites())
@many
def test_power_is_off_or_in_range_on_the_grid_of_setpoints(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        for current_a in session.current_a:
            assert current_a == 0 or one.min_current_a - 1e-9 <= current_a <= one.max_current_a + 1e-9
            assert abs(current_a / one.step_a - round(current_a / one.step_a)) < 1e-6


@given(sites())
@many
def test_energy_and_shortfall_make_up_the_need_and_no_more(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        delivered_kwh = energy_kwh(asked, one, session)
        assert delivered_kwh <= one.energy_kwh + 1e-6
        assert delivered_kwh + session.shortfall_kwh == pytest.approx(one.energy_kwh, abs=1e-5)
        for power_kw, current_a in zip(session.power_kw, session.current_a, strict=True):
            assert -1e-9 <= power_kw <= current_a * asked.voltage_v * len(one.phases) / 1000 + 1e-9


@given(sites())
@many
def test_the_bound_is_below_the_value_and_the_terms_make_up_the_value(asked: PlanRequest):
    assert_certified(plan(asked))


@given(sites(), numbers(0, 1))
@many
def test_energy_costs_what_is_drawn_while_vehicles_are_there(asked: PlanRequest, price: float):
    flat = (price,) * COUNT
    made = plan(replace(asked, import_price_per_kwh=flat, export_price_per_kwh=flat))
    drawn_kwh = sum(energy_kwh(asked, one, session) for one, session in zip(asked.needs, made.sessions, strict=True))
    rest_kwh = sum(
        step.duration_h * (load_kw - sun_kw)
        for step, load_kw, sun_kw in zip(asked.steps, asked.other_load_kw, asked.solar_kw, strict=True)
    )
    assert made.cost_by_term["energy"] == pytest.approx(price * (drawn_kwh + rest_kwh), abs=1e-6)


@given(sites(), numbers(0.1, 30))
@few
def test_more_grid_never_costs_more_than_the_gap(asked: PlanRequest, more: float):
    wider = replace(asked, feeders=tuple(widened(cap, more) for cap in asked.feeders))
    tight, wide = plan(asked), plan(wider)
    assert tight.objective is not None
    assert wide.bound is not None
    assert wide.bound <= tight.objective + 1e-6


def widened(cap: FeederCap, more: float) -> FeederCap:
    """With `more` of every limit [A per phase, kW]."""
    return replace(
        cap,
        limit_a=tuple(limit + more for limit in cap.limit_a),
        import_kw=tuple(None if limit is None else limit + more for limit in cap.import_kw),
        export_kw=tuple(None if limit is None else limit + more for limit in cap.export_kw),
    )


@given(sites(), st.randoms(use_true_random=False))
@few
def test_the_order_of_connectors_does_not_matter(asked: PlanRequest, rng: random.Random):
    shuffled = list(asked.needs)
    rng.shuffle(shuffled)
    one, other = plan(asked), plan(replace(asked, needs=tuple(shuffled)))
    assert one.bound == other.bound
    if one.gap == other.gap == 0.0:  # the search ended by itself, not by its time limit
        assert sorted(one.sessions, key=str) == sorted(other.sessions, key=str)
