"""A program, and a basis guessed for it, as HiGHS takes them."""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csr_array, diags_array

from optimizer.model.formulation import LinearProgram
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


def highs_lp(program: LinearProgram, unit: Floats) -> highspy.HighsLp:
    """The relaxation with every column in multiples of its `unit`."""
    matrix = csr_array(program.matrix @ diags_array(unit))
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = program.cost * unit
    lp.col_lower_, lp.col_upper_ = program.lower / unit, program.upper / unit
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    return lp


def add_rows(highs: highspy.Highs, program: LinearProgram, unit: Floats, first: int) -> None:
    """The rows of a program from `first` on, to a model that has those before."""
    part = csr_array(program.matrix[first:] @ diags_array(unit))
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
