"""The one formulation: the topics of a request written in Pyomo, compiled to sparse arrays."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pyomo.common.collections import ComponentMap
from pyomo.environ import ConcreteModel, Objective, Var
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy.sparse import csr_array, vstack

from optimizer.model.flows import Flows
from optimizer.model.kinds import CONTINUOUS, INTEGER, SEMI_CONTINUOUS, SEMI_INTEGER, Kinds
from optimizer.model.topic import Topic
from optimizer.model.topics import topics_of
from optimizer.problem.coming import crowds_of
from optimizer.problem.horizon import Floats, Horizon, Ints

Index = list[Any]


@dataclass(frozen=True)
class LinearProgram:
    """min (sum of term_cost rows) x, row_lower <= A x <= row_upper, lower <= x <= upper.

    `loose[r]`: rows that are on the safe side of what they stand for may be exceeded by so much, as far as bounds are concerned.

    `term_cost[k, j]`: weighted cost of column j in term k of `terms`. `columns[family]`: where a family of variables lies,
    `index[family]` the indices it has there; `rows`, `row_index`: the same of constraints. In mixed-integer programs column j is of
    `kind[j]`, at least `least[j]` (or 0 if it is semi-...), in units of `quantum[j]`; power besides as a `Domain` says.
    `flow_column[f]`: column of flow f.
    """

    topics: tuple[Topic, ...]
    term_cost: csr_array
    matrix: csr_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    loose: Floats
    kind: Kinds
    least: Floats
    quantum: Floats
    columns: dict[str, slice]
    index: dict[str, Index]
    rows: dict[str, slice]
    row_index: dict[str, Index]
    flows: Flows
    flow_column: Ints

    @property
    def cost(self) -> Floats:
        """Cost per column."""
        return np.asarray(self.term_cost.sum(axis=0)).ravel()

    def whole(self, family: str, values: Floats, shape: int | tuple[int, ...]) -> Floats:
        """Values of a family, of a value per column, over its whole index; 0 where it has no column."""
        spread = np.zeros(shape)
        if self.index.get(family):
            spread[self.places(family)] = values[self.columns[family]]
        return spread

    def places(self, family: str) -> tuple[Ints, ...]:
        """Where a family's columns lie in an array over its whole index; none if it has no columns."""
        index = np.array(self.index.get(family, ()), dtype=np.int64)
        return (index,) if index.ndim == 1 else tuple(index.T)

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the rows of `term_cost`."""
        return tuple(term.name for topic in self.topics for term in topic.terms)

    def with_rows(
        self, family: str, added: csr_array, most: Floats, index: Index | None = None, loose: Floats | None = None
    ) -> LinearProgram:
        """With rows of at most `most` more in a family of constraints, after those that it has; a new family comes last."""
        end, count = self.matrix.shape[0], len(most)
        known = self.rows.get(family, slice(end, end))
        at = known.stop
        rows = {
            name: slice(part.start + count, part.stop + count) if part.start >= at else part
            for name, part in self.rows.items()
        }
        return replace(
            self,
            matrix=csr_array(vstack([self.matrix[:at], added, self.matrix[at:]], format="csr")),
            row_lower=np.insert(self.row_lower, at, np.full(count, -np.inf)),
            row_upper=np.insert(self.row_upper, at, most),
            loose=np.insert(self.loose, at, np.zeros(count) if loose is None else loose),
            rows={**rows, family: slice(known.start, at + count)},
            row_index={**self.row_index, family: [*self.row_index.get(family, ()), *(index or ())]},
        )


def formulate(horizon: Horizon) -> LinearProgram:
    """The linear relaxation of the planning problem."""
    with _collector_paused():
        return _formulate(horizon)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A model is many small objects that live until it is compiled: looking for garbage among them takes as long as all else."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _formulate(horizon: Horizon) -> LinearProgram:
    topics = topics_of(horizon)
    model = ConcreteModel()
    model.flows, model.semi, model.delivers = Flows(), ComponentMap(), {}
    model.crowds = crowds_of(horizon)
    for topic in topics:
        for declare in topic.variables:
            declare(model, horizon)
    for topic in topics:
        for declare in topic.constraints:
            declare(model, horizon)
    declare_objective(model, horizon, topics)
    program = compile_model(model, horizon, topics)
    model.clear()  # its parts know each other: emptied it goes at once, else the collector has to find it
    return program


def declare_objective(model: ConcreteModel, horizon: Horizon, topics: tuple[Topic, ...]) -> None:
    """One objective row per term of the topics; `compile_model` weighs and sums them."""
    terms = {term.name: term.formula(model, horizon) for topic in topics for term in topic.terms}
    model.term = Objective(list(terms), rule=lambda _, name: terms[name])


def compile_model(model: ConcreteModel, horizon: Horizon, topics: tuple[Topic, ...]) -> LinearProgram:
    """Sparse arrays of a model; columns and rows in the order of declaration."""
    families = list(model.component_objects(Var))
    form = LinearStandardFormCompiler().write(model, mixed_form=True, column_order=families)
    position = {id(variable): column for column, variable in enumerate(form.columns)}
    if idle := [one.name for family in families for one in family.values() if id(one) not in position]:
        raise AssertionError(f"declared, but in no constraint and no term: {idle}")
    bound_type = np.array([row.bound_type for row in form.rows])
    rhs = np.array(form.rhs, dtype=np.float64)
    bounds = np.array([variable.bounds for variable in form.columns], dtype=np.float64).reshape(-1, 2)
    weights = np.array([term.weight for topic in topics for term in topic.terms])
    columns, index = _spans((family.local_name, list(family)) for family in families)
    rows, row_index = _row_spans(form.rows)
    kind, least, quantum = _kinds(model, bounds[:, 0], families, columns, position)
    quantum[columns["power"]] = horizon.slots.quantum_kw
    return LinearProgram(
        topics=topics,
        term_cost=csr_array(form.c.tocsr() * weights[:, None]),
        matrix=form.A.tocsr(),
        row_lower=np.where(bound_type == 1, -np.inf, rhs),
        row_upper=np.where(bound_type == -1, np.inf, rhs),
        loose=_loose(horizon, len(rhs), rows, row_index),
        lower=bounds[:, 0].copy(),
        upper=bounds[:, 1].copy(),
        kind=kind,
        least=least,
        quantum=quantum,
        columns=columns,
        index=index,
        rows=rows,
        row_index=row_index,
        flows=model.flows,
        flow_column=np.array([position[id(variable)] for variable in model.flows.variables], dtype=np.int64),
    )


def _loose(horizon: Horizon, count: int, rows: dict[str, slice], row_index: dict[str, Index]) -> Floats:
    """By how much each row is below the limit that it stands for."""
    loose, limits = np.zeros(count), horizon.limits
    if len(limits.vector_sums) and row_index.get("limit"):
        place = tuple(np.array(row_index["limit"], dtype=np.int64).T)
        loose[rows["limit"]] = limits.outer_kw[place] - limits.headroom_kw[place]
    return loose


def _spans(parts: Iterable[tuple[str, Index]]) -> tuple[dict[str, slice], dict[str, Index]]:
    """Where each named part lies in a row of all, and the indices of its members."""
    spans, index, end = {}, {}, 0
    for name, members in parts:
        spans[name], index[name] = slice(end, end + len(members)), members
        end += len(members)
    return spans, index


def _row_spans(rows: Iterable[Any]) -> tuple[dict[str, slice], dict[str, Index]]:
    grouped: dict[str, Index] = {}
    for row in rows:
        grouped.setdefault(row.constraint.parent_component().local_name, []).append(row.constraint.index())
    return _spans(grouped.items())


def _kinds(
    model: ConcreteModel, lower: Floats, families: list[Any], columns: dict[str, slice], position: dict[int, int]
) -> tuple[Kinds, Floats, Floats]:
    """Kind, least value and quantum of every column: integers by their domain, the others as declared by `semi_continuous`."""
    kind, least, quantum = np.full(len(lower), CONTINUOUS, dtype=np.uint8), lower.copy(), np.ones(len(lower))
    for family in families:
        if len(family) and next(iter(family.values())).is_integer():
            kind[columns[family.local_name]] = INTEGER
    for variable, semi in model.semi.items():
        column = position[id(variable)]
        least[column] = semi.least
        kind[column] = SEMI_CONTINUOUS if semi.quantum is None else SEMI_INTEGER
        quantum[column] = semi.quantum or 1.0
    return kind, least, quantum
