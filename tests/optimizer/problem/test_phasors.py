"""Vector sums of currents are never above their limit, and little of it is given away."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cpms.domain.plan import PhasorLimit, Plan, PlanRequest
from cpms.domain.units import Phase, power_kw
from optimizer import plan
from tests.optimizer.requests import feeder, need, request

COUNT = 2
DELTA = {"ab": cmath.rect(1.0, math.radians(30)), "ca": -cmath.rect(1.0, math.radians(150))}


def between_lines(turns: dict[str, complex], limit_a: float, energy_kwh: float = 14.0) -> PlanRequest:
    """A session per turn, and one limit on the vector sum of their currents."""
    needs = [
        need(name, energy_kwh, COUNT, phases=(Phase.L1,), max_current_a=32.0, min_current_a=0.0, step_a=0.01)
        for name in turns
    ]
    limit = PhasorLimit("line A", (limit_a,) * COUNT, {one.connector: turns[one.session_id] for one in needs})
    asked = request(*needs, count=COUNT, feeders=(feeder(COUNT, limit_a=1000.0),))
    return replace(asked, phasor_limits=(limit,))


def highest_a(asked: PlanRequest, made: Plan) -> float:
    turns = asked.phasor_limits[0].turns
    return max(
        abs(sum(turns[session.connector] * session.current_a[t] for session in made.sessions)) for t in range(COUNT)
    )


@example(turns=[(1.0, 0.0)], limit_a=2e-309)
@example(turns=[(1.0, 0.0), (0.5, 27.0)], limit_a=2.2250738585072014e-308)
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.2, 2.0), st.floats(-180, 180)), min_size=1, max_size=5),
    st.floats(0.0, 60.0),
)
def test_no_vector_sum_is_above_its_limit(turns: list[tuple[float, float]], limit_a: float) -> None:
    named = {f"car {n}": cmath.rect(size, math.radians(angle)) for n, (size, angle) in enumerate(turns)}
    asked = between_lines(named, limit_a)
    assert highest_a(asked, plan(asked)) <= limit_a + 1e-6


def test_a_balanced_line_gives_nothing_away() -> None:
    asked = between_lines(DELTA, 30.0)
    assert highest_a(asked, plan(asked)) == pytest.approx(30.0, abs=0.02)


@given(st.floats(0.0, 1.0))
@settings(max_examples=20, deadline=None)
def test_of_any_other_line_less_than_a_hundredth(share: float) -> None:
    turns = {name: turn * size for (name, turn), size in zip(DELTA.items(), (1.0, 0.2 + share), strict=True)}
    asked = between_lines(turns, 20.0)
    assert highest_a(asked, plan(asked)) >= 0.99 * 20.0 - 0.02


def test_what_is_proven_holds_for_the_limit_itself_also_where_plans_keep_a_little_below_it() -> None:
    widest = {"a": cmath.rect(1.2562, 0.0), "b": cmath.rect(1.0, math.radians(60))}
    asked = between_lines(widest, 32.0 * abs(sum(widest.values())), power_kw(32.0, 230.0, 1) * COUNT)
    free, made = plan(replace(asked, phasor_limits=())), plan(asked)
    assert highest_a(asked, free) <= asked.phasor_limits[0].limit_a[0]
    assert sum(session.shortfall_kwh for session in made.sessions) > 0.0
    assert made.bound is not None
    assert free.objective is not None
    assert made.bound <= free.objective + 1e-6


def test_a_binding_vector_sum_is_named_in_amperes() -> None:
    made = plan(between_lines(DELTA, 30.0))
    assert {(limit.feeder_id, limit.unit, limit.limit) for limit in made.binding} == {("line A", "A", 30.0)}


def test_stations_that_the_limit_does_not_name_are_free() -> None:
    asked = between_lines({"ab": 1 + 0j}, 0.0)
    free = replace(asked, phasor_limits=(PhasorLimit("elsewhere", (0.0,) * COUNT, {}),))
    assert plan(asked).sessions[0].shortfall_kwh == pytest.approx(14.0, abs=0.1)
    assert plan(free).sessions[0].shortfall_kwh == pytest.approx(0.0, abs=1e-6)
