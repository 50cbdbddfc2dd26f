"""Meters: who buys and sells where. The first one is the site's own connection, each further one has a subtree of the feeders.

M meters, T steps; a quantity of a meter in a step is number m T + t in anything indexed by both. Where load or sun may be one way or
another there are J days of them, each with a probability, and the quantity on day j is number (j M + m) T + t; else J is 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.contract import GridConnection
from cpms.domain.plan import PlanRequest
from optimizer.problem.frozen import Frozen
from optimizer.problem.tree import path, points_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Meters:
    """`base_kw[j, m, t]` [kW]: other load and frozen setpoints less solar behind a meter on day j, `chance[j]`: its probability;
    `import_price[m, t]`, `export_price[m, t]`: money per kWh; `of_point[i]`, `of_feeder[id]`: the meter of a point of the tree and of
    a feeder; `of_demand[d]`: the meters whose sum a demand price is measured on."""

    base_kw: Floats
    chance: Floats
    import_price: Floats
    export_price: Floats
    of_point: Ints
    of_feeder: dict[str, int]
    of_demand: tuple[tuple[int, ...], ...]

    @property
    def count(self) -> int:
        """Number of meters M."""
        return int(self.base_kw.shape[1])

    @property
    def net_kw(self) -> Floats:
        """Base load of all meters together [kW], shape (J, T)."""
        return np.asarray(self.base_kw.sum(axis=1))

    def expected(self, daily: Floats) -> Floats:
        """Mean over the days, which are the first axis."""
        return np.asarray(np.tensordot(self.chance, daily, axes=1))

    @property
    def expected_price(self) -> Floats:
        """What a kWh is expected to cost before vehicles [money], shape (M, T): import, or export where there is surplus."""
        return self.expected(np.where(self.base_kw < 0, self.export_price, self.import_price))

    def weather(self, day: int) -> int:
        """The day j of load and sun on a likely day of the request."""
        return day if len(self.chance) > 1 else 0


def meters_of(request: PlanRequest, frozen: Frozen) -> Meters:
    """The meters of a request; what is frozen is drawn behind its own."""
    further = {one.feeder_id: m for m, one in enumerate(request.connections, start=1)}
    every: tuple[PlanRequest | GridConnection, ...] = (request, *request.connections)
    of_feeder = {
        one.feeder_id: next((further[above] for above in path(request, one.feeder_id) if above in further), 0)
        for one in request.feeders
    }
    further_kw = np.zeros((len(every), len(request.steps)))
    for load in request.uncertain:
        further_kw[of_feeder[load.feeder_id]] += np.array(load.mean_kw)
    step_h = np.array([step.duration_h for step in request.steps])
    for need, drawn_kw in zip(request.needs, frozen.metered_kw(step_h), strict=True):
        further_kw[of_feeder[need.feeder_id]] += drawn_kw
    base_kw = np.array([np.subtract(one.other_load_kw, one.solar_kw) for one in every]) + further_kw
    days = _days(request)
    return Meters(
        base_kw=np.array([np.vstack([base_kw[:1] + more_kw, base_kw[1:]]) for _, more_kw in days]),
        chance=np.array([chance for chance, _ in days]),
        import_price=np.array([one.import_price_per_kwh for one in every]),
        export_price=np.array([one.export_price_per_kwh for one in every]),
        of_point=np.array([of_feeder[point.feeder_id] for point in points_of(request)], dtype=np.int64),
        of_feeder=of_feeder,
        of_demand=tuple(
            tuple(range(len(every))) if one.measured_at is None else (of_feeder[one.measured_at],)
            for one in request.demand
        ),
    )


def _days(request: PlanRequest) -> list[tuple[float, Floats]]:
    """Probability of each day of load and sun at the site's own connection, and by how much [kW] load less sun differs from what the
    request expects."""
    if not any(day.other_load_kw or day.solar_kw for day in request.likely):
        return [(1.0, np.zeros(len(request.steps)))]
    expected_kw = np.subtract(request.other_load_kw, request.solar_kw)
    return [
        (
            day.probability,
            np.subtract(day.other_load_kw or request.other_load_kw, day.solar_kw or request.solar_kw) - expected_kw,
        )
        for day in request.likely
    ]
