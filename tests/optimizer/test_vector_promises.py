"""What holds where the sum of currents at other angles is limited, and vehicles give back or switch phases below it."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import PhasorLimit, PlanRequest, PlanStatus
from optimizer import plan
from tests.optimizer.oracle import assert_certified, energy_kwh, exceeded_limits
from tests.optimizer.test_everything_promises import whole_sites
from tests.optimizer.test_promises import few, numbers, series, sites
from tests.optimizer.test_site_promises import givers
from tests.optimizer.test_switching import switchers

turns = st.tuples(numbers(0, 2), numbers(-180, 180)).map(lambda one: cmath.rect(one[0], math.radians(one[1])))


@st.composite
def vectors(draw: st.DrawFn, name: str, asked: PlanRequest) -> PhasorLimit:
    """A limit on a vector sum of some of the currents, at any angles."""

    def turned() -> dict[ConnectorKey, complex]:
        return {one.connector: draw(turns) for one in asked.needs if draw(st.booleans())}

    singles = {one.connector: draw(turns) for one in asked.needs}
    return PhasorLimit(name, draw(series(0, 50)), turned(), single_turns=singles)


@st.composite
def with_vectors(draw: st.DrawFn, drawn: st.SearchStrategy[PlanRequest]) -> PlanRequest:
    asked = draw(drawn)
    return replace(
        asked, phasor_limits=tuple(draw(vectors(f"line {n}", asked)) for n in range(draw(st.integers(1, 3))))
    )


@st.composite
def turning_sites(draw: st.DrawFn) -> PlanRequest:
    """Sites on which vehicles charge, give back, switch phases, or do both."""
    asked = draw(sites())
    ways = (st.just, givers, switchers, lambda one: givers(one).flatmap(switchers))
    return replace(asked, needs=tuple(draw(st.one_of(*(way(one) for way in ways))) for one in asked.needs))


@given(with_vectors(turning_sites()))
@few
def test_no_vector_sum_is_above_its_limit_whatever_vehicles_give_and_on_which_phases(asked: PlanRequest):
    made = plan(asked)
    assert made.status is not PlanStatus.FALLBACK
    assert exceeded_limits(asked, made) == []
    assert_certified(made)
    again = plan(asked, start=made)
    assert exceeded_limits(asked, again) == []


@given(with_vectors(whole_sites()))
@few
def test_nor_when_all_that_a_site_can_have_comes_together(asked: PlanRequest):
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert_certified(made)


@given(with_vectors(turning_sites()), numbers(0.1, 30))
@few
def test_more_room_for_a_vector_sum_never_costs_more_than_the_gap(asked: PlanRequest, more_a: float):
    wider = tuple(replace(one, limit_a=tuple(a + more_a for a in one.limit_a)) for one in asked.phasor_limits)
    tight, wide = plan(asked), plan(replace(asked, phasor_limits=wider))
    assert wide.bound is not None
    assert tight.objective is not None
    assert wide.bound <= tight.objective + 1e-6


@given(with_vectors(turning_sites()), st.sampled_from([0.25, 0.5, 2.0]), numbers(-180, 180))
@few
def test_turning_and_scaling_all_of_a_sum_changes_nothing(asked: PlanRequest, size: float, degrees: float):
    turn = cmath.rect(size, math.radians(degrees))
    turned = tuple(
        replace(
            one,
            limit_a=tuple(size * limit_a for limit_a in one.limit_a),
            turns={key: turn * before for key, before in one.turns.items()},
            single_turns={key: turn * before for key, before in one.single_turns.items()},
        )
        for one in asked.phasor_limits
    )
    one, other = plan(asked), plan(replace(asked, phasor_limits=turned))
    for bound, value in ((one.bound, other.objective), (other.bound, one.objective)):
        assert bound is not None
        assert value is not None
        assert bound <= value + 1e-6


@given(with_vectors(sites()))
@few
def test_energy_and_shortfall_make_up_the_need(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        assert abs(energy_kwh(asked, one, session) + session.shortfall_kwh - one.energy_kwh) <= 1e-5
