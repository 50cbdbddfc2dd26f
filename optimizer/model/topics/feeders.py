"""Feeders: no phase of any feeder and no total above its limit, in any step.

| term    | unit  | formula                                       |
|---------|-------|-----------------------------------------------|
| relaxed | money | sum_l,t h[t] OVER_RATIO top_value over[l, t]  |

A limit that other load alone exceeds cannot be kept by drawing less. Where nothing can deliver below it, nothing is drawn there and no
row is needed; where something can, it does: `over`, what the limit is relaxed by, costs more than any need, and is at most what it
would be if we did nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.model.flows import Flows
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import top_value_per_kwh

OVER_RATIO = 10.0
"""How much more a kWh above a limit costs than the dearest need."""


def declare_over(model: ConcreteModel, horizon: Horizon) -> None:
    """`over[l, t]` [kW]: by how much limit l is relaxed in step t, where other load alone exceeds it and something can relieve it."""
    model.loads = {(row, t): (inside, shares) for row, t, inside, shares in loaded_limits(horizon, model.flows)}
    headroom_kw = horizon.limits.headroom_kw
    exceeded = [key for key in model.loads if headroom_kw[key] < 0]
    model.over = Var(exceeded, bounds=lambda _, row, t: (0.0, float(-headroom_kw[row, t])))


def keep_limits(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_f carried[l, f] flow[f] - over[l, t] <= headroom_kw[l, t], over the flows f in step t, for each limit l that could be
    exceeded; carried: by `Limits.carried`."""
    flows, loads = model.flows, model.loads

    def rule(_: ConcreteModel, row: int, t: int) -> object:
        inside, shares = loads[row, t]
        variables = [flows.variables[f] for f in inside]
        if (row, t) in model.over:
            variables, shares = [*variables, model.over[row, t]], [*shares, -1.0]
        body = LinearExpression(linear_coefs=shares, linear_vars=variables)
        return body <= float(horizon.limits.headroom_kw[row, t])

    model.limit = Constraint(list(loads), rule=rule)


def loaded_limits(horizon: Horizon, flows: Flows) -> Iterator[tuple[int, int, list[int], list[float]]]:
    """Limits and steps that everybody who loads them at maximum would exceed, with the flows concerned and their signed shares."""
    load, headroom_kw = horizon.limits.carried(flows.point, flows.sign).tocoo(), horizon.limits.headroom_kw
    signed, place = load.data, load.row.astype(np.int64) * horizon.step_count + flows.step[load.col]
    most_kw = np.bincount(place, np.maximum(signed, 0.0) * flows.most_kw[load.col], headroom_kw.size)
    loaded = most_kw > headroom_kw.ravel() + 1e-9
    (kept,) = np.nonzero(loaded[place])
    kept = kept[np.lexsort((load.col[kept], place[kept]))]
    place = place[kept]
    inside, shares = load.col[kept].tolist(), signed[kept].tolist()
    places, starts = np.unique(place, return_index=True)
    edges = [*starts.tolist(), len(place)]
    for at, first, end in zip(places.tolist(), edges[:-1], edges[1:], strict=True):
        yield *divmod(at, horizon.step_count), inside[first:end], shares[first:end]


def relaxed(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_l,t h[t] OVER_RATIO top_value over[l, t]: a limit gives way only when nothing else can."""
    price = OVER_RATIO * top_value_per_kwh(horizon)
    return linear([(price * float(horizon.step_h[t]), model.over[row, t]) for row, t in model.over])


def unrelieved(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """What limits are exceeded by if nobody relieves them."""
    return {"over": np.maximum(-horizon.limits.headroom_kw, 0.0)}


TOPIC = Topic(
    name="feeders",
    variables=(declare_over,),
    constraints=(keep_limits,),
    terms=(Term("relaxed", "money", 1.0, relaxed),),
    complete=unrelieved,
)
