"""Diving: what the relaxation leaves between off and minimum is decided, the relaxation solved again from its last basis, until
nothing is left undecided.

Deciding for "on" settles nearly everything at once: a session takes the energy its slot is raised by from slots well above the
minimum, while turning a slot off moves the little it had into another slot that was off, undecided again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.narrowing import TOLERANCE, Narrowing
from optimizer.search.solve import Relaxation, Solver, Vertex

MOST_ROUNDS = 20
"""What is still undecided then is left to rounding; four to six rounds settle nearly every site."""

WORTH_TURNING_ON = 0.25
"""Share of the minimum below which the first round turns off; later rounds turn on whatever fits."""


@dataclass(frozen=True)
class Dived:
    """What was decided, and the cheapest columns with it: power off or at least at its minimum but for what the limits or the time
    left undecided."""

    state: Narrowing
    vertex: Vertex


def dive(solver: Solver, horizon: Horizon, relaxation: Relaxation, start_kw: Floats | None = None) -> Dived:
    """From the relaxation down. Near a plan of `start_kw` (setpoints per slot [kW]) less has to be decided: what is on in both
    stays on."""
    program, values = solver.program, relaxation.values
    lower, upper = settled(program, horizon, values)
    top = Vertex(values, np.zeros_like(values), float(program.cost @ values))
    if np.any(lower > program.lower) or np.any(upper < program.upper):
        top = solver.narrow(lower, upper) or top
    values, state = top.values, Narrowing(program, horizon, top.values, lower, upper)
    if start_kw is not None:
        power = program.columns["power"]
        state.turn_all_on(power.start + np.flatnonzero((start_kw > TOLERANCE) & (values[power] > TOLERANCE)))
    return settle(solver, Dived(state, top), WORTH_TURNING_ON)


def settled(program: LinearProgram, horizon: Horizon, values: Floats) -> tuple[Floats, Floats]:
    """Bounds of the columns in which every yes or no that a topic settles first is settled as the power in `values` suggests."""
    lower, upper = program.lower.copy(), program.upper.copy()
    for topic in program.topics:
        if topic.settled:
            quantities = topic.complete(horizon, values[program.columns["power"]])
            for family in topic.settled:
                lower[program.columns[family]] = quantities[family][program.places(family)]
                upper[program.columns[family]] = lower[program.columns[family]]
    return lower, upper


def settle(solver: Solver, begun: Dived, worth: float) -> Dived:
    """Decide until nothing is undecided, in the first round only for what is `worth` that share of its minimum."""
    state, vertex = begun.state, begun.vertex
    for turn in range(MOST_ROUNDS):
        if not state.decide(vertex.values, worth if turn == 0 else 0.0):
            break
        found = solver.narrow(state.lower, state.upper)
        if found is None:
            break
        vertex = found
    return Dived(state, vertex)
