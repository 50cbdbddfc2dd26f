"""The whole choice, where slots are few: who is on, what a vehicle draws, and beside it what it is permitted, which is what limits
have to admit.

A setpoint is 0 or at least the minimum, and a vehicle draws all of it, but for the step in which its need is met. The relaxation
lets it draw and take up less, which at small sites and short stays is most of the certificate's gap. For slots s with a minimum:

    power[s] <= most_drawn[s] on[s],   least[s] on[s] <= permitted[s],   power[s] <= permitted[s],   on[s] in {0, 1}

and, but for vehicles that may draw less than they are told by themselves, with stops[s] in {0, 1} where the need is met:

    least[s] (on[s] - stops[s]) <= power[s],   permitted[s] - power[s] <= least[s] stops[s],   stops[s] <= on[s]
    on[s] + sum of stops[r] over the slots r before s <= 1,   sum_s stops[s] + (short + deep) / need_kwh <= 1

Vehicles that may give back go on until they are full: instead of the last two, full_kwh stops[s] <= held[s].

where the permission is a setpoint of a list, the widest step of the list takes the place of the minimum in the second one, and

    sum_j level[s, j] setpoint[j] = permitted[s],   sum_j level[s, j] = on[s],   level[s, j] in {0, 1}

Limits count permitted[s] instead of power[s]. Every plan satisfies this with what it draws and permits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array, diags_array, eye_array

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, INTEGER
from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.search.levels import Rows, choosing, levels_of, listed

STOPPING_KW = 1e-6
"""Drawing less than is permitted by less than this is drawing all of it."""

LEAST_NEED_KWH = 1e-3
"""Shares are of no less: a need that is next to nothing is not worth dividing by."""

UNIT_KW, TINY_STEPS = 1e-6, 1e-6
"""Setpoints are whole multiples of the first; within so much of a multiple a limit is one."""


@dataclass(frozen=True)
class Family:
    """Columns that cost nothing: their `index`, from 0 to `most`, and of which kind."""

    index: list[Any]
    most: Floats
    kind: int


def with_permissions(program: LinearProgram, horizon: Horizon) -> LinearProgram:
    """The program with families `on`, `permitted` [kW] and `stops` after its columns, over the slots that have a minimum, and `level`
    over those whose station knows a list of setpoints, and these."""
    slots = horizon.slots
    (s,) = np.nonzero((slots.least_kw > 0) & (slots.hours > 0))
    k = np.flatnonzero(_draws_all(horizon)[slots.need[s]])
    levels = listed(horizon, s)
    rows = [
        _counting_permitted(program, horizon, s),
        *_permitting(program, horizon, s),
        *_stopping(program, horizon, s, k),
    ]
    rows = [([*blocks, None], right) for blocks, right in rows] + choosing(horizon, s, levels)
    families = {
        "on": Family(s.tolist(), np.ones(len(s)), INTEGER),
        "permitted": Family(s.tolist(), slots.most_kw[s], CONTINUOUS),
        "stops": Family(s[k].tolist(), _may_stop(horizon)[slots.need[s[k]]], INTEGER),
        "level": Family(np.column_stack(levels).tolist(), np.ones(len(levels.slot)), INTEGER),
    }
    return _extended(program, families, rows)


def _extended(program: LinearProgram, families: dict[str, Family], rows: list[Rows]) -> LinearProgram:
    """The program with families after its columns, and `rows` over all of them, the first of which are its own, instead of its own."""
    width, most = program.matrix.shape[1], np.concatenate([right for _, right in rows])
    ends = (width + np.cumsum([0, *(len(one.index) for one in families.values())])).tolist()
    places, added = map(slice, ends[:-1], ends[1:]), ends[-1] - width
    kinds = [np.full(len(one.index), one.kind) for one in families.values()]
    return replace(
        program,
        term_cost=csr_array(block_array([[program.term_cost, csr_array((program.term_cost.shape[0], added))]])),
        matrix=csr_array(block_array([blocks for blocks, _ in rows], format="csr")),
        row_lower=np.append(program.row_lower, np.full(len(most) - len(program.row_lower), -np.inf)),
        row_upper=most,
        loose=np.append(program.loose, np.zeros(len(most) - len(program.loose))),
        lower=np.append(program.lower, np.zeros(added)),
        upper=np.concatenate([program.upper, *(one.most for one in families.values())]),
        kind=np.concatenate([program.kind, *kinds]).astype(np.uint8),
        least=np.append(program.least, np.zeros(added)),
        quantum=np.append(program.quantum, np.ones(added)),
        columns={**program.columns, **dict(zip(families, places, strict=True))},
        index={**program.index, **{name: one.index for name, one in families.items()}},
    )


def _counting_permitted(program: LinearProgram, horizon: Horizon, s: Ints) -> Rows:
    """The program's own rows, limits over what is permitted, which adds up to whole multiples of what all setpoints are; in vector
    sums they have no common measure."""
    common_kw, turned = horizon.common_kw(), set(horizon.limits.vector_sums.tolist())
    power = program.columns["power"].start + s
    is_limit = np.zeros(program.matrix.shape[0])
    for family in ("limit", "cover"):
        is_limit[program.rows.get(family, slice(0, 0))] = 1.0
    moved = csr_array(program.matrix[:, power].multiply(is_limit[:, None]))
    rest = csr_array(program.matrix - moved @ _drawn(program, s))
    rest.eliminate_zeros()
    most = program.row_upper.copy()
    for row, (limit, _) in enumerate(program.row_index.get("limit", ()), program.rows.get("limit", slice(0, 0)).start):
        if rest.indptr[row] == rest.indptr[row + 1] and limit not in turned:
            part = slice(moved.indptr[row], moved.indptr[row + 1])
            most[row] = _floored(most[row], moved.data[part] * common_kw[s[moved.indices[part]]])
    return [rest, None, moved, None], most


def _floored(most: float, units: Floats) -> float:
    """The highest sum of multiples of `units` that is not above `most`, as far as their common measure says."""
    measure = int(np.gcd.reduce(np.rint(units / UNIT_KW).astype(np.int64)))
    return float(np.floor(most / (measure * UNIT_KW) + TINY_STEPS) * measure * UNIT_KW) if measure > 0 else most


def _permitting(program: LinearProgram, horizon: Horizon, s: Ints) -> list[Rows]:
    """Between what is drawn, whether it is on, and what is permitted."""
    drawn, one, zero = _drawn(program, s), eye_array(len(s)), np.zeros(len(s))
    return [
        ([drawn, -diags_array(most_drawn_kw(horizon)[s]), None, None], zero),
        ([None, diags_array(horizon.slots.least_kw[s]), -one, None], zero),
        ([drawn, None, -one, None], zero),
    ]


def _stopping(program: LinearProgram, horizon: Horizon, s: Ints, k: Ints) -> list[Rows]:
    """All of it is drawn but in the last slot, of `s[k]`, and in that only where the need is met."""
    slots, zero, one = horizon.slots, np.zeros(len(k)), eye_array(len(k))
    chosen = csr_array((np.ones(len(k)), (np.arange(len(k)), k)), shape=(len(k), len(s)))
    drawn, least = _drawn(program, s[k]), diags_array(slots.least_kw[s[k]])
    widest = diags_array(_widest_kw(horizon)[s[k]])
    need = slots.need[s[k]]
    gives = horizon.gives_kw[need] > 0
    earlier = (need[:, None] == need[None, :]) & (np.arange(len(k))[:, None] > np.arange(len(k))[None, :])
    earlier = csr_array(earlier & ~gives[:, None])
    met, lacking = _met(program, horizon, np.where((_may_stop(horizon)[need] > 0) & ~gives, need, -1))
    full, holding = _full(program, horizon, s[k], np.flatnonzero(gives))
    return [
        ([-drawn, least @ chosen, None, -least], zero),
        ([-drawn, None, chosen, -widest], zero),
        ([None, -chosen, None, one], zero),
        ([None, chosen, None, earlier.astype(np.float64)], np.ones(len(k))),
        ([lacking, None, None, met], np.ones(met.shape[0])),
        ([-holding, None, None, full], np.zeros(full.shape[0])),
    ]


def _met(program: LinearProgram, horizon: Horizon, need: Ints) -> tuple[csr_array, csr_array]:
    """Which stops are whose, and the share of a need that it lacks; a row for each need (-1: none)."""
    (of,) = np.nonzero(need >= 0)
    needs, row = np.unique(need[of], return_inverse=True)
    met = csr_array((np.ones(len(of)), (row, of)), shape=(len(needs), len(need)))
    at = np.searchsorted(program.places("short")[0], needs)
    columns = np.concatenate([program.columns[family].start + at for family in ("short", "deep")])
    share, rows = (
        np.tile(1.0 / np.maximum(horizon.need_kwh[needs], LEAST_NEED_KWH), 2),
        np.tile(np.arange(len(needs)), 2),
    )
    return met, csr_array((share, (rows, columns)), shape=(len(needs), program.matrix.shape[1]))


def _full(program: LinearProgram, horizon: Horizon, s: Ints, of: Ints) -> tuple[csr_array, csr_array]:
    """Where vehicles that may give back stop, times what they hold when full [kWh], and what they hold; a row for each of the slots
    `s[of]`."""
    rows, full_kwh = np.arange(len(of)), [horizon.held[n].curve.full_kwh for n in horizon.slots.need[s[of]].tolist()]
    columns = program.columns["held"].start + np.searchsorted(program.places("held")[0], s[of]) if len(of) else of
    full = csr_array((np.array(full_kwh), (rows, of)), shape=(len(of), len(s)))
    return full, csr_array((np.ones(len(of)), (rows, columns)), shape=(len(of), program.matrix.shape[1]))


def _drawn(program: LinearProgram, s: Ints) -> csr_array:
    """Picks the power of slots."""
    columns = program.columns["power"].start + s
    return csr_array((np.ones(len(s)), (np.arange(len(s)), columns)), shape=(len(s), program.matrix.shape[1]))


def _draws_all(horizon: Horizon) -> NDArray[np.bool_]:
    """Whether each need's vehicle draws what it is told, until its need is met, or it is full if it may give back."""
    draws = np.ones(len(horizon.need_kwh), dtype=np.bool_)
    draws[horizon.tapering] = False
    return draws


