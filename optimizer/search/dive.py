"""Diving: what the relaxation leaves between off and minimum is decided, the relaxation solved again from its last basis, until
nothing is left undecided. Each decision costs something, so that what the columns cost on the way down is less than at its end.

Deciding for "on" settles nearly everything at once: a session takes the energy its slot is raised by from slots well above the
minimum, while turning a slot off moves the little it had into another slot that was off, undecided again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.narrowing import TOLERANCE, Narrowing
from optimizer.search.relaxing import Relaxation, Vertex
from optimizer.search.solve import Solver

MOST_ROUNDS = 20
"""What is still undecided then is left to rounding; four to six rounds settle nearly every site."""

WORTH_TURNING_ON = 0.25
"""Share of the minimum below which the first round turns off; later rounds turn on whatever fits."""

WORTH_GIVING = 0.5
"""The same in every round where vehicles may give back, which makes turning on dear: what is left then is for `near`."""


@dataclass(frozen=True)
class Dived:
    """What was decided, and the cheapest columns with it: power off or at least at its minimum but for what the limits or the time
    left undecided."""

    state: Narrowing
    vertex: Vertex


def dive(
    solver: Solver, horizon: Horizon, relaxation: Relaxation, start_kw: Floats | None = None, most: float = np.inf
) -> Dived:
    """From the relaxation down, given up at an objective above `most` [money]. Near a plan of `start_kw` (setpoints per slot [kW])
    less has to be decided: what is on in both stays on, but for the steps in which needs are met."""
    program, values = solver.program, relaxation.values
    top = Vertex(values, np.zeros_like(values), float(program.cost @ values))
    begun = Dived(Narrowing(program, horizon, values), top)
    begun = _directed(solver, begun)
    if start_kw is not None:
        power, values = program.columns["power"], begun.vertex.values
        on = (start_kw > TOLERANCE) & (values[power] > TOLERANCE)
        kept = np.setdiff1d(power.start + np.flatnonzero(on), begun.state.completing(values))
        begun.state.turn_all_on(kept)
    return settle(solver, begun, WORTH_TURNING_ON, most)


def _directed(solver: Solver, begun: Dived) -> Dived:
    """With every yes or no settled that the topics settle first, until the cheapest columns with it leave none open."""
    state, vertex = begun.state, begun.vertex
    for _ in range(MOST_ROUNDS):
        if not state.settle(vertex.values):
            break
        found = solver.narrow(state.lower, state.upper)
        if found is None:
            break
        vertex = found
    return Dived(state, vertex)


def settle(solver: Solver, begun: Dived, worth: float, most: float = np.inf) -> Dived:
    """Decide until nothing is undecided or the objective above `most` [money], in the first round only for what is `worth` that share
    of its minimum."""
    reached = begun
    for turn in range(MOST_ROUNDS):
        if reached.vertex.objective > most:
            break
        least = WORTH_GIVING if gives(solver.program) else 0.0
        found = _decided(solver, reached, max(worth if turn == 0 else 0.0, least)) or _decided(solver, reached, np.inf)
        if found is None:
            break
        reached = _directed(solver, found)
    return reached


def gives(program: LinearProgram) -> bool:
    """Whether vehicles may give back."""
    return bool(program.index.get("give"))


def _decided(solver: Solver, reached: Dived, worth: float) -> Dived | None:
    """One round further; None if there is nothing to decide, or no columns are left (what several give may be more than there is)."""
    state = reached.state.copy()
    if not state.decide(reached.vertex.values, worth):
        return None
    vertex = solver.narrow(state.lower, state.upper)
    return None if vertex is None else Dived(state, vertex)
