"""Frozen steps: setpoints on their way to a station are no decision any more, but a load that everything else is planned around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import ChargingNeed, PlanRequest
from cpms.domain.units import power_kw
from optimizer.problem.held import Held

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frozen:
    """`setpoint_kw[n, t]` [kW] that may be drawn, as limits count it (`Point.told_per_drawn`), `drawn_kw[n, t]` [kW] that will be; 0
    wherever nothing is frozen."""

    setpoint_kw: Floats
    drawn_kw: Floats
    hours: Floats

    @property
    def energy_kwh(self) -> Floats:
        """What each need will have by then [kWh]."""
        return np.asarray((self.drawn_kw * self.hours).sum(axis=1))

    def metered_kw(self, step_h: Floats) -> Floats:
        """What each need will draw on average over steps that last `step_h` [h], shape (N, T) [kW]."""
        return np.asarray(self.drawn_kw * self.hours / step_h)

    def energy_until_kwh(self, n: int, due_h: float) -> float:
        """What need n will have of it by an instant [h after the first step's start]."""
        starts_h = np.concatenate([[0.0], np.cumsum(self.hours[n])[:-1]])
        return float(self.drawn_kw[n] @ np.clip(due_h - starts_h, 0.0, self.hours[n]))


def frozen_of(request: PlanRequest) -> Frozen:
    """What is frozen in a request."""
    shape = (len(request.needs), len(request.steps))
    setpoint_kw, drawn_kw, hours = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for n, need in enumerate(request.needs):
        count = len(need.frozen_a)
        if count:
            hours[n, :count] = _hours(request, need)[:count]
            per_a, told_a = power_kw(1.0, request.voltage_v, len(need.phases_now)), np.array(need.frozen_a)
            # also after the departure that was stated: who stays longer draws it
            setpoint_kw[n, :count] = per_a * told_a / need.told_per_drawn
            most_kw = np.inf if need.draws_a is None else per_a * need.draws_a
            drawn_kw[n] = _drawn_kw(need, np.minimum(setpoint_kw[n], most_kw), hours[n])
    return Frozen(setpoint_kw, drawn_kw, hours)


def _drawn_kw(need: ChargingNeed, setpoint_kw: Floats, hours: Floats) -> Floats:
    """Until the need is met (until it is full, if it may give some back), and no more than the vehicle accepts."""
    if need.battery is not None:
        most_kwh = max(0.0, need.energy_kwh) if need.v2g is None else np.inf
        return Held.of(need.battery).drawn_kw(setpoint_kw, hours, most_kwh)
    until_kwh = np.minimum(np.cumsum(setpoint_kw * hours), max(0.0, need.energy_kwh))
    return np.divide(np.diff(until_kwh, prepend=0.0), hours, out=np.zeros(len(hours)), where=hours > 0)


def _hours(request: PlanRequest, need: ChargingNeed) -> Floats:
    """How long the vehicle is there in each step [h]."""
    return np.array(
        [
            max(
                0.0,
                (
                    min(step.ends_at, need.departs_at) - max(step.starts_at, need.arrives_at or step.starts_at)
                ).total_seconds(),
            )
            / 3600
            for step in request.steps
        ]
    )
