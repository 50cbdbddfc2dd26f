"""Meters: who buys and sells where. The first one is the site's own connection, each further one has a subtree of the feeders.

M meters, T steps; a quantity of a meter in a step is number m T + t in anything indexed by both.
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
    """`base_kw[m, t]` [kW]: other load and frozen setpoints less solar behind a meter; `import_price[m, t]`,
    `export_price[m, t]`: money per kWh; `of_point[i]`, `of_feeder[id]`: the meter of a point of the tree and of a feeder;
    `of_demand[d]`: the meters whose sum a demand price is measured on."""

    base_kw: Floats
    import_price: Floats
    export_price: Floats
    of_point: Ints
    of_feeder: dict[str, int]
    of_demand: tuple[tuple[int, ...], ...]

    @property
    def count(self) -> int:
        """Number of meters M."""
        return len(self.base_kw)


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
    for need, drawn_kw in zip(request.needs, frozen.drawn_kw, strict=True):
        further_kw[of_feeder[need.feeder_id]] += drawn_kw
    return Meters(
        base_kw=np.array([np.subtract(one.other_load_kw, one.solar_kw) for one in every]) + further_kw,
        import_price=np.array([one.import_price_per_kwh for one in every]),
        export_price=np.array([one.export_price_per_kwh for one in every]),
        of_point=np.array([of_feeder[point.feeder_id] for point in points_of(request)], dtype=np.int64),
        of_feeder=of_feeder,
        of_demand=tuple(
            tuple(range(len(every))) if one.measured_at is None else (of_feeder[one.measured_at],)
            for one in request.demand
        ),
    )
