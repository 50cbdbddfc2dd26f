"""The relaxation: solved in kW, and a proof wherever it stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpms.domain.errors import PlanFailed
from optimizer.model.formulation import formulate
from optimizer.model.kinds import SEMI_INTEGER
from optimizer.problem.horizon import horizon
from optimizer.search.certify import keeps_rows
from optimizer.search.machine import Machine
from optimizer.search.solve import Domain, Solver
from tests.benchmarks.sites import made_up_request

ASKED = made_up_request(30, steps=48, scarce=True)
PROBLEM = horizon(ASKED)
PROGRAM = formulate(PROBLEM)


@pytest.mark.parametrize("unit", [1.0, 0.01, 50.0])
def test_a_program_is_the_same_in_any_unit(unit: float):
    machine, relaxed = Machine(PROGRAM, np.full(len(PROGRAM.cost), unit)), Solver(PROGRAM, PROBLEM).relax()
    machine.run(60.0)
    assert machine.objective == pytest.approx(float(PROGRAM.cost @ relaxed.values))
    assert machine.objective == pytest.approx(float(PROGRAM.cost @ machine.values))
    assert keeps_rows(PROGRAM, machine.values)


@pytest.mark.parametrize("most_iterations", [1, 100, 300, 600, 100_000])
def test_wherever_simplex_stops_what_its_prices_prove_holds(most_iterations: int):
    solver = Solver(PROGRAM, PROBLEM)
    best = float(PROGRAM.cost @ Solver(PROGRAM, PROBLEM).relax().values)
    solver.machine.set("simplex_iteration_limit", most_iterations)
    solver.machine.run(60.0)
    assert solver.proven() <= best + 1e-6
    assert solver.proven() == pytest.approx(best) or most_iterations < 100_000


def test_nothing_is_proven_before_anything_was_tried():
    solver = Solver(PROGRAM, horizon(replace(ASKED, time_limit_s=1e-9)))
    with pytest.raises(PlanFailed, match="no time"):
        solver.relax()
    assert solver.proven() == -np.inf


def test_choosing_leaves_the_relaxation_as_it_is():
    solver = Solver(PROGRAM, PROBLEM)
    relaxed = solver.relax()
    slots = PROBLEM.slots
    kind = np.full(len(slots.need), SEMI_INTEGER, dtype=np.uint8)
    chosen = solver.choose(Domain(slots.least_kw, slots.most_kw, kind), np.inf, 5.0)
    again = solver.narrow(PROGRAM.lower, PROGRAM.upper)
    assert chosen is not None
    assert again is not None
    assert again.objective == pytest.approx(float(PROGRAM.cost @ relaxed.values))
