"""What a mixed-integer program may choose among: near a solution, and never without it."""

from __future__ import annotations

import numpy as np

from optimizer.model.kinds import CONTINUOUS, INTEGER
from optimizer.problem.horizon import horizon
from optimizer.search.domains import setpoints_near
from tests.optimizer.requests import need, request


def test_setpoints_are_chosen_around_what_is_on_and_what_is_drawn_in_the_last_step_is_free():
    problem = horizon(request(need("a", 21.0, step_a=1.0)))
    quantum = problem.slots.quantum_kw[0]
    power_kw = np.array([11.5 * quantum, 8.0 * quantum, 0.0, 0.0])
    power_kw[2] = 21.0 - power_kw.sum()
    known_kw = np.array([12.0, 8.0, 12.0, 0.0]) * quantum
    near = setpoints_near(problem, power_kw, np.zeros(4), known_kw, 1)
    assert near.kind.tolist() == [INTEGER, INTEGER, CONTINUOUS, INTEGER]
    assert np.rint(near.least_kw / quantum).tolist() == [10, 7, 0, 0]
    assert np.rint(near.most_kw / quantum).tolist()[:2] == [13, 9]
    assert near.most_kw[2] >= known_kw[2]
    assert near.most_kw[3] == 0.0
