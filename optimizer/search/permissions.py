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

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array, diags_array, eye_array

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, INTEGER
from optimizer.problem.horizon import Floats, Horizon, Ints

STOPPING_KW = 1e-6
"""Drawing less than is permitted by less than this is drawing all of it."""

LEAST_NEED_KWH = 1e-3
"""Shares are of no less: a need that is next to nothing is not worth dividing by."""

Block = list[csr_array | None]


def with_permissions(program: LinearProgram, horizon: Horizon) -> LinearProgram:
    """The program with families `on`, `permitted` [kW] and `stops` after its columns, over the slots that have a minimum, and `level`
    over those whose station knows a list of setpoints, and these."""
    slots, width = horizon.slots, program.matrix.shape[1]
    (s,) = np.nonzero((slots.least_kw > 0) & (slots.hours > 0))
    k = np.flatnonzero(_draws_all(horizon)[slots.need[s]])
    levels = listed(horizon, s)
    rows = [_counting_permitted(program, s), *_permitting(program, horizon, s), *_stopping(program, horizon, s, k)]
    rows = [([*blocks, None], right) for blocks, right in rows] + _choosing(horizon, s, levels)
    matrix = csr_array(block_array([blocks for blocks, _ in rows], format="csr"))
    most = np.concatenate([right for _, right in rows[1:]])
    families = {"on": s, "permitted": s, "stops": s[k], "level": levels.slot}
    indices = {name: one.tolist() for name, one in families.items()} | {"level": np.column_stack(levels).tolist()}
    ends = (width + np.cumsum([0, *map(len, families.values())])).tolist()
    places, added = map(slice, ends[:-1], ends[1:]), ends[-1] - width
    kinds = [np.full(len(one), CONTINUOUS if name == "permitted" else INTEGER) for name, one in families.items()]
    return replace(
        program,
        term_cost=csr_array(block_array([[program.term_cost, csr_array((program.term_cost.shape[0], added))]])),
        matrix=matrix,
        row_lower=np.append(program.row_lower, np.full(len(most), -np.inf)),
        row_upper=np.append(program.row_upper, most),
        lower=np.append(program.lower, np.zeros(added)),
        upper=np.concatenate(
            [program.upper, _one(s), slots.most_kw[s], _may_stop(horizon)[slots.need[s[k]]], _one(levels.slot)]
        ),
        kind=np.concatenate([program.kind, *kinds]).astype(np.uint8),
        least=np.append(program.least, np.zeros(added)),
        quantum=np.append(program.quantum, np.ones(added)),
        columns={**program.columns, **dict(zip(families, places, strict=True))},
        index={**program.index, **indices},
    )


Rows = tuple[Block, Floats]
"""Coefficients of the program's own columns, of `on`, `permitted`, `stops` and `level`, and what rows are at most."""


class Levels(NamedTuple):
    """Every setpoint of a list, in multiples of its quantum, in every slot that knows it."""

    slot: Ints
    multiple: Ints


def listed(horizon: Horizon, s: Ints) -> Levels:
    """Of the slots `s` those with a list, and their setpoints."""
    slot, multiple = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for one in s.tolist():
        levels = horizon.conduct[int(horizon.slots.need[one])].grid.levels
        if levels is not None:
            slot.append(np.full(len(levels), one))
            multiple.append(levels.astype(np.int64))
    return Levels(np.concatenate(slot), np.concatenate(multiple))


def _one(places: Ints) -> Floats:
    return np.ones(len(places))


def _choosing(horizon: Horizon, s: Ints, levels: Levels) -> list[Rows]:
    """What is permitted is one setpoint of the list where it is on, and none where it is off."""
    inside, row = np.unique(levels.slot, return_inverse=True)
    count, zero = len(inside), np.zeros(len(inside))
    setpoint_kw = levels.multiple * horizon.slots.quantum_kw[levels.slot]
    at = csr_array((np.ones(count), (np.arange(count), np.searchsorted(s, inside))), shape=(count, len(s)))
    shape, places = (count, len(levels.slot)), (row, np.arange(len(levels.slot)))
    setpoints, any_ = (csr_array((part, places), shape=shape) for part in (setpoint_kw, _one(levels.slot)))
    return [
        ([None, None, at, None, -setpoints], zero),
        ([None, None, -at, None, setpoints], zero),
        ([None, at, None, None, -any_], zero),
        ([None, -at, None, None, any_], zero),
    ]


def _counting_permitted(program: LinearProgram, s: Ints) -> Rows:
    """The program's own rows, limits over what is permitted."""
    power = program.columns["power"].start + s
    is_limit = np.zeros(program.matrix.shape[0])
    for family in ("limit", "cover"):
        is_limit[program.rows.get(family, slice(0, 0))] = 1.0
    moved = csr_array(program.matrix[:, power].multiply(is_limit[:, None]))
    return [program.matrix - moved @ _drawn(program, s), None, moved, None], program.row_upper


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
    slot, multiple = np.array(program.index["level"], dtype=np.int64).reshape(-1, 2).T
    chosen = np.rint(permitted_kw[slot] / program.quantum[power][slot]) == multiple
    return np.concatenate([values, (drawn_kw > 0)[on], permitted_kw[permitted], less[stops], chosen])


def most_drawn_kw(horizon: Horizon) -> Floats:
    """Most that a vehicle can draw in a slot [kW]: no more than it needs, where that is known."""
    slots = horizon.slots
    known = (horizon.certain > 0) & (horizon.gives_kw <= 0)
    needed_kw = horizon.need_kwh[slots.need] / np.where(slots.hours > 0, slots.hours, 1.0)
    return np.where(known[slots.need], np.minimum(slots.most_kw, needed_kw), slots.most_kw)
