"""Covers: inequalities that the relaxation breaks where a limit leaves too little for one more minimum.

Take a limit sum_i a_i p_i <= C and split those below it into O and J. If all of O at its maximum, U = sum_O a_i max_i, leaves less
than the smallest load l = min_J a_i least_i that anybody of J can be, r = C - U in [0, l), then every plan keeps

    sum_O a_i p_i + (1 - r / l) sum_J a_i p_i <= U

because J takes nothing, or at least l and then O at most C less that (a flow cover with the minimum lifted in; Padberg, Van Roy and
Wolsey, Valid linear inequalities for fixed charge problems, 1985). The relaxation gives r to somebody of J instead, who cannot use it.
What delivers below the limit adds to C, and to U as well: it keeps its coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import SEMI_CONTINUOUS, SEMI_INTEGER
from optimizer.problem.horizon import Floats, Horizon, Ints

TOLERANCE = 1e-6
"""Values below this are off."""

LEAST_BROKEN_KW = 1e-4
"""Inequalities that are broken by less are not worth a row."""


@dataclass(frozen=True)
class Covers:
    """`rows` @ columns <= `most`; `loose`: infinite where the limit is on the safe side of what it stands for, as then nothing is
    proven by them."""

    rows: csr_array
    most: Floats
    loose: Floats


def with_covers(program: LinearProgram, horizon: Horizon, values: Floats) -> LinearProgram | None:
    """The program with a row for every cover that `values` (per column) break most, after its rows; None if they break none."""
    covers = broken_covers(program, horizon, values)
    return program.with_rows("cover", covers.rows, covers.most, loose=covers.loose) if len(covers.most) else None


def broken_covers(program: LinearProgram, horizon: Horizon, values: Floats) -> Covers:
    """Of every limit and step in which somebody lies between off and minimum the cover that is broken most, if any is."""
    least = np.where(np.isin(program.kind, (SEMI_CONTINUOUS, SEMI_INTEGER)), program.least, 0.0)
    least[program.columns["power"]] = horizon.slots.least_kw
    between = ((values > TOLERANCE) & (values < least - TOLERANCE)).astype(np.float64)
    part = program.rows.get("limit", slice(0, 0))
    limits = csr_array(program.matrix[part])
    (chosen,) = np.nonzero(abs(limits) @ between)
    limits, headroom = csr_array(limits[chosen]), program.row_upper[part][chosen]
    queue = _Queue.of(limits, values, least, program.upper)
    first, factor = queue.broken_most(headroom, _delivered(limits, values))
    (kept,) = np.nonzero(first >= 0)
    loose = np.where(program.loose[part][chosen][kept] > 0, np.inf, 0.0)
    return Covers(queue.lifted(limits, first, factor)[kept], queue.full[first[kept]], loose)


def _delivered(limits: csr_array, values: Floats) -> Floats:
    return np.asarray(limits.minimum(0) @ values)


@dataclass(frozen=True)
class _Queue:
    """Who draws below limits, one limit `row` after the other, in the order in which they are put into O: who always may be on, then
    the nearest to their maximum.

    `entry[q]`: where in the limits' entries; `load[q]` now, `full[q]` [kW]: the maximums of all before q below the same limit, and
    `inside[q]` their loads; `smallest[q]`: the smallest load of q and all after it.
    """

    row: Ints
    entry: Ints
    load: Floats
    full: Floats
    inside: Floats
    smallest: Floats

    @classmethod
    def of(cls, limits: csr_array, values: Floats, least: Floats, most: Floats) -> _Queue:
        row_of = np.repeat(np.arange(limits.shape[0]), np.diff(limits.indptr))
        (draws,) = np.nonzero(limits.data > 0)
        columns = limits.indices[draws]
        to_maximum = -values[columns] / np.maximum(most[columns], TOLERANCE)
        order = np.lexsort((to_maximum, least[columns] > 0, row_of[draws]))
        entry, column = draws[order], columns[order]
        row, shares = row_of[entry], limits.data[entry]
        load = shares * values[column]
        full, inside = _before(row, shares * most[column]), _before(row, load)
        return cls(row, entry, load, full, inside, _least_from(row, shares * least[column]))

    def broken_most(self, headroom: Floats, delivered: Floats) -> tuple[Ints, Floats]:
        """Per limit the first of J in the cover that is broken most (-1: none is), and the factor of J in it."""
        left = headroom[self.row] - self.full
        fits = (left >= 0) & (left < self.smallest)
        factor = np.where(fits, 1.0 - left / np.where(fits, self.smallest, 1.0), 1.0)
        drawn = np.bincount(self.row, self.load, len(headroom))
        broken_by = self.inside + factor * (drawn[self.row] - self.inside) + delivered[self.row] - self.full
        broken_by = np.where(fits & (broken_by > LEAST_BROKEN_KW), broken_by, 0.0)
        most = np.zeros(len(headroom))
        np.maximum.at(most, self.row, broken_by)
        (best,) = np.nonzero((broken_by > 0) & (broken_by == most[self.row]))
        first, chosen = np.full(len(headroom), -1), np.ones(len(headroom))
        first[self.row[best[::-1]]] = best[::-1]
        chosen[self.row[best[::-1]]] = factor[best[::-1]]
        return first, chosen

    def lifted(self, limits: csr_array, first: Ints, factor: Floats) -> csr_array:
        """The limits with everybody from `first` on counted `factor` times."""
        others = np.arange(len(self.row)) >= np.where(first < 0, len(self.row), first)[self.row]
        shares = limits.data.copy()
        shares[self.entry[others]] *= factor[self.row[others]]
        return csr_array((shares, limits.indices, limits.indptr), shape=limits.shape)


def _before(row: Ints, quantity: Floats) -> Floats:
    """The sum of all before each in its row; rows ascend."""
    before = np.cumsum(quantity) - quantity
    return np.asarray(before - before[np.searchsorted(row, row)])


def _least_from(row: Ints, quantity: Floats) -> Floats:
    """The least of each and all after it in its row; rows ascend. By rank, so that one pass serves all rows."""
    order = np.argsort(quantity, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    behind = row * len(order)
    least = np.minimum.accumulate((behind + rank)[::-1])[::-1] - behind
    return np.asarray(quantity[order[least]])
