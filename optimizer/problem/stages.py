"""Stages: energy that is due at some instant of a stay, and what each kWh costs that is late.

Two wishes are stages: targets on the way, and a minimum now, which is late anew at the end of every step. So is each likely stay of
an uncertain session whose vehicle may give back, at the weight of its probability.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from cpms.domain.plan import ChargingNeed, PlanRequest
from optimizer.problem.frozen import Frozen

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stages:
    """K stages over S slots: `energy_kwh[k]` of need `need[k]` (below 0: what it may give back of what it has), late at `weight[k]`
    times what a missing kWh of it costs, or at `price_per_kwh[k]` [money] where that is a number.

    `hours[k, s]` [h]: how long slot s lasts before stage k is due.
    """

    need: Ints
    energy_kwh: Floats
    weight: Floats
    price_per_kwh: Floats
    hours: csr_array

    def behind_kwh(self, slot_kw: Floats) -> Floats:
        """What is missing of every stage when it is due [kWh]."""
        return np.asarray(np.maximum(self.energy_kwh - self.hours @ slot_kw, 0.0))


def stages_of(request: PlanRequest, frozen: Frozen, need: Ints, starts_h: Floats, hours: Floats) -> Stages:
    """The stages of a request whose slots belong to `need`, start `starts_h` [h] after the first step and last `hours` [h]."""
    wishes = [(n, *stage) for n, one in enumerate(request.needs) for stage in _stages(request, one)]
    rows = [
        (n, _left_kwh(request, frozen, n, energy_kwh, due_at), due_at, costs) for n, energy_kwh, due_at, costs in wishes
    ]
    parts = [_before(n, _after_h(request, due_at), need, starts_h, hours) for n, _, due_at, _ in rows]
    lengths = np.array([0, *(len(slots) for slots, _ in parts)])
    return Stages(
        need=np.array([n for n, _, _, _ in rows], dtype=np.int64),
        energy_kwh=np.array([energy_kwh for _, energy_kwh, _, _ in rows]),
        weight=np.array([weight for _, _, _, (weight, _) in rows]),
        price_per_kwh=np.array([np.nan if price is None else price for _, _, _, (_, price) in rows]),
        hours=csr_array(
            (
                np.concatenate([np.zeros(0), *(lasting for _, lasting in parts)]),
                np.concatenate([np.zeros(0, dtype=np.int64), *(slots for slots, _ in parts)]),
                np.cumsum(lengths),
            ),
            shape=(len(rows), len(need)),
        ),
    )


def _stages(request: PlanRequest, need: ChargingNeed) -> Iterator[tuple[float, datetime, tuple[float, float | None]]]:
    """Energy [kWh], instant, weight and price of each stage of a need."""
    for target in need.targets:
        yield target.energy_kwh, target.due_at, (target.weight, target.price_per_kwh)
    if need.v2g is not None:
        for stay in need.likely:
            yield stay.energy_kwh, stay.departs_at, (stay.probability, None)
    if need.minimum_now_kwh > 0:
        for step in request.steps:
            if (need.arrives_at or step.starts_at) < step.ends_at and step.starts_at < need.departs_at:
                yield need.minimum_now_kwh, min(step.ends_at, need.departs_at), (1.0, None)


def _left_kwh(request: PlanRequest, frozen: Frozen, n: int, energy_kwh: float, due_at: datetime) -> float:
    """What a stage of need n wants [kWh] besides what is frozen; below 0 what a vehicle that may give back has to spare by then."""
    left_kwh = energy_kwh - frozen.energy_until_kwh(n, _after_h(request, due_at))
    return left_kwh if request.needs[n].v2g is not None else max(0.0, left_kwh)


def _after_h(request: PlanRequest, instant: datetime) -> float:
    return (instant - request.steps[0].starts_at).total_seconds() / 3600.0


def _before(n: int, due_h: float, need: Ints, starts_h: Floats, hours: Floats) -> tuple[Ints, Floats]:
    """Slots of need n that begin before `due_h` [h], and how long each lasts until then [h]."""
    first, last = np.searchsorted(need, [n, n + 1])
    lasting = np.clip(due_h - starts_h[first:last], 0.0, hours[first:last])
    (inside,) = np.nonzero(lasting)
    return first + inside, lasting[inside]
