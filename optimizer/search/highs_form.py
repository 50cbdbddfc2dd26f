"""A program, and a basis guessed for it, as HiGHS takes them."""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csr_array

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS
from optimizer.problem.horizon import Floats

LOWER, UPPER, BASIC = (
    highspy.HighsBasisStatus.kLower,
    highspy.HighsBasisStatus.kUpper,
    highspy.HighsBasisStatus.kBasic,
)


def touched(values: Floats, lower: Floats, upper: Floats, within: float) -> list[highspy.HighsBasisStatus]:
    """Which bound each value touches; basic where none."""
    at_lower, at_upper = (values <= lower + within).tolist(), (values >= upper - within).tolist()
    return [LOWER if low else UPPER if high else BASIC for low, high in zip(at_lower, at_upper, strict=True)]


def pass_relaxation(highs: highspy.Highs, program: LinearProgram, unit: Floats) -> None:
    """The relaxation, with every column in multiples of its `unit`."""
    matrix, count = _in_units(program.matrix, unit), len(unit)
    highs.passModel(
        *(count, matrix.shape[0], matrix.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0),
        *(program.cost * unit, program.lower / unit, program.upper / unit, program.row_lower, program.row_upper),
        *(matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data),
        np.full(count, CONTINUOUS, dtype=np.int32),
    )


def _in_units(matrix: csr_array, unit: Floats) -> csr_array:
    """Coefficients of columns in multiples of their `unit`."""
    return csr_array((matrix.data * unit[matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)


def add_rows(highs: highspy.Highs, program: LinearProgram, unit: Floats, first: int) -> None:
    """The rows of a program from `first` on, to a model that has those before."""
    part = _in_units(csr_array(program.matrix[first:]), unit)
    lower, upper = program.row_lower[first:], program.row_upper[first:]
    starts, columns = part.indptr[:-1].astype(np.int32), part.indices.astype(np.int32)
    highs.addRows(len(lower), lower, upper, part.nnz, starts, columns, part.data)


def with_rows(basis: highspy.HighsBasis, at: int, count: int) -> highspy.HighsBasis:
    """A basis of a model that has so many more rows at a place, which hold nothing back."""
    wider = highspy.HighsBasis()
    wider.col_status, rows = basis.col_status, list(basis.row_status)
    wider.row_status = [*rows[:at], *[BASIC] * count, *rows[at:]]
    wider.valid = basis.valid
    return wider
