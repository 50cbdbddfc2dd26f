"""Feeders: no phase of any feeder and no total above its limit, in any step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint
from scipy.sparse import csr_array

from optimizer.flows import Flows
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
    load = csr_array(horizon.limits.share.tocsc()[:, flows.point]).tocoo()
    signed, place = (
        load.data * flows.sign[load.col],
        load.row.astype(np.int64) * horizon.step_count + flows.step[load.col],
    )
    most_kw = np.bincount(place, np.maximum(signed, 0.0) * flows.most_kw[load.col], horizon.limits.headroom_kw.size)
    loaded = most_kw > horizon.limits.headroom_kw.ravel() + 1e-9
    (kept,) = np.nonzero(loaded[place])
    kept = kept[np.lexsort((load.col[kept], place[kept]))]
    place = place[kept]
    inside, shares = load.col[kept].tolist(), signed[kept].tolist()
    for at in np.flatnonzero(loaded).tolist():
        part = slice(*np.searchsorted(place, (at, at + 1)).tolist())
        yield *divmod(at, horizon.step_count), inside[part], shares[part]


TOPIC = Topic(name="feeders", constraints=(keep_limits,))
