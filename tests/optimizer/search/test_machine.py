"""HiGHS as the search uses it."""

from __future__ import annotations

import highspy

from optimizer.model.formulation import formulate
from optimizer.problem.horizon import horizon
from optimizer.search.machine import Machine
from tests.benchmarks.sites import made_up_request

SPENT_S = 0.5


def test_a_linear_program_has_its_own_time_whatever_was_spent_on_those_before():
    program = formulate(horizon(made_up_request(10)))
    machine = Machine(program, program.quantum)
    while machine.highs.getRunTime() < SPENT_S:
        machine.highs.clearSolver()
        machine.run(600.0)
    machine.highs.clearSolver()
    assert machine.run(SPENT_S) == highspy.HighsModelStatus.kOptimal
