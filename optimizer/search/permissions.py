"""A tighter relaxation: what a vehicle draws, and beside it what it is permitted, which is what limits have to admit.

A setpoint is 0 or at least the minimum, however little a vehicle still needs. The relaxation lets it take up less of a limit, which
at small sites and short stays is most of the certificate's gap. For slots s with a minimum:

    power[s] <= most_drawn[s] on[s],   least[s] on[s] <= permitted[s],   power[s] <= permitted[s],   on[s] in {0, 1}

and limits count permitted[s] instead of power[s]. Every plan satisfies this with what it draws and permits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import block_array, csr_array, diags_array, eye_array

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, INTEGER
from optimizer.problem.horizon import Floats, Horizon


def with_permissions(program: LinearProgram, horizon: Horizon) -> LinearProgram:
    """The program with families `on` and `permitted` [kW] after its columns, over the slots that have a minimum."""
    slots = horizon.slots
    (s,) = np.nonzero((slots.least_kw > 0) & (slots.hours > 0))
    count, power = len(s), program.columns["power"].start + s
    moved = program.matrix[:, power].multiply(_is_limit(program)[:, None])
    drawn = csr_array((np.ones(count), (np.arange(count), power)), shape=(count, program.matrix.shape[1]))
    kept = program.matrix - moved @ drawn
    one = eye_array(count)
    matrix = block_array(
        [
            [kept, None, moved],
            [drawn, -diags_array(most_drawn_kw(horizon)[s]), None],
            [None, diags_array(slots.least_kw[s]), -one],
            [drawn, None, -one],
        ],
        format="csr",
    )
    nothing, end = np.zeros(2 * count), program.matrix.shape[1]
    return replace(
        program,
        term_cost=csr_array(block_array([[program.term_cost, csr_array((program.term_cost.shape[0], 2 * count))]])),
        matrix=csr_array(matrix),
        row_lower=np.append(program.row_lower, np.full(3 * count, -np.inf)),
        row_upper=np.append(program.row_upper, np.zeros(3 * count)),
        lower=np.append(program.lower, nothing),
        upper=np.concatenate([program.upper, np.ones(count), slots.most_kw[s]]),
        kind=np.append(program.kind, np.repeat(np.array([INTEGER, CONTINUOUS], dtype=np.uint8), count)),
        least=np.append(program.least, nothing),
        quantum=np.append(program.quantum, np.ones(2 * count)),
        columns={**program.columns, "on": slice(end, end + count), "permitted": slice(end + count, end + 2 * count)},
        index={**program.index, "on": s.tolist(), "permitted": s.tolist()},
    )


def permitted_kw(program: LinearProgram, values: Floats) -> Floats:
    """What columns of such a program permit in each slot [kW]."""
    permitted: Floats = values[program.columns["power"]].copy()
    permitted[program.places("permitted")] = values[program.columns["permitted"]]
    return permitted


def most_drawn_kw(horizon: Horizon) -> Floats:
    """Most that a vehicle can draw in a slot [kW]: no more than it needs, where that is known."""
    slots = horizon.slots
    known = (horizon.certain > 0) & (horizon.gives_kw <= 0)
    needed_kw = horizon.need_kwh[slots.need] / np.where(slots.hours > 0, slots.hours, 1.0)
    return np.where(known[slots.need], np.minimum(slots.most_kw, needed_kw), slots.most_kw)


def _is_limit(program: LinearProgram) -> Floats:
    is_limit = np.zeros(program.matrix.shape[0])
    is_limit[program.rows.get("limit", slice(0, 0))] = 1.0
    return is_limit