def _widest_kw(horizon: Horizon) -> Floats:
    """How much more than a vehicle draws of the rest of its need is permitted at most, per slot [kW]."""
    slots, widest_kw = horizon.slots, horizon.slots.least_kw.copy()
    for n in horizon.special:
        levels, mine = horizon.conduct[n].grid.levels, slots.of(n)
        if levels is not None:
            widest_kw[mine] = np.diff(levels, prepend=0.0).max() * slots.quantum_kw[mine]
    return widest_kw


def _may_stop(horizon: Horizon) -> Floats:
    """1 for each need that can be met, and for vehicles that may be full."""
    return ((horizon.gives_kw > 0) | (horizon.need_kwh > 0)).astype(np.float64)


def permitted_kw(program: LinearProgram, values: Floats) -> Floats:
    """What columns of such a program permit in each slot [kW]."""
    permitted: Floats = values[program.columns["power"]].copy()
    permitted[program.places("permitted")] = values[program.columns["permitted"]]
    return permitted


def with_permits(program: LinearProgram, values: Floats, setpoint_kw: Floats) -> Floats:
    """Columns of such a program from those of the program it was made of, and setpoints [kW] that the stations know."""
    power = program.columns["power"]
    drawn_kw = values[power]
    permitted_kw = np.where(drawn_kw > 0, setpoint_kw, 0.0)
    less = permitted_kw > drawn_kw + STOPPING_KW
    on, permitted, stops = (program.places(family) for family in ("on", "permitted", "stops"))
    levels = levels_of(program)
    chosen = np.rint(permitted_kw[levels.slot] / program.quantum[power][levels.slot]) == levels.multiple
    return np.concatenate([values, (drawn_kw > 0)[on], permitted_kw[permitted], less[stops], chosen])


def most_drawn_kw(horizon: Horizon) -> Floats:
    """Most that a vehicle can draw in a slot [kW]: no more than it needs, where that is known."""
    slots = horizon.slots
    known = (horizon.certain > 0) & (horizon.gives_kw <= 0)
    needed_kw = horizon.need_kwh[slots.need] / np.where(slots.hours > 0, slots.hours, 1.0)
    return np.where(known[slots.need], np.minimum(slots.most_kw, needed_kw), slots.most_kw)
