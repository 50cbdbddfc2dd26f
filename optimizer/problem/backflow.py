"""What flows out of a feeder upwards: its phases carry no more current that way than the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, vstack

from cpms.domain.binding import Direction
from cpms.domain.plan import PlanRequest
from cpms.domain.units import PHASES
from optimizer.problem.bands import quantile_kw
from optimizer.problem.limits import Floats, LimitKey, Limits, at_and_below_kw, limit_kw, uncertain_below
from optimizer.problem.tree import points_of


def surplus_kw(request: PlanRequest) -> dict[str, Floats]:
    """What is generated at and below each feeder beyond other load [kW per step], of uncertain load as little as may be."""
    own_kw = {
        one.feeder_id: np.array(one.surplus_kw) if one.surplus_kw else -np.array(one.other_load_kw)
        for one in request.feeders
    }
    surplus = at_and_below_kw(request, own_kw)
    for feeder_id, uncertain in uncertain_below(request).items():
        surplus[feeder_id] -= quantile_kw(uncertain, 1.0 - request.chance_level, len(request.steps))
    return surplus


def with_backflow(limits: Limits, request: PlanRequest) -> Limits:
    """The limits, and those of every phase the other way, where more could be delivered below it than it may carry.

    sum_i share[i] delivered[i] <= limit - surplus / 3: what vehicles draw is not relied on, they may stop at any time.
    """
    delivered_kw = np.array([point.most_delivered_kw for point in points_of(request)])
    if not delivered_kw.any():
        return limits
    surplus, found = surplus_kw(request), []
    for row, key in enumerate(limits.keys):
        if key.phase in PHASES:
            delivers = np.where(delivered_kw > 0, limits.share[[row]].toarray()[0], 0.0)
            left_kw = np.array(limit_kw(key, request.voltage_v)) - surplus[key.feeder.feeder_id] / 3
            if delivers @ delivered_kw > left_kw.min():
                found.append((replace(key, direction=Direction.EXPORT), delivers, np.maximum(left_kw, 0.0)))
    return _with_rows(limits, found) if found else limits


def _with_rows(limits: Limits, rows: list[tuple[LimitKey, Floats, Floats]]) -> Limits:
    keys, delivers, left_kw = (list(column) for column in zip(*rows, strict=True))
    nobody_draws = csr_array((len(rows), limits.share.shape[1]))
    return replace(
        limits,
        keys=(*limits.keys, *keys),
        share=csr_array(vstack([limits.share, nobody_draws])),
        relieved=csr_array(vstack([limits.relieved, csr_array(-np.array(delivers))])),
        headroom_kw=np.vstack([limits.headroom_kw, left_kw]),
        outer_kw=np.vstack([limits.outer_kw, left_kw]),
        relief_kw=np.append(limits.relief_kw, np.zeros(len(rows))),
        excess_kw=np.vstack([limits.excess_kw, np.zeros_like(left_kw)]),
    )
