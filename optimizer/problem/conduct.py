"""What the setpoints of a session must be like: on its station's grid, and over time few starts and gentle rises."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import ChargingNeed, PlanRequest
from cpms.domain.units import power_kw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TINY_KW = 1e-9
TINY_STEPS = 1e-6
"""Part of a setpoint step [-] that rounding errors may make of a multiple."""


@dataclass(frozen=True)
class Grid:
    """Setpoints [kW]: 0 and the multiples of `quantum_kw` from `least_kw` to `most_kw`; of those only `levels` of them (multiples,
    ascending), if given. The three may be arrays, for as many powers.
    """

    quantum_kw: float | Floats
    least_kw: float | Floats
    most_kw: float | Floats
    levels: Floats | None = None

    def down(self, power_kw: float | Floats) -> Floats:
        """The highest setpoints not above `power_kw` [kW]."""
        if self.levels is not None:
            at = np.searchsorted(self.levels, power_kw / self.quantum_kw + TINY_STEPS, side="right")
            return np.asarray(np.concatenate([[0.0], self.levels])[at] * self.quantum_kw)
        floored = np.floor(np.minimum(power_kw, self.most_kw) / self.quantum_kw + TINY_STEPS) * self.quantum_kw
        return np.where(floored >= self.least_kw - TINY_KW, floored, 0.0)

    def up(self, power_kw: float | Floats) -> Floats:
        """The lowest setpoints above 0 and not below `power_kw` [kW], the highest there is where that is lower."""
        if self.levels is not None:
            at = np.searchsorted(self.levels, power_kw / self.quantum_kw - TINY_STEPS)
            return np.asarray(self.levels[np.minimum(at, len(self.levels) - 1)] * self.quantum_kw)
        raised = np.maximum(np.ceil(power_kw / self.quantum_kw - TINY_STEPS) * self.quantum_kw, self.least_kw)
        return np.minimum(raised, self.most_kw)

    @property
    def common_kw(self) -> float | Floats:
        """Of what all setpoints are multiples [kW]: a list may have coarser ones than its station's steps."""
        return self.quantum_kw if self.levels is None else self.quantum_kw * np.gcd.reduce(self.levels.astype(np.int64))

    def of(self, i: int) -> Grid:
        """The grid of the i-th power."""
        if isinstance(self.quantum_kw, float):
            return self
        quantum_kw, least_kw, most_kw = (
            float(np.asarray(part)[i]) for part in (self.quantum_kw, self.least_kw, self.most_kw)
        )
        return Grid(quantum_kw, least_kw, most_kw, self.levels)


