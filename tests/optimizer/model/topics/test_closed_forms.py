"""What follows from setpoints in closed form is what the solver would choose."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.contract import EnergyBy, GridConnection, SetpointBand, Subscription, UncertainLoad, reduction
from cpms.domain.plan import DemandPrice, PlanRequest
from optimizer.model.formulation import formulate
from optimizer.planner import in_canonical_order
from optimizer.problem.horizon import horizon
from optimizer.search.certify import complete, is_exact, keeps_rows, overhang_kw
from optimizer.search.following import expected_kw
from optimizer.search.rules import rule_setpoints_kw
from optimizer.search.solve import Solver
from tests.optimizer.requests import NOW, request
from tests.optimizer.test_promises import COUNT, few, numbers, series, sites


def caps(low: float, high: float) -> st.SearchStrategy[tuple[float | None, ...]]:
    return st.tuples(*[st.none() | numbers(low, high)] * COUNT)


subscriptions = st.builds(
    Subscription, numbers(-5, 15), st.tuples(*[st.booleans()] * COUNT), numbers(0, 2), st.sampled_from([0.0, 5.0])
)
reductions = st.builds(reduction, series(0, 20), caps(0, 10), numbers(0, 2))
above = st.builds(SetpointBand, caps(-5, 10), st.just((None,) * COUNT), numbers(0, 2))
connections = st.builds(
    GridConnection, st.just("right"), series(-0.3, 0.6), series(-0.1, 0.4), series(0, 15), series(0, 10)
)
hours = st.floats(0.1, 1.6).map(lambda value: timedelta(hours=value))
energies = st.builds(
    EnergyBy,
    hours.map(lambda after: NOW + after),
    numbers(0, 2),
    st.none() | numbers(-5, 2),
    st.none() | numbers(2, 10),
)


@st.composite
def contracted(draw: st.DrawFn) -> PlanRequest:
    """Random sites under every kind of contract."""
    asked = draw(sites())
    return replace(
        asked,
        time_limit_s=60.0,
        feeders=tuple(
            replace(one, export_kw=draw(caps(-2, 10)), surplus_kw=draw(series(-5, 15))) for one in asked.feeders
        ),
        needs=tuple(replace(one, revenue_per_kwh=draw(series(-0.1, 0.8))) for one in asked.needs),
        subscriptions=(draw(subscriptions),),
        bands=(draw(reductions), draw(above)),
        energy_by=(draw(energies),),
        co2_g_per_kwh=draw(series(0, 600)),
        co2_price_per_kg=0.2,
        connections=(draw(connections),),
        uncertain=(UncertainLoad("left", draw(series(-5, 5)), draw(series(0, 3))),),
        demand=tuple(replace(one, measured_at=draw(st.sampled_from([None, "root", "right"]))) for one in asked.demand),
    )


@given(contracted())
@few
def test_the_closed_form_keeps_every_row_and_nothing_is_cheaper(asked: PlanRequest):
    problem = horizon(in_canonical_order(asked))
    program = formulate(problem)
    assert is_exact(program)
    setpoint_kw = rule_setpoints_kw(problem)
    drawn_kw = expected_kw(problem, setpoint_kw)
    values = complete(program, problem, drawn_kw)
    overhang = overhang_kw(program, setpoint_kw - drawn_kw)
    assert keeps_rows(program, values, overhang)
    assert np.all(values >= program.lower - 1e-6)
    assert np.all(values <= program.upper + 1e-6)
    best = Solver(program, problem).complete(drawn_kw, np.zeros_like(drawn_kw), overhang)
    assert best is not None
    assert program.cost @ values == pytest.approx(program.cost @ best, rel=1e-6, abs=1e-5)


def test_where_nothing_is_drawn_a_peak_of_the_past_is_in_no_column():
    asked = request(demand=(DemandPrice(5.0, 10.0, (True,) * 4),))
    program = formulate(problem := horizon(asked))
    values = complete(program, problem, np.zeros(0))
    assert np.all(values <= program.upper)
    assert keeps_rows(program, values)
