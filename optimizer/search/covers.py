"""Covers: inequalities that the relaxation breaks where a limit leaves too little for one more minimum.

Take a limit sum_i a_i p_i <= C and split those below it into O and J. If all of O at its maximum, U = sum_O a_i max_i, leaves less
than the smallest load l = min_J a_i least_i that anybody of J can be, r = C - U in [0, l), then every plan keeps

    sum_O a_i p_i + (1 - r / l) sum_J a_i p_i <= U

because J takes nothing, or at least l and then O at most C less that (a flow cover with the minimum lifted in; Padberg, Van Roy and
Wolsey, Valid linear inequalities for fixed charge problems, 1985). The relaxation gives r to somebody of J instead, who cannot use it.
What delivers below the limit adds to C, and to U as well: it keeps its coefficient.
"""

from __future__ import annotations

from collections.abc import Iterator
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
class Cover:
    """sum of coefficients * columns <= most."""

    columns: Ints
    coefficients: Floats
    most: float


def with_covers(program: LinearProgram, horizon: Horizon, values: Floats) -> LinearProgram | None:
    """The program with a row for every cover that `values` (per column) break most, after its rows; None if they break none."""
    covers = list(broken_covers(program, horizon, values))
    if not covers:
        return None
    lengths = [len(cover.columns) for cover in covers]
    entries = np.concatenate([cover.coefficients for cover in covers])
    columns = np.concatenate([cover.columns for cover in covers])
    starts = np.concatenate(([0], np.cumsum(lengths)))
    rows = csr_array((entries, columns, starts), shape=(len(covers), program.matrix.shape[1]))
    return program.with_rows("cover", rows, np.array([cover.most for cover in covers]))


def broken_covers(program: LinearProgram, horizon: Horizon, values: Floats) -> Iterator[Cover]:
    """Of every limit and step in which somebody lies between off and minimum the cover that is broken most, if any is."""
    least = np.where(np.isin(program.kind, (SEMI_CONTINUOUS, SEMI_INTEGER)), program.least, 0.0)
    least[program.columns["power"]] = horizon.slots.least_kw
    between = ((values > TOLERANCE) & (values < least - TOLERANCE)).astype(np.float64)
    limits, matrix = program.rows.get("limit", slice(0, 0)), program.matrix
    for row in (limits.start + np.flatnonzero(abs(matrix[limits]) @ between)).tolist():
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns, shares = matrix.indices[part].astype(np.int64), matrix.data[part]
        found = _broken_most(shares, values[columns], least[columns], program.upper[columns], program.row_upper[row])
        if found is not None:
            yield Cover(columns, *found)


def _broken_most(
    shares: Floats, values: Floats, least: Floats, most: Floats, headroom: float
) -> tuple[Floats, float] | None:
    """Coefficients and right-hand side of the cover of one limit that is broken most: O are who always may be on or deliver, then the
    nearest to their maximum."""
    draws = np.flatnonzero(shares > 0)
    order = draws[np.lexsort((-values[draws] / np.maximum(most[draws], TOLERANCE), least[draws] > 0))]
    load = shares[order] * values[order]
    full = np.concatenate(([0.0], np.cumsum(shares[order] * most[order])[:-1]))
    smallest = np.minimum.accumulate((shares[order] * least[order])[::-1])[::-1]
    left = headroom - full
    inside = np.concatenate(([0.0], np.cumsum(load)[:-1]))
    (fits,) = np.nonzero((left >= 0) & (left < smallest))
    if not len(fits):
        return None
    factor = 1.0 - left[fits] / smallest[fits]
    delivered = float(shares[shares < 0] @ values[shares < 0])
    broken_by = inside[fits] + factor * (load.sum() - inside[fits]) + delivered - full[fits]
    best = int(np.argmax(broken_by))
    if broken_by[best] <= LEAST_BROKEN_KW:
        return None
    k = int(fits[best])
    coefficients = shares.copy()
    coefficients[order[k:]] *= factor[best]
    return coefficients, float(full[k])
