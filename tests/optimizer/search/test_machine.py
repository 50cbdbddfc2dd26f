"""HiGHS as the search uses it."""

from __future__ import annotations

import highspy
import numpy as np
import pytest

from optimizer.model.formulation import formulate
from optimizer.model.kinds import CONTINUOUS
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


def test_when_the_time_is_over_a_program_is_not_begun():
    program = formulate(horizon(made_up_request(10, scarce=True)))
    machine = Machine(program, program.quantum)
    semi = np.flatnonzero(program.kind != CONTINUOUS)
    machine.restrict(semi, program.kind[semi])
    assert machine.run(-0.01) == highspy.HighsModelStatus.kTimeLimit
    assert machine.run(0.0) == highspy.HighsModelStatus.kTimeLimit


def test_an_option_that_highs_refuses_is_no_silent_matter():
    program = formulate(horizon(made_up_request(2)))
    with pytest.raises(ValueError, match="time_limit"):
        Machine(program, program.quantum).set("time_limit", -1.0)
