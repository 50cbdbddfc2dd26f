"""The request as arrays: slots (a need in a step in which it may charge) and limits (a feeder's phase or total).

Power is in kW throughout; a limit of I [A] on a phase is I * voltage / 1000 [kW] of that phase, and a connector on k phases puts
1/k of its power on each. N needs, T steps, S slots, L limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import PlanRequest
from cpms.domain.units import power_kw
from optimizer.problem.chances import Chance, chances_of
from optimizer.problem.conduct import Conduct, conduct_of
from optimizer.problem.frozen import Frozen, frozen_of
from optimizer.problem.limits import Limits, limits_of
from optimizer.problem.meters import Meters, meters_of
from optimizer.problem.phasors import with_phasors
from optimizer.problem.stages import Stages, stages_of
from optimizer.problem.taper import Taper
from optimizer.problem.windows import DemandWindows, demand_windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Slots:
    """Where power may flow: need `need[s]` in step `step[s]`, for `hours[s]` [h] from `starts_h[s]` [h] after the first step's start;
    ordered by need, then step."""

    need: Ints
    step: Ints
    starts_h: Floats
    hours: Floats

    def of(self, need: int) -> slice:
        """The slots of a need."""
        first, last = np.searchsorted(self.need, [need, need + 1])
        return slice(int(first), int(last))


@dataclass(frozen=True)
class Horizon:
    """What the formulation is written in.

    `step_h[t]` [h]; `base_kw[t]` [kW]: other load less solar, of all meters; `need_kwh[n]` [kWh]; `certain[n]`: 1, or 0 where the
    need is not known and its `chances` count instead; `min_kw[n]`, `max_kw[n]`, `quantum_kw[n]` [kW]: range and grid
    of setpoints; `conduct[n]`: more of what they must be like; `taper[n]` of those that accept less as they fill;
    `gives_kw[n]` [kW]: most it may give back, 0 where it may not, and `givable_kwh[n]` [kWh]: what it came with above
    its driver's floor. What is `frozen` is in `base_kw`, the limits and `need_kwh` already.
    """

    request: PlanRequest
    step_h: Floats
    base_kw: Floats
    meters: Meters
    need_kwh: Floats
    certain: Floats
    min_kw: Floats
    max_kw: Floats
    quantum_kw: Floats
    conduct: tuple[Conduct, ...]
    gives_kw: Floats
    givable_kwh: Floats
    taper: dict[int, Taper]
    frozen: Frozen
    slots: Slots
    stages: Stages
    chances: dict[int, Chance]
    limits: Limits
    windows: tuple[DemandWindows, ...]

    @property
    def step_count(self) -> int:
        """Number of steps T."""
        return len(self.step_h)

    @property
    def special(self) -> list[int]:
        """Needs whose setpoints are more than multiples from a minimum on, or bind each other."""
        return [n for n, one in enumerate(self.conduct) if one.is_bound or one.grid.levels_kw is not None]

    def least_kw(self, slot_kw: Floats) -> Floats:
        """What each slot has at least when it is on [kW]: the minimum; nothing where a vehicle that charges with `slot_kw` accepts
        less than that by itself, as it may draw less than it is told."""
        least: Floats = self.min_kw[self.slots.need]
        for n, taper in self.taper.items():
            mine = self.slots.of(n)
            accepted_kw = taper.accepted_kw(slot_kw[mine], self.slots.hours[mine])
            least[mine] = np.where(accepted_kw < least[mine], 0.0, least[mine])
        return least

    def total_kw(self, slot_kw: Floats) -> Floats:
        """Power of all vehicles per step [kW], from power per slot."""
        return np.bincount(self.slots.step, weights=slot_kw, minlength=self.step_count).astype(np.float64)

    def at_points(self, slot_kw: Floats) -> Floats:
        """Power per slot as power per point of the tree and step [kW], shape (points, T)."""
        placed = np.zeros((self.limits.share.shape[1], self.step_count))
        placed[self.slots.need, self.slots.step] = slot_kw
        return placed

    def energy_kwh(self, slot_kw: Floats) -> Floats:
        """Energy per need [kWh], from power per slot."""
        energy = slot_kw * self.slots.hours
        return np.bincount(self.slots.need, weights=energy, minlength=len(self.need_kwh)).astype(np.float64)


def horizon(request: PlanRequest) -> Horizon:
    """Arrays of a valid request."""
    steps = request.steps
    step_h = np.array([step.duration_h for step in steps])
    frozen = frozen_of(request)
    limits, meters = with_phasors(limits_of(request, frozen), request, frozen), meters_of(request, frozen)
    conduct = tuple(conduct_of(request, need) for need in request.needs)
    min_kw, max_kw = np.array([one.grid.least_kw for one in conduct]), np.array([one.grid.most_kw for one in conduct])
    need_kwh = np.maximum(np.array([need.energy_kwh for need in request.needs]) - frozen.energy_kwh, 0.0)
    gives_kw, givable_kwh = _giving(request)
    slots = _slots(request, step_h, limits, np.maximum(need_kwh, gives_kw), min_kw, max_kw)
    return Horizon(
        request=request,
        step_h=step_h,
        base_kw=meters.base_kw.sum(axis=0),
        meters=meters,
        need_kwh=need_kwh,
        certain=np.array([0.0 if need.likely else 1.0 for need in request.needs]),
        min_kw=min_kw,
        max_kw=max_kw,
        quantum_kw=np.array([one.grid.quantum_kw for one in conduct]),
        conduct=conduct,
        gives_kw=gives_kw,
        givable_kwh=givable_kwh,
        taper=_tapers(request, frozen),
        frozen=frozen,
        slots=slots,
        stages=stages_of(request, frozen, slots.need, slots.starts_h, slots.hours),
        chances=chances_of(request, frozen, slots.need, slots.starts_h, slots.hours),
        limits=limits,
        windows=tuple(demand_windows(demand, steps) for demand in request.demand),
    )


def _tapers(request: PlanRequest, frozen: Frozen) -> dict[int, Taper]:
    """Vehicles whose battery is known, as they are after what is frozen; one that gives back keeps its own account."""
    return {
        n: Taper.of(need.battery).after(float(frozen.energy_kwh[n]))
        for n, need in enumerate(request.needs)
        if need.battery is not None and need.v2g is None
    }


def _giving(request: PlanRequest) -> tuple[Floats, Floats]:
    """Most power [kW] a need may give back, and energy [kWh] above its floor at first."""
    gives_kw, givable_kwh = np.zeros(len(request.needs)), np.zeros(len(request.needs))
    for n, need in enumerate(request.needs):
        if need.v2g is not None and need.battery is not None:
            most_a = math.floor(need.v2g.max_discharge_a / need.step_a + 1e-9) * need.step_a
            gives_kw[n] = power_kw(most_a, request.voltage_v, len(need.phases))
            givable_kwh[n] = max(0.0, need.battery.soc * need.battery.capacity_kwh - need.v2g.floor_kwh)
    return gives_kw, givable_kwh


def _slots(
    request: PlanRequest, step_h: Floats, limits: Limits, wanted: Floats, min_kw: Floats, max_kw: Floats
) -> Slots:
    """Slots between arrival and departure in which the headroom admits at least the minimum power, of needs with anything `wanted`."""
    origin = request.steps[0].starts_at
    starts_h = np.concatenate(([0.0], np.cumsum(step_h)[:-1]))
    room_kw = limits.room_kw()
    need_parts, step_parts, start_parts, hour_parts = [], [], [], []
    for n, need in enumerate(request.needs):
        departs_h = (need.departs_at - origin).total_seconds() / 3600.0
        arrives_h = ((need.arrives_at or origin) - origin).total_seconds() / 3600.0
        begins_h = np.maximum(arrives_h, starts_h)
        hours = np.minimum(departs_h, starts_h + step_h) - begins_h
        usable = (hours > 1e-9) & (room_kw[n] >= max(min_kw[n], 1e-9) - 1e-9)
        if wanted[n] <= 0 or max_kw[n] < max(min_kw[n], 1e-9) - 1e-9:
            usable[:] = False
        usable[: len(need.frozen_a)] = False
        (steps,) = np.nonzero(usable)
        need_parts.append(np.full(len(steps), n))
        step_parts.append(steps)
        start_parts.append(begins_h[steps])
        hour_parts.append(hours[steps])
    empty = np.zeros(0)
    return Slots(
        need=np.concatenate([empty, *need_parts]).astype(np.int64),
        step=np.concatenate([empty, *step_parts]).astype(np.int64),
        starts_h=np.concatenate([empty, *start_parts]),
        hours=np.concatenate([empty, *hour_parts]),
    )
