"""Parts of a plan decided anew: large enough to gain something, and everybody has a turn."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from optimizer.model.formulation import formulate
from optimizer.problem.horizon import horizon
from optimizer.search.completion import at_rest
from optimizer.search.neighbourhoods import OPEN_SLOTS, neighbourhoods
from optimizer.search.permissions import permitted_kw
from optimizer.search.rules import rule_setpoints_kw
from optimizer.search.solve import Solver
from optimizer.search.whole import Whole
from tests.benchmarks.sites import made_up_request
from tests.optimizer.requests import need, request


def test_every_slot_is_open_before_long_and_never_all_of_a_large_site():
    slots = (problem := horizon(made_up_request(20))).slots
    parts = list(islice(neighbourhoods(problem), 40))
    assert all(OPEN_SLOTS <= part.sum() < len(slots.need) for part in parts[0::2])
    assert np.logical_or.reduce(parts[0::2]).all()
    assert np.logical_or.reduce(parts[1::2]).all()


def test_a_small_site_is_open_altogether():
    assert next(neighbourhoods(horizon(request(need("a"), need("b"))))).all()


@pytest.mark.parametrize("scarce", [False, True])
def test_slots_that_are_not_open_stay_as_they_are_and_nothing_gets_dearer(scarce: bool):
    asked = made_up_request(6, steps=48, step_min=30, scarce=scarce, step_a=1.0)
    asked = replace(asked, needs=tuple(replace(one, setpoints_a=(0.0, 6.0, 10.0, 16.0, 32.0)) for one in asked.needs))
    problem = horizon(replace(asked, time_limit_s=20.0))
    program = formulate(problem)
    best = at_rest(program, problem, rule_setpoints_kw(problem))
    free = problem.slots.need < 3
    whole = Whole(Solver(program, problem), problem)
    values = whole.around(best, free, 10.0)
    assert values is not None
    assert program.cost @ values[: len(program.cost)] <= best.cost + 1e-6
    drawn_kw = best.values[program.columns["power"]]
    kept = ~free & (drawn_kw > 0)
    assert permitted_kw(whole.program, values)[kept] == pytest.approx(best.setpoint_kw[kept])
