"""Slots: where and when a need may draw, with the range and the grid of its setpoints there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import PlanRequest
from optimizer.problem.setpoint_grid import Grid

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
        last = len(self._first) - 1
        return slice(self._first[min(need, last)], self._first[min(need + 1, last)])

    @cached_property
    def _first(self) -> list[int]:
        """The first slot of every need up to the last one that has any, and where they end."""
        count = int(self.need[-1]) + 1 if len(self.need) else 0
        first: list[int] = np.searchsorted(self.need, np.arange(count + 1)).tolist()
        return first


Place = tuple[int, int, Grid]
"""A need, a point of the tree at which it may draw, and its setpoints there."""


def slots_of(
    request: PlanRequest, step_h: Floats, room_kw: Floats, need_kwh: Floats, gives_kw: Floats, places: Sequence[Place]
) -> Slots:
    """Slots between arrival and departure of needs that want anything, in which the room at the point (`room_kw[i, t]` [kW]) admits at
    least the minimum power, or the vehicle may give (`gives_kw[n]` [kW]): that makes room where there is none."""
    n, point = np.array([(n, point) for n, point, _ in places], dtype=np.int64).reshape(-1, 2).T
    ranges_kw = np.array([(grid.least_kw, grid.most_kw, grid.quantum_kw) for _, _, grid in places]).reshape(-1, 3)
    begins_h, hours = _there(request, step_h)
    enough_kw = np.maximum(ranges_kw[:, 0], TINY) - TINY
    frozen = np.array([len(need.frozen_a) for need in request.needs], dtype=np.int64)
    usable = (room_kw[point] >= enough_kw[:, None]) | (gives_kw[n, None] > 0)
    usable &= (hours[n] > TINY) & (np.arange(len(step_h)) >= frozen[n, None])
    usable &= ((np.maximum(need_kwh, gives_kw)[n] > 0) & (ranges_kw[:, 1] >= enough_kw))[:, None]
    place, step = np.nonzero(usable)
    order = np.lexsort((point[place], step, n[place]))
    place, step = place[order], step[order]
    at = n[place], step
    return Slots(n[place], step, point[place], begins_h[at], hours[at], *ranges_kw[place].T.copy())


def _there(request: PlanRequest, step_h: Floats) -> tuple[Floats, Floats]:
    """From when [h after the first step's start] and for how long [h] each need's vehicle is there in each step (0 or less: not at
    all)."""
    origin, ends_h = request.steps[0].starts_at, np.cumsum(step_h)
    departs_h = [(need.departs_at - origin).total_seconds() / 3600.0 for need in request.needs]
    arrives_h = [((need.arrives_at or origin) - origin).total_seconds() / 3600.0 for need in request.needs]
    starts_h = np.concatenate(([0.0], ends_h[:-1]))
    begins_h = np.maximum(np.array(arrives_h)[:, None], starts_h)
    return begins_h, np.minimum(np.array(departs_h)[:, None], starts_h + step_h) - begins_h
