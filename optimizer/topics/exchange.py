"""Exchange: what is drawn from and fed into the grid, and what that costs.

| term   | unit  | formula                                                        |
|--------|-------|----------------------------------------------------------------|
| energy | money | sum_t h[t] (import_price[t] drawn[t] - export_price[t] fed[t]) |
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.flows import members
from optimizer.horizon import Floats, Horizon
from optimizer.topic import Term, Topic, linear


def declare_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """`drawn[t]`, `fed[t]` [kW]: import and export at the grid connection; export only where there may be a surplus.
    `feeding[t]` (0 or 1) where export pays more than import costs, so that nobody sells what he buys in the same step."""
    request, count = horizon.request, horizon.step_count
    most_kw = np.maximum(0.0, horizon.base_kw + model.flows.most_drawn_kw(count)).tolist()
    surplus_kw = (model.flows.most_delivered_kw(count) - horizon.base_kw).tolist()
    surplus = [t for t in range(count) if surplus_kw[t] > 0]
    perverse = [t for t in surplus if request.export_price_per_kwh[t] > request.import_price_per_kwh[t]]
    model.drawn = Var(range(count), bounds=lambda _, t: (0.0, most_kw[t]))
    model.fed = Var(surplus, bounds=lambda _, t: (0.0, surplus_kw[t]))
    model.feeding = Var(perverse, within=Binary)


def balance_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """drawn[t] - fed[t] - sum_f sign[f] flow[f] = b[t], over the flows f in each step t."""
    flows = model.flows
    flows_in = members(flows.step)
    minus_sign = (-flows.sign).tolist()

    def rule(_: ConcreteModel, t: int) -> object:
        inside = flows_in.get(t, [])
        variables = [model.drawn[t], *(flows.variables[f] for f in inside)]
        coefficients = [1.0, *(minus_sign[f] for f in inside)]
        if t in model.fed:
            variables.append(model.fed[t])
            coefficients.append(-1.0)
        return LinearExpression(linear_coefs=coefficients, linear_vars=variables) == float(horizon.base_kw[t])

    model.exchange = Constraint(range(horizon.step_count), rule=rule)


def feed_or_draw(model: ConcreteModel, horizon: Horizon) -> None:
    """fed[t] <= max_fed[t] feeding[t] and drawn[t] <= max_drawn[t] (1 - feeding[t]), where export pays more than import."""
    steps = list(model.feeding)
    model.feed = Constraint(steps, rule=lambda m, t: m.fed[t] - m.fed[t].ub * m.feeding[t] <= 0)
    model.draw = Constraint(steps, rule=lambda m, t: m.drawn[t] + m.drawn[t].ub * m.feeding[t] <= m.drawn[t].ub)


def energy(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_t h[t] (import_price[t] drawn[t] - export_price[t] fed[t])."""
    request, step_h = horizon.request, horizon.step_h.tolist()
    drawn = [(step_h[t] * request.import_price_per_kwh[t], model.drawn[t]) for t in model.drawn]
    fed = [(-step_h[t] * request.export_price_per_kwh[t], model.fed[t]) for t in model.fed]
    return linear(drawn + fed)


def net_import(model: ConcreteModel, horizon: Horizon, t: int) -> list[tuple[float, object]]:
    """Net import in step t as a sum: drawn[t] - fed[t]."""
    parts = [(1.0, model.drawn[t])]
    if t in model.fed:
        parts.append((-1.0, model.fed[t]))
    return parts


def net_import_kw(horizon: Horizon, slot_kw: Floats) -> Floats:
    """Net import per step [kW] where nothing but vehicles has a choice."""
    return horizon.base_kw + horizon.total_kw(slot_kw)


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Net import [kW] where it is positive, net export where it is not."""
    net_kw = horizon.base_kw + horizon.total_kw(slot_kw)
    return {
        "drawn": np.maximum(net_kw, 0.0),
        "fed": np.maximum(-net_kw, 0.0),
        "feeding": (net_kw < 0).astype(np.float64),
    }


TOPIC = Topic(
    name="exchange",
    variables=(declare_exchange,),
    constraints=(balance_exchange, feed_or_draw),
    terms=(Term("energy", "money", 1.0, energy),),
    complete=complete,
)
