"""What holds when all that a site can have comes together: batteries, vehicles that give, contracts, meters, uncertain load."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.plan import FeederCap, PlanRequest
from optimizer import plan
from tests.optimizer.model.topics.test_closed_forms import contracted
from tests.optimizer.oracle import exceeded_limits
from tests.optimizer.test_promises import few, numbers
from tests.optimizer.test_site_promises import batteries, givers


@st.composite
def whole_sites(draw: st.DrawFn) -> PlanRequest:
    asked = draw(contracted())
    return replace(
        asked,
        time_limit_s=1.0,
        needs=tuple(draw(st.just(one) | givers(one)) for one in asked.needs),
        batteries=(draw(batteries("b")),),
    )


@given(whole_sites())
@few
def test_there_is_always_a_plan_within_every_limit_and_above_its_bound(asked: PlanRequest):
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert made.objective is not None
    assert made.bound is not None
    assert made.bound <= made.objective
    assert sum(made.cost_by_term.values()) == pytest.approx(made.objective)


@given(whole_sites(), numbers(0.1, 30))
@few
def test_more_grid_still_never_costs_more_than_the_gap(asked: PlanRequest, more: float):
    wider = replace(asked, feeders=tuple(_widened(cap, more) for cap in asked.feeders))
    tight, wide = plan(asked), plan(wider)
    assert tight.objective is not None
    assert wide.bound is not None
    if any(limit.direction.value == "import" for limit in tight.relaxed):
        return  # what nothing relieves is not paid for, and so cannot be saved
    assert wide.bound <= tight.objective + 1e-6


def _widened(cap: FeederCap, more: float) -> FeederCap:
    return replace(
        cap,
        limit_a=tuple(limit + more for limit in cap.limit_a),
        import_kw=tuple(None if limit is None else limit + more for limit in cap.import_kw),
        export_kw=tuple(None if limit is None else limit + more for limit in cap.export_kw),
    )
