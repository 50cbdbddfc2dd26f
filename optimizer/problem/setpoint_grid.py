"""The grid of setpoints that a station can be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import ChargingNeed, PlanRequest
from cpms.domain.units import power_kw

Floats = NDArray[np.float64]

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


def told_a(need: ChargingNeed) -> float:
    """What a vehicle is told [A per phase] for each `Grid.quantum_kw` that it draws."""
    return need.step_a if need.draws_a is None else need.lowest_a


def grid_of(request: PlanRequest, need: ChargingNeed, phase_count: int) -> Grid:
    """The setpoints of a need on so many phases, in what it draws; a list of no more than evenly spaced multiples becomes that."""
    if need.draws_a is not None:
        drawn_kw = power_kw(need.draws_a, request.voltage_v, phase_count)
        return Grid(drawn_kw, drawn_kw, drawn_kw if need.lowest_a <= need.max_current_a else 0.0)
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
