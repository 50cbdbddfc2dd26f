"""Phase switching: in which steps a connector is on a single phase, and which courses of that its dwell admits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import ChargingNeed, PlanRequest
from optimizer.problem.setpoint_grid import Grid, grid_of
from optimizer.problem.slots import Slots

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TINY_S = 1e-3

SWITCH_KWH = 1e-6
"""What a switch counts against energy that finds no place: of courses that fit alike the steadiest."""

FLOWING_KWH = 1e-6
"""Energy below this is none."""

OTHER_SHARE = 0.01
"""Of energy that would find its place on other phases than it was meant for."""

KEPT_RATIO = 1e3
"""How much more energy counts that has to stay on its phases than other energy."""


@dataclass(frozen=True)
class Switching:
    """Of a need that may switch: its grid of setpoints on a single phase, and how it begins.

    `free[t]`: whether it may switch at the beginning of step t if it has not before; `settled[t]`: how many of the first steps began
    so long before that a switch there allows one at step t.
    """

    single_grid: Grid
    begins_single: bool
    free: Bools
    settled: Ints

    def course(self, cost_kwh: Floats, switch_kwh: Floats) -> Bools:
        """The cheapest course (single or not, per step); `cost_kwh[m, t]` [kWh]: of step t on all phases (m = 0), or a single one;
        `switch_kwh[t]` [kWh]: of a switch at its beginning.

        Exact: the best course up to a switch goes on from the best up to the switch before it.
        """
        steps = cost_kwh.shape[1]
        paid = np.concatenate([np.zeros((2, 1)), np.cumsum(cost_kwh, axis=1)], axis=1)
        since = np.concatenate(
            [[0], np.arange(steps)]
        )  # the step that entry k begins with: 0 as it is, then a switch at each
        best, entered_from = np.full((2, steps + 1), np.inf), np.zeros((2, steps + 1), dtype=np.int64)
        best[int(self.begins_single), 0] = 0.0
        for t in np.flatnonzero(self.free).tolist():
            known = slice(0, self.settled[t] + 1)
            so_far = best[:, known] + paid[:, [t]] - paid[:, since[known]]
            at = np.argmin(so_far, axis=1)
            best[:, t + 1] = so_far[[1, 0], at[::-1]] + switch_kwh[t]
            entered_from[:, t + 1] = at[::-1]
        return _retraced(best + paid[:, [steps]] - paid[:, since], entered_from, since)


def _retraced(total: Floats, entered_from: Ints, since: Ints) -> Bools:
    """The course that ends best, from its last switch back to the first step."""
    mode, entry = divmod(int(np.argmin(total)), total.shape[1])
    single = np.zeros(len(since) - 1, dtype=np.bool_)
    until = len(single)
    while True:
        single[since[entry] : until] = bool(mode)
        if entry == 0:
            return single
        until, mode, entry = int(since[entry]), 1 - mode, int(entered_from[mode, entry])


def switching_of(request: PlanRequest, need: ChargingNeed) -> Switching:
    """How a need may switch; nothing may while it is frozen."""
    if need.switching is None:
        raise AssertionError(f"{need.session_id} cannot switch")
    starts_s = np.array([step.starts_at.timestamp() for step in request.steps])
    settled_s = starts_s - need.switching.min_dwell_s + TINY_S
    free = np.arange(len(starts_s)) >= len(need.frozen_a)
    if need.switched_at is not None:
        free &= settled_s >= need.switched_at.timestamp()
    return Switching(
        single_grid=grid_of(request, need, 1),
        begins_single=need.on_single_phase,
        free=free,
        settled=np.minimum(np.searchsorted(starts_s, settled_s, side="right"), np.arange(len(starts_s))),
    )


def misfit_kwh(slots: Slots, need: int, slot_kw: Floats, steps: int) -> Floats:
    """What of a need's power per slot [kW] finds no place per step [kWh], shape (2, T): on all phases, on a single one.

    Power above the range is lost, power between off and the minimum is lost or found elsewhere, whichever is less.
    """
    energy, least, most = (_by_phases_kwh(slots, need, kw, steps) for kw in (slot_kw, slots.least_kw, slots.most_kw))
    together = energy.sum(axis=0)
    between = (together > 0) & (together < least)
    misfit: Floats = np.where(between, np.minimum(together, least - together), np.maximum(together - most, 0.0))
    return misfit + OTHER_SHARE * energy[::-1]


def _by_phases_kwh(slots: Slots, need: int, slot_kw: Floats, steps: int) -> Floats:
    """Power in each slot of a need [kW] as energy per step [kWh], shape (2, T): on all phases, on a single one."""
    mine, energy = slots.of(need), np.zeros((2, steps))
    energy[slots.single[mine].astype(np.int64), slots.step[mine]] = slot_kw[mine] * slots.hours[mine]
    return energy


def fitting(
    switching: dict[int, Switching], slots: Slots, slot_kw: Floats, interruption_kwh: Floats, steps: int
) -> Bools:
    """Whether each need is on a single phase in each step, as best fits power per slot [kW] that may be on both, and may still move;
    `interruption_kwh[n]` [kWh]: what a switch counts besides where power flows before and after it. Shape (N, T)."""
    single = np.zeros((len(interruption_kwh), steps), dtype=np.bool_)
    for n, one in switching.items():
        flows = _by_phases_kwh(slots, n, slot_kw, steps).sum(axis=0) > FLOWING_KWH
        interrupts = flows & np.append(False, flows[:-1])
        single[n] = one.course(misfit_kwh(slots, n, slot_kw, steps), SWITCH_KWH + interruption_kwh[n] * interrupts)
    return single


def courses(
    switching: dict[int, Switching], slots: Slots, slot_kw: Floats, kept_kw: Floats, shape: tuple[int, int]
) -> Bools:
    """Whether each need is on a single phase in each step, by where it has power [kW], and before all `kept_kw` [kW], which has to
    stay on its phases, as steadily as that admits; shape (N, T)."""
    single = np.zeros(shape, dtype=np.bool_)
    for n, one in switching.items():
        kwh = _by_phases_kwh(slots, n, slot_kw + KEPT_RATIO * kept_kw, shape[1])
        single[n] = one.course(kwh[::-1], np.full(shape[1], SWITCH_KWH))
    return single


def in_courses(slots: Slots, single: Bools, slot_kw: Floats, most_kw: Floats) -> Floats:
    """Power per slot [kW] moved to the phases of the courses `single[n, t]`, as far as `most_kw` [kW] there admits."""
    meant = slots.single == single[slots.need, slots.step]
    moved_kw = np.where(meant, slot_kw, 0.0)
    place = {
        (n, t): s
        for s, (n, t, ok) in enumerate(zip(slots.need.tolist(), slots.step.tolist(), meant.tolist(), strict=True))
        if ok
    }
    for s in np.flatnonzero(~meant & (slot_kw > 0)).tolist():
        other = place.get((int(slots.need[s]), int(slots.step[s])))
        if other is not None:
            moved_kw[other] = min(moved_kw[other] + slot_kw[s], most_kw[other])
    return moved_kw
