"""HiGHS: mixed-integer programs over a chosen domain of the setpoints, beside the linear relaxation.

Here HiGHS sees power in multiples of each station's setpoint step (and other columns of their quantum), so that integers are
setpoints; everybody else sees kW.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, INTEGER, Kinds
from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.search.machine import OPTIONS, Machine
from optimizer.search.relaxing import Basis, Relaxing

COMPLETING_SHARE, COMPLETING_GAP = 0.25, 1e-4
"""Of the time that is left, and of the cost: what follows from setpoints is asked for many times."""

BRANCHING_PART = 0.4
"""Of the gap that is aimed for: branching stops there."""


@dataclass(frozen=True)
class Domain:
    """What power may be in each slot: from `least_kw` to `most_kw` [kW], of a kind (semi-...: or 0; ...integer: a setpoint)."""

    least_kw: Floats
    most_kw: Floats
    kind: Kinds


@dataclass(frozen=True)
class Region:
    """What every column may be: from `lower` to `upper`, of a kind (semi-...: or 0; ...integer: of its quantum)."""

    lower: Floats
    upper: Floats
    kind: Kinds


class Solver(Relaxing):
    """The relaxation of one program, and its mixed-integer programs, which have a HiGHS of their own from the first one on."""

    def __init__(self, program: LinearProgram, horizon: Horizon, ends_s: float | None = None) -> None:
        super().__init__(program, horizon, ends_s)
        self._enough = BRANCHING_PART * horizon.request.gap_target
        self._choosing: Machine | None = None
        self._last = self.machine

    @property
    def objective(self) -> float:
        """Objective [money] of what was chosen last, of the relaxation before."""
        return self._last.objective

    def extend(self, program: LinearProgram, basis: Basis) -> None:
        """Go on with a program that has further rows after those of now, and its relaxation from where it ended without them."""
        if self._choosing is not None:
            self._choosing.extend(program, len(self.program.row_upper))
        super().extend(program, basis)

    @property
    def _choices(self) -> Machine:
        """For mixed-integer programs, in multiples of every column's quantum; begins where the relaxation is."""
        if self._choosing is None:
            self._choosing = Machine(self.program, self.program.quantum)
            self._choosing.highs.setBasis(self.machine.highs.getBasis())
        return self._choosing

    def choose(
        self, domain: Domain, target: float, time_limit_s: float, start_kw: Floats | None = None
    ) -> Floats | None:
        """Best columns found with power in a domain, or None. Stops at an objective of `target`; may begin at power `start_kw`."""
        if self.left_s <= 0:
            return None
        self._restrict(domain)
        if start_kw is not None:
            self._start_at(start_kw)
        return self._best_of(target, time_limit_s)

    def within(self, region: Region, target: float, time_limit_s: float) -> Floats | None:
        """Best columns found in a region, or None. Stops at an objective of `target`."""
        if self.left_s <= 0:
            return None
        self._confine(region)
        return self._best_of(target, time_limit_s)

    def branch(self, time_limit_s: float) -> tuple[Floats | None, float]:
        """Best columns found, or None, and a lower bound [money], where every column but power is of its kind and power is free.

        It bounds what vehicles will draw, which is on no grid. The bound is HiGHS' own, by branch and bound.
        """
        power, kind, lower = self.program.columns["power"], self.program.kind.copy(), self.program.least.copy()
        kind[power], lower[power] = CONTINUOUS, self.program.lower[power]
        return self.prove(Region(lower, self.program.upper, kind), None, time_limit_s)

    def prove(self, region: Region, start: Floats | None, time_limit_s: float) -> tuple[Floats | None, float]:
        """As `improve`, and a lower bound of all there [money]; what is found may exceed rows by what they are loose by."""
        if self.left_s <= 0:
            return None, -np.inf
        self._loosen(self.program.loose)
        values = self._improved(region, start, time_limit_s)
        bound = float(self._choices.highs.getInfo().mip_dual_bound)
        self._loosen(np.zeros_like(self.program.loose))
        return values, bound

    def improve(self, region: Region, start: Floats | None, time_limit_s: float) -> Floats | None:
        """Best columns found in a region, or None; may begin at the columns `start`. Over at a part of the gap that is aimed for."""
        return None if self.left_s <= 0 else self._improved(region, start, time_limit_s)

    def _improved(self, region: Region, start: Floats | None, time_limit_s: float) -> Floats | None:
        self._confine(region)
        if start is not None:
            every = np.arange(len(start), dtype=np.int32)
            self._choices.highs.setSolution(len(every), every, start / self.program.quantum)
        self._choices.set("mip_rel_gap", self._enough)
        values = self._best_of(-np.inf, min(time_limit_s, self.left_s))
        self._choices.set("mip_rel_gap", OPTIONS["mip_rel_gap"])
        return values

    def complete(self, drawn_kw: Floats, given_kw: Floats, overhang: Floats) -> Floats | None:
        """Best columns where vehicles draw `drawn_kw` and give `given_kw` (per slot [kW]), with `overhang` besides on each row, which
        limits have to admit; None if no columns do."""
        if self.left_s <= 0:
            return None
        self._restrict(Domain(drawn_kw, drawn_kw, np.full(len(drawn_kw), CONTINUOUS, dtype=np.uint8)))
        self._fix("give", given_kw)
        self._fix("giving", (given_kw > 0).astype(np.float64))
        self._tighten(overhang)
        self._choices.set("mip_rel_gap", COMPLETING_GAP)
        try:
            return self._best_of(-np.inf, COMPLETING_SHARE * self.left_s)
        finally:
            self._choices.set("mip_rel_gap", OPTIONS["mip_rel_gap"])
            self._tighten(np.zeros_like(overhang))

    def settle(self, values: Floats, overhang: Floats) -> Floats | None:
        """The cheapest columns where power, what is given and every yes or no are as in `values`, with `overhang` besides on each row;
        None if there is no time."""
        if self.left_s <= 0:
            return None
        program, fixed = self.program, self.program.kind != CONTINUOUS
        for family in ("power", "give"):
            fixed[program.columns.get(family, slice(0, 0))] = True
        values = np.where(program.kind == INTEGER, np.rint(values), values)
        lower, upper = np.where(fixed, values, program.lower), np.where(fixed, values, program.upper)
        self._confine(Region(lower, upper, np.full(len(lower), CONTINUOUS, dtype=np.uint8)))
        self._tighten(overhang)
        try:
            return self._best_of(-np.inf, self.left_s)
        finally:
            self._tighten(np.zeros_like(overhang))

    def _best_of(self, target: float, time_limit_s: float) -> Floats | None:
        machine = self._last = self._choices
        machine.set("objective_target", target)
        machine.run(min(time_limit_s, self.left_s))
        status = machine.highs.getInfo().primal_solution_status
        return machine.values if status == highspy.SolutionStatus.kSolutionStatusFeasible.value else None

    def _tighten(self, by: Floats) -> None:
        rows = self.program.rows.get("limit", slice(0, 0))
        self._row_upper(np.arange(rows.start, rows.stop), self.program.row_upper - by)

    def _loosen(self, by: Floats) -> None:
        self._row_upper(np.flatnonzero(self.program.loose), self.program.row_upper + by)

    def _row_upper(self, rows: Ints, most: Floats) -> None:
        """Other upper sides for some rows; `most`: of all of them."""
        at, highs = rows.astype(np.int32), self._choices.highs
        lower, upper = self.program.row_lower[rows], most[rows]
        highs.changeRowsBounds(len(at), at, lower, upper)  # type: ignore[attr-defined]  # missing from its stubs

    def _restrict(self, domain: Domain) -> None:
        program, power = self.program, self.program.columns["power"]
        kind, lower, upper = program.kind.copy(), program.least.copy(), program.upper.copy()
        kind[power], lower[power], upper[power] = domain.kind, domain.least_kw, domain.most_kw
        self._confine(Region(lower, upper, kind))

    def _confine(self, region: Region) -> None:
        every = np.arange(len(region.lower))
        self._choices.bound(every, region.lower, region.upper)
        self._choices.restrict(every, region.kind)

    def _fix(self, family: str, quantity: Floats) -> None:
        """Every column of a family at what `quantity` has in its place."""
        if self.program.index.get(family):
            machine, part = self._choices, self.program.columns[family]
            columns, lower, upper = np.arange(part.start, part.stop), machine.lower.copy(), machine.upper.copy()
            lower[part] = upper[part] = quantity[self.program.places(family)]
            machine.bound(columns, lower, upper)
            machine.restrict(columns, np.full(len(columns), CONTINUOUS, dtype=np.uint8))

    def _start_at(self, slot_kw: Floats) -> None:
        power = self.program.columns["power"]
        columns = np.arange(power.start, power.stop, dtype=np.int32)
        self._choices.highs.setSolution(len(columns), columns, np.rint(slot_kw / self.program.quantum[power]))
