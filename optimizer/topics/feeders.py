"""Feeders: no phase of any feeder and no total above its limit, in any step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint

from optimizer.flows import Flows, members
from optimizer.horizon import Horizon
from optimizer.topic import Topic


def keep_limits(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_f share[l, point(f)] sign[f] flow[f] <= headroom_kw[l, t], over the flows f in step t, for each limit l that could be
    exceeded."""
    flows = model.flows
    loads = {(row, t): (inside, shares) for row, t, inside, shares in _loaded_limits(horizon, flows)}

    def rule(_: ConcreteModel, row: int, t: int) -> object:
        inside, shares = loads[row, t]
        body = LinearExpression(linear_coefs=shares, linear_vars=[flows.variables[f] for f in inside])
        return body <= float(horizon.limits.headroom_kw[row, t])

    model.limit = Constraint(list(loads), rule=rule)


def _loaded_limits(horizon: Horizon, flows: Flows) -> Iterator[tuple[int, int, list[int], list[float]]]:
    """Limits and steps that everybody drawing at maximum would exceed, with the flows concerned and their signed shares."""
    limits = horizon.limits
    by_step = members(flows.step)
    share = limits.share.tocsr()
    dense = np.zeros(share.shape[1])
    for row in range(share.shape[0]):
        part = slice(share.indptr[row], share.indptr[row + 1])
        dense[:] = 0.0
        dense[share.indices[part]] = share.data[part]
        signed = dense[flows.point] * flows.sign
        most_kw = np.bincount(flows.step, np.maximum(signed, 0.0) * flows.most_kw, minlength=horizon.step_count)
        for t in np.flatnonzero(most_kw > limits.headroom_kw[row] + 1e-9).tolist():
            inside = [f for f in by_step[t] if signed[f] != 0]
            yield row, t, inside, signed[inside].tolist()


TOPIC = Topic(name="feeders", constraints=(keep_limits,))
