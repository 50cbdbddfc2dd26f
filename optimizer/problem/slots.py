"""Slots: where and when a need may draw, with the range and the grid of its setpoints there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import ChargingNeed, PlanRequest
from optimizer.problem.conduct import Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TINY = 1e-9


@dataclass(frozen=True)
class Slots:
    """Where power may flow: need `need[s]` in step `step[s]`, for `hours[s]` [h] from `starts_h[s]` [h] after the first step's start;
    ordered by need, then step, all phases before a single one.

    `point[s]`: where in the tree; that of its need but for slots on a `single` phase. `least_kw[s]`, `most_kw[s]`, `quantum_kw[s]`
    [kW]: range and grid of setpoints there.
    """

    need: Ints
    step: Ints
    point: Ints
    starts_h: Floats
    hours: Floats
    least_kw: Floats
    most_kw: Floats
    quantum_kw: Floats

    @property
    def single(self) -> NDArray[np.bool_]:
        """Whether a slot is on a single phase of a need that has more."""
        return np.asarray(self.point != self.need)

    def of(self, need: int) -> slice:
        """The slots of a need."""
        first, last = np.searchsorted(self.need, [need, need + 1])
        return slice(int(first), int(last))


Place = tuple[int, int, Grid]
"""A need, a point of the tree at which it may draw, and its setpoints there."""


def slots_of(request: PlanRequest, step_h: Floats, room_kw: Floats, wanted: Floats, places: Sequence[Place]) -> Slots:
    """Slots between arrival and departure in which the room at the point (`room_kw[i, t]` [kW]) admits at least the minimum power, of
    needs with anything `wanted`."""
    starts_h = np.concatenate(([0.0], np.cumsum(step_h)[:-1]))
    parts = [np.zeros((0, 8))]
    for n, point, grid in places:
        begins_h, hours = _there(request, request.needs[n], starts_h, step_h)
        least_kw = max(float(grid.least_kw), TINY) - TINY
        usable = (hours > TINY) & (room_kw[point] >= least_kw)
        usable &= wanted[n] > 0 and bool(grid.most_kw >= least_kw)
        usable[: len(request.needs[n].frozen_a)] = False
        (steps,) = np.nonzero(usable)
        columns = (n, steps, point, begins_h[steps], hours[steps], grid.least_kw, grid.most_kw, grid.quantum_kw)
        parts.append(np.column_stack(np.broadcast_arrays(*columns)))
    rows = np.concatenate(parts)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    need, step, point = rows[:, :3].T.astype(np.int64)
    return Slots(need, step, point, *rows[:, 3:].T.copy())


def _there(request: PlanRequest, need: ChargingNeed, starts_h: Floats, step_h: Floats) -> tuple[Floats, Floats]:
    """From when [h after the first step's start] and for how long [h] a vehicle is there in each step (0 or less: not at all)."""
    origin = request.steps[0].starts_at
    departs_h = (need.departs_at - origin).total_seconds() / 3600.0
    arrives_h = ((need.arrives_at or origin) - origin).total_seconds() / 3600.0
    begins_h = np.maximum(arrives_h, starts_h)
    return begins_h, np.minimum(departs_h, starts_h + step_h) - begins_h
