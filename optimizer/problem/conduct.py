"""What the setpoints of a session must be like: on its station's grid, and over time few starts and gentle rises.

A switch of phases interrupts what flows: a session goes on only from a slot on the same phases. What follows a switch begins anew,
which is a start, and rises from 0 A.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import ChargingNeed, PlanRequest
from cpms.domain.units import power_kw
from optimizer.problem.setpoint_grid import TINY_KW, Grid
from optimizer.problem.slots import Slots

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NONE = -1
"""No slot."""


@dataclass(frozen=True)
class Conduct:
    """The grid of a need's setpoints, slot by slot where it may switch phases, and what binds its slots to each other.

    At most `max_starts` of them begin; what is set in slot i is at most `rise_kw[i]` [kW] above what is set before, or the least
    setpoint from off. `before[i]`: the slot just before on the same phases (NONE: it was off). `now_kw[i]` [kW]: what is set now,
    where slot i goes on from that, which is no start; else 0.
    """

    grid: Grid
    before: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    now_kw: Floats = field(default_factory=lambda: np.zeros(0))
    max_starts: int | None = None
    rise_kw: Floats | None = None

    @property
    def is_bound(self) -> bool:
        """Whether its slots depend on each other."""
        return self.max_starts is not None or self.rise_kw is not None

    def obeyed(self, setpoint_kw: Floats) -> Floats:
        """Setpoints [kW] lowered as far as starts and rises demand; the longest runs by energy are kept."""
        if not self.is_bound:
            return setpoint_kw
        return self._starting_seldom(self._rising_gently(setpoint_kw))

    def highest_kw(self) -> Floats:
        """The highest setpoint [kW] that rises reach in each slot; 0 where none can."""
        highest_kw = np.zeros(len(self.before))
        for i in range(len(highest_kw)):
            before_kw = self._before_kw(highest_kw, i)
            going_on_kw = before_kw + self.risen_kw(i) if before_kw > 0 else 0.0
            started_kw = 0.0 if self.goes_on_from_now(i) else self.started_kw(i)
            highest_kw[i] = float(self.grid.of(i).down(max(going_on_kw, started_kw)))
        return highest_kw

    def risen_kw(self, i: int) -> float:
        """By how much [kW] the setpoint in slot i may be above that of the slot before, if that was on."""
        return float(self.grid.of(i).most_kw) if self.rise_kw is None else float(self.rise_kw[i])

    def started_kw(self, i: int) -> float:
        """The highest setpoint [kW] with which charging may begin in slot i."""
        grid = self.grid.of(i)
        return float(grid.down(max(self.risen_kw(i), float(grid.least_kw))))

    def goes_on_from_now(self, i: int) -> bool:
        """Whether slot i follows on what is set now, and that is on."""
        return bool(self.now_kw[i] > 0)

    def _rising_gently(self, setpoint_kw: Floats) -> Floats:
        if self.rise_kw is None:
            return setpoint_kw
        lowered = setpoint_kw.copy()
        for i in range(len(lowered)):
            before_kw = self._before_kw(lowered, i)
            most_kw = before_kw + self.risen_kw(i) if before_kw > 0 else self.started_kw(i)
            if lowered[i] > most_kw + TINY_KW:
                lowered[i] = float(self.grid.of(i).down(most_kw))
        return lowered

    def _before_kw(self, setpoint_kw: Floats, i: int) -> float:
        """What is set [kW] before slot i."""
        return float(self.now_kw[i] if self.before[i] == NONE else setpoint_kw[self.before[i]])

    def _starting_seldom(self, setpoint_kw: Floats) -> Floats:
        if self.max_starts is None:
            return setpoint_kw
        started = [run for run in self._runs(setpoint_kw) if not self.goes_on_from_now(run[0])]
        surplus = sorted(started, key=lambda run: (-float(setpoint_kw[run].sum()), run[0]))[self.max_starts :]
        kept = setpoint_kw.copy()
        for run in surplus:
            kept[run] = 0.0
        return kept

    def _runs(self, setpoint_kw: Floats) -> list[list[int]]:
        """Stretches of slots that are on and go on from each other."""
        run_of: dict[int, list[int]] = {}
        for i in np.flatnonzero(setpoint_kw > 0).tolist():
            run_of[i] = run_of.get(int(self.before[i]), [])
            run_of[i].append(i)
        return [run for i, run in run_of.items() if run[0] == i]


def conducts_of(request: PlanRequest, grids: list[Grid], slots: Slots) -> tuple[Conduct, ...]:
    """How the connector of each need may be steered, `grids[n]` being its setpoints on all its phases."""
    single = slots.single
    return tuple(
        _conduct_of(request, need, _grid(need, grid, slots, mine), slots.step[mine], single[mine])
        for need, grid, mine in zip(request.needs, grids, map(slots.of, range(len(grids))), strict=True)
    )


def _grid(need: ChargingNeed, grid: Grid, slots: Slots, mine: slice) -> Grid:
    if need.switching is None:
        return grid
    return Grid(slots.quantum_kw[mine], slots.least_kw[mine], slots.most_kw[mine], grid.levels)


def _conduct_of(request: PlanRequest, need: ChargingNeed, grid: Grid, step: Ints, single: Bools) -> Conduct:
    if need.max_starts is None and need.max_rise_a_per_min is None:
        return Conduct(grid)
    phases = np.where(single, 1, len(need.phases))
    per_a = power_kw(1.0, request.voltage_v, 1) * phases
    goes_on = (step == len(need.frozen_a)) & (phases == len(need.phases_now))
    rise_kw = None
    if need.max_rise_a_per_min is not None:
        minutes = np.array([60.0 * one.duration_h for one in request.steps])
        rise_kw = need.max_rise_a_per_min * per_a * minutes[step]
    now_a = need.frozen_a[-1] if need.frozen_a else need.current_a
    return Conduct(
        grid,
        _before(step, single),
        np.where(goes_on, now_a * per_a / need.told_per_drawn, 0.0),
        need.max_starts,
        rise_kw,
    )


def _before(step: Ints, single: Bools) -> Ints:
    """For each slot the one a step before on the same phases."""
    place = {key: i for i, key in enumerate(zip(step.tolist(), single.tolist(), strict=True))}
    return np.array([place.get((t - 1, one), NONE) for t, one in place], dtype=np.int64)
