"""The best plan so far and how good it is at most: what a search begins with, and what it offers its findings to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpms.domain.plan import PlanRequest
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.background import Background, background, bare
from optimizer.search.certify import lower_bound, relative_gap
from optimizer.search.completion import Completion, Found, at_rest
from optimizer.search.giving import affordable_kw
from optimizer.search.levelling import levelled
from optimizer.search.relaxing import Relaxation
from optimizer.search.setpoints import to_setpoints
from optimizer.search.solve import Solver

PART_OF_TARGET = 0.4
"""Each program stops within this part of the gap that is aimed for: the rest is left to rounding."""


@dataclass
class Incumbent:
    """The best so far. `bound` [money] is below every plan that keeps the program's rows, `proven` below every plan that keeps the
    limits: by what rows are loose by no search gets nearer. `power_kw` is semi-continuous and costs `power_cost`; `best` is what
    stations can be told.
    """

    solver: Solver
    horizon: Horizon
    relaxation: Relaxation

    def __post_init__(self) -> None:
        self.completion = Completion(self.solver, self.horizon)
        self.bound = self.proven = -np.inf
        self.bound_by(self.relaxation)
        self.power_kw = self.relaxation.values[self.solver.program.columns["power"]]
        self.power_cost = np.inf
        self.behind = self.background(self.relaxation.values)
        nobody_kw = np.zeros_like(self.power_kw)
        self.best = replace(at_rest(self.solver.program, self.horizon, nobody_kw), cost=np.inf)

    @property
    def cost(self) -> float:
        """Objective [money] of the best setpoints."""
        return self.best.cost

    def bound_by(self, relaxation: Relaxation) -> None:
        """What the prices of a relaxation of the solver's program prove."""
        self.bound = max(self.bound, lower_bound(self.solver.program, relaxation.duals, loose=False))
        self.proven = max(self.proven, lower_bound(self.solver.program, relaxation.duals))

    def bound_at(self, proven: float) -> None:
        """What is proven of every plan [money] otherwise."""
        self.bound, self.proven = max(self.bound, proven), max(self.proven, proven)

    def background(self, values: Floats) -> Background:
        """What else columns with these values hold, behind the charging."""
        return background(self.solver.program, self.horizon, values)

    def good_enough(self, cost: float, part: float = 1.0) -> bool:
        """Whether a cost is certified to `part` of the gap that is aimed for."""
        return relative_gap(cost, self.bound) <= part * self.horizon.request.gap_target

    @property
    def target(self) -> float:
        """The objective at which a program may stop."""
        return self.bound + PART_OF_TARGET * self.horizon.request.gap_target * max(abs(self.bound), 1.0)

    def completed(self, setpoint_kw: Floats, give_kw: Floats | None = None) -> Found:
        """Setpoints [kW] with everything that follows from them, and their cost."""
        return self.completion.of(setpoint_kw, np.zeros_like(setpoint_kw) if give_kw is None else give_kw)

    def accept(self, values: Floats) -> None:
        """Columns with semi-continuous power: the new base for rounding if they are the cheapest so far."""
        power_kw = values[self.solver.program.columns["power"]]
        cost = self.completed(power_kw).cost if self.completion.exact else float(self.solver.program.cost @ values)
        if cost < self.power_cost:
            self.power_kw, self.power_cost, self.behind = power_kw, cost, self.background(values)
            self.offer(power_kw, self.behind)

    def offer_choice(self, values: Floats | None) -> None:
        """Columns whose power is at setpoints already or near them; None: nothing was found."""
        if values is not None:
            self.offer(values[self.solver.program.columns["power"]], self.background(values))

    def offer(self, power_kw: Floats, behind: Background | None = None) -> None:
        """Round power to setpoints and take them if they are the cheapest so far."""
        setpoint_kw, give_kw = to_setpoints(self.horizon, power_kw, behind), None if behind is None else behind.give_kw
        self.take(setpoint_kw, give_kw)
        if give_kw is not None and not self.good_enough(self.cost):
            less_kw = affordable_kw(self.horizon, setpoint_kw, give_kw)
            if not np.array_equal(less_kw, give_kw):
                self.take(setpoint_kw, less_kw)
        if not self.good_enough(self.cost):
            self.take(levelled(self.horizon, setpoint_kw, behind or bare(self.horizon)), give_kw)
        if _may_be_left_open(self.horizon.request):
            as_planned = replace(self.horizon, certain=np.zeros_like(self.horizon.certain))
            self.take(to_setpoints(as_planned, power_kw, behind), give_kw)

    def take(self, setpoint_kw: Floats, give_kw: Floats | None = None) -> None:
        """Setpoints for charging, and for giving back if anybody does, if they are the cheapest so far."""
        found = self.completed(setpoint_kw, give_kw)
        if found.cost < self.cost:
            self.best = found


def _may_be_left_open(request: PlanRequest) -> bool:
    """Whether leaving a need open may pay: for what utilities pay, or because what is sold brings less than nothing."""
    at_a_loss = any(min(need.revenue_per_kwh, default=0.0) < 0 for need in request.needs)
    return bool(request.bands or request.energy_by) or at_a_loss