@dataclass(frozen=True)
class Conduct:
    """A need's grid, and what binds its steps to each other: at most `max_starts`, and in step t at most `rise_kw[t]` [kW] more than
    in the step before (or the least setpoint, from off). `before_kw` [kW]: what is set in the step before `first_step`.
    """

    grid: Grid
    before_kw: float = 0.0
    first_step: int = 0
    max_starts: int | None = None
    rise_kw: Floats | None = None

    @property
    def is_bound(self) -> bool:
        """Whether its steps depend on each other."""
        return self.max_starts is not None or self.rise_kw is not None

    def obeyed(self, steps: Ints, setpoint_kw: Floats) -> Floats:
        """Setpoints [kW] in ascending `steps`, lowered as far as starts and rises demand; the longest runs by energy are kept."""
        if not self.is_bound:
            return setpoint_kw
        return self._starting_seldom(steps, self._rising_gently(steps, setpoint_kw))

    def highest_kw(self, steps: Ints) -> Floats:
        """The highest setpoint [kW] that rises reach in each of ascending `steps`; 0 where none can."""
        highest_kw = np.zeros(len(steps))
        for i in range(len(steps)):
            before_kw = self._before(steps, highest_kw, i)
            going_on_kw = before_kw + self.risen_kw(int(steps[i])) if before_kw > 0 else 0.0
            started_kw = 0.0 if self.goes_on_from_now(int(steps[i])) else self.started_kw(int(steps[i]))
            highest_kw[i] = float(self.grid.down(max(going_on_kw, started_kw)))
        return highest_kw

    def risen_kw(self, step: int) -> float:
        """By how much [kW] a setpoint may be above that of the step before, if that was on."""
        return float(self.grid.most_kw) if self.rise_kw is None else float(self.rise_kw[step])

    def started_kw(self, step: int) -> float:
        """The highest setpoint [kW] with which charging may begin in a step."""
        return float(self.grid.down(max(self.risen_kw(step), float(self.grid.least_kw))))

    def goes_on_from_now(self, step: int) -> bool:
        """Whether a step follows on what is set now, and that is on."""
        return self.before_kw > 0 and step == self.first_step

    def _rising_gently(self, steps: Ints, setpoint_kw: Floats) -> Floats:
        if self.rise_kw is None:
            return setpoint_kw
        lowered = setpoint_kw.copy()
        for i, step in enumerate(steps.tolist()):
            before_kw = self._before(steps, lowered, i)
            most_kw = before_kw + self.rise_kw[step]
            most_kw = most_kw if before_kw > 0 else max(most_kw, self.grid.least_kw)
            if lowered[i] > most_kw + TINY_KW:
                lowered[i] = float(self.grid.down(most_kw))
        return lowered

    def _before(self, steps: Ints, setpoint_kw: Floats, i: int) -> float:
        """What is set [kW] in the step before the i-th of `steps`."""
        if i > 0 and steps[i - 1] == steps[i] - 1:
            return float(setpoint_kw[i - 1])
        return self.before_kw if steps[i] == self.first_step else 0.0

    def _starting_seldom(self, steps: Ints, setpoint_kw: Floats) -> Floats:
        if self.max_starts is None:
            return setpoint_kw
        runs = self._runs(steps, setpoint_kw)
        started = [run for run in runs if not self.goes_on_from_now(int(steps[run.start]))]
        surplus = sorted(started, key=lambda run: (-float(setpoint_kw[run].sum()), run.start))[self.max_starts :]
        kept = setpoint_kw.copy()
        for run in surplus:
            kept[run] = 0.0
        return kept

    def _runs(self, steps: Ints, setpoint_kw: Floats) -> list[slice]:
        """Stretches of consecutive steps that are on."""
        edges = [0] if len(steps) else []
        edges += [
            i
            for i in range(1, len(steps))
            if steps[i] != steps[i - 1] + 1 or (setpoint_kw[i] > 0) != (setpoint_kw[i - 1] > 0)
        ]
        return [slice(a, b) for a, b in pairwise([*edges, len(steps)]) if setpoint_kw[a] > 0]


def conduct_of(request: PlanRequest, need: ChargingNeed) -> Conduct:
    """How a need's connector may be steered."""
    per_a = power_kw(1.0, request.voltage_v, len(need.phases))
    rise_kw = None
    if need.max_rise_a_per_min is not None:
        minutes = np.array([60.0 * step.duration_h for step in request.steps])
        rise_kw = need.max_rise_a_per_min * per_a * minutes
    return Conduct(
        grid=grid_of(request, need, len(need.phases)),
        before_kw=per_a * (need.frozen_a[-1] if need.frozen_a else need.current_a),
        first_step=len(need.frozen_a),
        max_starts=need.max_starts,
        rise_kw=rise_kw,
    )


def grid_of(request: PlanRequest, need: ChargingNeed, phase_count: int) -> Grid:
    """The setpoints of a need on so many phases; a list that is no more than evenly spaced multiples becomes that."""
    quantum_kw = power_kw(need.step_a, request.voltage_v, phase_count)
    least = int(np.ceil(need.min_current_a / need.step_a - 1e-9))
    most = int(np.floor(need.max_current_a / need.step_a + 1e-9))
    if not need.setpoints_a:
        return Grid(quantum_kw, least * quantum_kw, most * quantum_kw)
    multiples = sorted({round(current_a / need.step_a) for current_a in need.setpoints_a} - {0})
    usable = np.array([multiple for multiple in multiples if least <= multiple <= most], dtype=np.float64)
    if not len(usable):
        return Grid(quantum_kw, least * quantum_kw, 0.0)
    return Grid(quantum_kw, float(usable[0]) * quantum_kw, float(usable[-1]) * quantum_kw, usable)
