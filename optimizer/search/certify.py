"""The certificate: a lower bound that holds whatever the solver did, and the true cost of a plan beside it."""

from __future__ import annotations

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon

LEAST_SCALE = 1.0
"""Objectives smaller than one unit of money are compared absolutely: a share of nearly nothing says nothing."""

ROW_TOLERANCE = 1e-6
"""In the unit of a row's right-hand side; ten times HiGHS' own."""


def lower_bound(program: LinearProgram, duals: Floats, loose: bool = True) -> float:
    """Lagrangian bound: for any row prices y, min_x c x + y (b - A x) over the bounds of x is below every feasible cost.

    Rows count with what they are loose by, unless what keeps to them (`loose` False) is all that is asked for. Holds for every y, so
    for inexact duals too (Neumaier and Shcherbina, Safe bounds in linear and mixed-integer programming, 2004).
    """
    row_upper = program.row_upper + program.loose if loose else program.row_upper
    rising, falling = np.isfinite(program.row_lower), np.isfinite(row_upper)
    prices = np.where((duals > 0) & ~rising, 0.0, np.where((duals < 0) & ~falling, 0.0, duals))
    right = np.where(prices > 0, program.row_lower, row_upper)
    rows = float(np.sum(prices[prices != 0] * right[prices != 0]))
    reduced = program.cost - program.matrix.T @ prices
    columns = float(np.sum(np.where(reduced > 0, reduced * program.lower, reduced * program.upper)))
    return rows + columns


def relative_gap(objective: float, bound: float) -> float:
    """How far the objective may be from the best, as a share of its size (of LEAST_SCALE where it is smaller)."""
    return max(0.0, objective - bound) / max(abs(objective), LEAST_SCALE)


def is_exact(program: LinearProgram) -> bool:
    """Whether the closed form of every topic is the cheapest there is."""
    return all(topic.exact for topic in program.topics)


def complete(program: LinearProgram, horizon: Horizon, slot_kw: Floats) -> Floats:
    """All columns from the power per slot [kW], in closed form: what it draws, feeds, lacks and peaks at."""
    values = np.zeros(len(program.lower))
    for topic in program.topics:
        for family, quantity in topic.complete(horizon, slot_kw).items():
            if program.index[family]:
                values[program.columns[family]] = quantity[program.places(family)]
    return values


def overhang_kw(program: LinearProgram, undrawn_kw: Floats) -> Floats:
    """What each row has to admit [kW] beyond what is drawn, where vehicles are permitted `undrawn_kw` more (per slot): limits have to,
    as they may draw it at any time."""
    limits, overhang = program.rows.get("limit", slice(0, 0)), np.zeros(len(program.row_upper))
    overhang[limits] = program.matrix[limits, program.columns["power"]] @ undrawn_kw
    return overhang


def keeps_rows(program: LinearProgram, values: Floats, overhang: float | Floats = 0.0) -> bool:
    """Whether columns satisfy every row, with so much besides them on each."""
    rows = program.matrix @ values
    below = np.all(rows + overhang <= program.row_upper + ROW_TOLERANCE)
    return bool(below and np.all(rows >= program.row_lower - ROW_TOLERANCE))


def cost_of_terms(program: LinearProgram, values: Floats) -> Floats:
    """Money per term of the objective's table."""
    return np.asarray(program.term_cost @ values)
