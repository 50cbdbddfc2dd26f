"""The one formulation: written in Pyomo, compiled to sparse arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyomo.environ import ConcreteModel
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy.sparse import csr_array

from optimizer.constraints import declare_constraints
from optimizer.horizon import Horizon
from optimizer.objective import TERMS, declare_objective
from optimizer.variables import declare_variables

Floats = NDArray[np.float64]

FAMILIES = ("power", "short", "deep", "spare", "drawn", "fed", "feeding", "excess")


@dataclass(frozen=True)
class LinearProgram:
    """min (sum of term_cost rows) x, row_lower <= A x <= row_upper, lower <= x <= upper.

    `term_cost[k, j]`: weighted cost of column j in term k of `objective.TERMS`. `columns[family]`: where a family of variables
    lies, `index[family]` the indices it has there. `limit_rows`: rows of the limits, `limit_index` their (limit, step).
    """

    term_cost: csr_array
    matrix: csr_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    columns: dict[str, slice]
    index: dict[str, list[int]]
    limit_rows: slice
    limit_index: list[tuple[int, int]]

    @property
    def cost(self) -> Floats:
        """Cost per column."""
        return np.asarray(self.term_cost.sum(axis=0)).ravel()


def formulate(horizon: Horizon) -> LinearProgram:
    """The linear relaxation of the planning problem."""
    model = ConcreteModel()
    declare_variables(model, horizon)
    declare_constraints(model, horizon)
    declare_objective(model, horizon)
    return compile_model(model)


def compile_model(model: ConcreteModel) -> LinearProgram:
    """Sparse arrays of a model; columns in the order of FAMILIES, rows in the order of declaration."""
    families = [model.component(name) for name in FAMILIES]
    form = LinearStandardFormCompiler().write(model, mixed_form=True, column_order=families)
    sizes = [len(family) for family in families]
    if len(form.columns) != sum(sizes):
        raise AssertionError("every declared variable appears in the model")
    ends = np.cumsum(sizes)
    kind = np.array([row.bound_type for row in form.rows])
    rhs = np.array(form.rhs, dtype=np.float64)
    bounds = np.array([variable.bounds for variable in form.columns], dtype=np.float64).reshape(-1, 2)
    weights = np.array([term.weight for term in TERMS])
    limits = len(model.limit)
    return LinearProgram(
        term_cost=csr_array(form.c.tocsr() * weights[:, None]),
        matrix=form.A.tocsr(),
        row_lower=np.where(kind == 1, -np.inf, rhs),
        row_upper=np.where(kind == -1, np.inf, rhs),
        lower=bounds[:, 0].copy(),
        upper=bounds[:, 1].copy(),
        columns={name: slice(int(end) - size, int(end)) for name, end, size in zip(FAMILIES, ends, sizes, strict=True)},
        index={name: list(family) for name, family in zip(FAMILIES, families, strict=True)},
        limit_rows=slice(len(form.rows) - limits, len(form.rows)),
        limit_index=list(model.limit),
    )
