"""Capacity subscriptions: what drawing above the subscribed power costs.

| term         | unit  | formula                                                             |
|--------------|-------|---------------------------------------------------------------------|
| subscription | money | sum_k (fee[k] exceeded[k] + fee_per_kwh[k] sum_t h[t] above[k T + t]) |
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.exchange import net_import, net_import_kw
from optimizer.problem.horizon import Floats, Horizon


def declare_above(model: ConcreteModel, horizon: Horizon) -> None:
    """`above[k T + t]` [kW]: net import above subscription k in step t, where that can be; `exceeded[k]` (0 or 1): whether it ever is,
    where that costs a fee."""
    most_kw = horizon.base_kw + model.flows.most_drawn_kw(horizon.step_count)
    above_kw = _above_kw(horizon, most_kw)
    places = np.flatnonzero(above_kw > 0).tolist()
    model.above = Var(places, bounds=lambda _, k: (0.0, float(above_kw[k])))
    reachable = {k // horizon.step_count for k in places}
    charged = [k for k, one in enumerate(horizon.request.subscriptions) if one.fee > 0 and k in reachable]
    model.exceeded = Var(charged, within=Binary)


def _above_kw(horizon: Horizon, net_kw: Floats) -> Floats:
    """By how much a net import [kW per step] is above each subscription that applies; shape (K T)."""
    rows = [
        np.where(one.applies, np.maximum(net_kw - one.subscribed_kw, 0.0), 0.0) for one in horizon.request.subscriptions
    ]
    return np.concatenate(rows)


def measure_above(model: ConcreteModel, horizon: Horizon) -> None:
    """net_import[t] - above[k, t] <= subscribed_kw[k]."""
    count, subscriptions = horizon.step_count, horizon.request.subscriptions

    def rule(m: ConcreteModel, k: int) -> object:
        parts = [*net_import(m, horizon, k % count), (-1.0, m.above[k])]
        return linear(parts) <= subscriptions[k // count].subscribed_kw

    model.subscribed = Constraint(list(model.above), rule=rule)


def mark_exceeded(model: ConcreteModel, horizon: Horizon) -> None:
    """above[k, t] <= max_above[k, t] exceeded[k]."""
    count = horizon.step_count
    marked = [k for k in model.above if k // count in model.exceeded]
    model.mark = Constraint(marked, rule=lambda m, k: m.above[k] - m.above[k].ub * m.exceeded[k // count] <= 0)


def subscription(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_k (fee[k] exceeded[k] + fee_per_kwh[k] sum_t h[t] above[k, t])."""
    count, subscriptions = horizon.step_count, horizon.request.subscriptions
    parts = [
        (subscriptions[k // count].fee_per_kwh * float(horizon.step_h[k % count]), model.above[k]) for k in model.above
    ]
    return linear([*parts, *((subscriptions[k].fee, model.exceeded[k]) for k in model.exceeded)])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """How far net import is above each subscription."""
    above_kw = _above_kw(horizon, net_import_kw(horizon, slot_kw))
    return {"above": above_kw, "exceeded": (above_kw.reshape(-1, horizon.step_count) > 0).any(axis=1).astype(float)}


TOPIC = Topic(
    name="subscriptions",
    applies=lambda horizon: bool(horizon.request.subscriptions),
    variables=(declare_above,),
    constraints=(measure_above, mark_exceeded),
    terms=(Term("subscription", "money", 1.0, subscription),),
    complete=complete,
)
