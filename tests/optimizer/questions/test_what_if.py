"""What would be if: warm plans and the interval in which a saving lies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import PlanStatus
from optimizer import plan
from optimizer.planner import solve
from optimizer.questions.memory import Memory
from optimizer.questions.what_if import more_grid, what_if, without_priorities
from tests.benchmarks.sites import made_up_request
from tests.optimizer.oracle import exceeded_limits
from tests.optimizer.requests import feeder, need, request

SCARCE = request(
    need("low", 20.0, min_current_a=0.0),
    need("high", 20.0, min_current_a=0.0, priority=1),
    feeders=(feeder(4, import_kw=6.0),),
)


def test_one_more_kilowatt_saves_what_the_shadow_prices_say():
    before = plan(SCARCE)
    seen = what_if(SCARCE, before, more_grid(1.0))
    assert seen.saving_at_least is not None
    assert seen.saving_at_most is not None
    assert 0 < seen.saving_at_least <= seen.saving <= seen.saving_at_most
    assert seen.saving == pytest.approx(sum(limit.shadow_price_per_kw for limit in before.binding), rel=0.1)
    assert seen.shortfall_change_kwh["low"] == pytest.approx(-4.0, abs=0.5)


def test_asked_of_all_that_was_solved_the_answer_is_as_certain_as_of_the_plan_alone():
    asked = made_up_request(12, steps=24, scarce=True)
    solved = solve(asked)
    quick, slow = (what_if(asked, before, more_grid(2.0)) for before in (solved, solved.plan))
    assert quick.after.bound == pytest.approx(slow.after.bound)
    assert quick.after.gap is not None
    assert quick.after.gap <= asked.gap_target
    assert exceeded_limits(more_grid(2.0)(asked), quick.after) == []


def test_what_was_made_of_a_plan_is_remembered_until_another_one_is_asked_about():
    memory, asked = Memory(), made_up_request(12, steps=24, scarce=True)
    first, other = solve(asked), solve(SCARCE)
    remembered = memory.of(asked, first.plan)
    assert remembered.plan == first.plan
    assert remembered.basis is not None
    assert np.array_equal(remembered.program.row_upper, first.program.row_upper)
    assert memory.of(replace(asked), replace(first.plan)) is remembered
    assert memory.of(SCARCE, other.plan).plan == other.plan
    assert memory.of(asked, first.plan) is not remembered


def test_without_priorities_the_low_one_is_not_worse_off():
    seen = what_if(SCARCE, plan(SCARCE), without_priorities)
    assert seen.shortfall_change_kwh["low"] <= 0.0
    assert seen.shortfall_change_kwh["high"] >= 0.0


def test_a_plan_of_something_else_is_refused():
    with pytest.raises(InvalidInput, match="before"):
        what_if(replace(SCARCE, id="other"), plan(SCARCE), more_grid(1.0))


@pytest.mark.parametrize("scarce", [False, True])
def test_a_warm_plan_keeps_the_limits_that_came_after_the_plan_it_begins_at(scarce: bool):
    asked = made_up_request(12, steps=24, scarce=scarce)
    tightened = replace(
        asked, feeders=tuple(replace(f, limit_a=tuple(0.6 * a for a in f.limit_a)) for f in asked.feeders)
    )
    made = plan(tightened, start=plan(asked))
    assert exceeded_limits(tightened, made) == []


def test_a_warm_plan_begins_where_the_clock_is_now():
    asked = made_up_request(8, steps=24)
    later = replace(
        asked,
        steps=tuple(
            replace(s, starts_at=s.starts_at + timedelta(minutes=15), ends_at=s.ends_at + timedelta(minutes=15))
            for s in asked.steps
        ),
    )
    made = plan(later, start=plan(asked))
    assert made.steps == later.steps
    assert exceeded_limits(later, made) == []


def test_beginning_at_a_good_plan_is_never_worse_than_that_plan():
    asked = made_up_request(12, steps=24)
    first = plan(asked)
    again = plan(replace(asked, time_limit_s=0.3), start=first)
    assert again.objective is not None
    assert first.objective is not None
    assert again.objective <= first.objective + 1e-6


def test_without_time_for_the_solver_the_earlier_plan_goes_on_within_the_limits():
    asked = made_up_request(12, steps=24)
    tightened = replace(
        asked,
        time_limit_s=1e-9,
        feeders=tuple(replace(f, limit_a=tuple(0.5 * a for a in f.limit_a)) for f in asked.feeders),
    )
    made = plan(tightened, start=plan(asked))
    assert made.status is PlanStatus.FALLBACK
    assert "earlier plan" in made.note
    assert exceeded_limits(tightened, made) == []
