"""Capacity subscriptions: what drawing above the subscribed power costs, on average over the days that load and sun may be.

| term         | unit  | formula                                                                              |
|--------------|-------|--------------------------------------------------------------------------------------|
| subscription | money | sum_j,k chance[j] (fee[k] exceeded[j, k] + fee_per_kwh[k] sum_t h[t] above[j, k, t]) |

A quantity of subscription k of K on day j has the number j K + k, in step t besides (j K + k) T + t.
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.exchange import net_import, net_import_kw
from optimizer.problem.horizon import Floats, Horizon


def declare_above(model: ConcreteModel, horizon: Horizon) -> None:
    """`above[j, k, t]` [kW]: net import above subscription k in step t of day j, where that can be; `exceeded[j, k]` (0 or 1): whether
    it ever is, where that costs a fee."""
    most_kw = horizon.meters.net_kw + model.flows.most_drawn_kw(horizon.step_count)
    above_kw = _above_kw(horizon, most_kw)
    places = np.flatnonzero(above_kw > 0).tolist()
    model.above = Var(places, bounds=lambda _, k: (0.0, float(above_kw[k])))
    reachable = {k // horizon.step_count for k in places}
    subscriptions = horizon.request.subscriptions
    charged = [k for k in sorted(reachable) if subscriptions[k % len(subscriptions)].fee > 0]
    model.exceeded = Var(charged, within=Binary)


def _above_kw(horizon: Horizon, net_kw: Floats) -> Floats:
    """By how much a net import [kW per day and step] is above each subscription that applies; shape (J K T)."""
    rows = [
        np.where(one.applies, np.maximum(on_day_kw - one.subscribed_kw, 0.0), 0.0)
        for on_day_kw in net_kw
        for one in horizon.request.subscriptions
    ]
    return np.concatenate(rows)


def measure_above(model: ConcreteModel, horizon: Horizon) -> None:
    """net_import[j, t] - above[j, k, t] <= subscribed_kw[k]."""
    count, subscriptions = horizon.step_count, horizon.request.subscriptions

    def rule(m: ConcreteModel, place: int) -> object:
        day, k = divmod(place // count, len(subscriptions))
        parts = [*net_import(m, horizon, place % count, day=day), (-1.0, m.above[place])]
        return linear(parts) <= subscriptions[k].subscribed_kw

    model.subscribed = Constraint(list(model.above), rule=rule)


def mark_exceeded(model: ConcreteModel, horizon: Horizon) -> None:
    """above[j, k, t] <= max_above[j, k, t] exceeded[j, k]."""
    count = horizon.step_count
    marked = [k for k in model.above if k // count in model.exceeded]
    model.mark = Constraint(marked, rule=lambda m, k: m.above[k] - m.above[k].ub * m.exceeded[k // count] <= 0)


def subscription(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_j,k chance[j] (fee[k] exceeded[j, k] + fee_per_kwh[k] sum_t h[t] above[j, k, t])."""
    count, hours, every = horizon.step_count, horizon.step_h.tolist(), horizon.request.subscriptions
    fee = [float(chance) * one.fee for chance in horizon.meters.chance for one in every]
    per_kwh = [float(chance) * one.fee_per_kwh for chance in horizon.meters.chance for one in every]
    parts = [(per_kwh[place // count] * hours[place % count], model.above[place]) for place in model.above]
    return linear([*parts, *((fee[k], model.exceeded[k]) for k in model.exceeded)])


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
