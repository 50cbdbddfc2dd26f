"""Exchange: what is drawn from and fed into the grid, and what that costs.

| term   | unit  | formula                                                                      |
|--------|-------|------------------------------------------------------------------------------|
| energy | money | sum_m,t h[t] (import_price[m, t] drawn[m, t] - export_price[m, t] fed[m, t]) |
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.model.flows import members
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Floats, Horizon, Ints


def declare_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """`drawn[m T + t]`, `fed[m T + t]` [kW]: import and export at meter m in step t; export only where there may be a surplus.
    `feeding[m T + t]` (0 or 1) where export pays more than import costs, so that nobody sells what he buys in the same step."""
    meters = horizon.meters
    drawn_kw, delivered_kw = _most_kw(model, horizon)
    most_kw = np.maximum(0.0, meters.base_kw.ravel() + drawn_kw).tolist()
    surplus_kw = (delivered_kw - meters.base_kw.ravel()).tolist()
    surplus = [k for k, kw in enumerate(surplus_kw) if kw > 0]
    perverse = (meters.export_price > meters.import_price).ravel().tolist()
    model.drawn = Var(range(len(most_kw)), bounds=lambda _, k: (0.0, most_kw[k]))
    model.fed = Var(surplus, bounds=lambda _, k: (0.0, surplus_kw[k]))
    model.feeding = Var([k for k in surplus if perverse[k]], within=Binary)


def places(model: ConcreteModel, horizon: Horizon) -> Ints:
    """Meter and step, m T + t, of every flow."""
    place: Ints = horizon.meters.of_point[model.flows.point] * horizon.step_count + model.flows.step
    return place


def _most_kw(model: ConcreteModel, horizon: Horizon) -> tuple[Floats, Floats]:
    """Most that may be drawn and delivered behind each meter in each step [kW], shapes (M T)."""
    flows, place, size = model.flows, places(model, horizon), horizon.meters.base_kw.size
    drawn = np.bincount(place, np.where(flows.sign > 0, flows.most_kw, 0.0), size)
    delivered = np.bincount(place, np.where(flows.sign < 0, flows.most_kw, 0.0), size)
    return drawn.astype(np.float64), delivered.astype(np.float64)


def balance_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """drawn[m, t] - fed[m, t] - sum_f sign[f] flow[f] = b[m, t], over the flows f behind each meter m in each step t."""
    flows, base_kw = model.flows, horizon.meters.base_kw.ravel().tolist()
    flows_at = members(places(model, horizon))
    minus_sign = (-flows.sign).tolist()

    def rule(_: ConcreteModel, k: int) -> object:
        inside = flows_at.get(k, [])
        variables = [model.drawn[k], *(flows.variables[f] for f in inside)]
        coefficients = [1.0, *(minus_sign[f] for f in inside)]
        if k in model.fed:
            variables.append(model.fed[k])
            coefficients.append(-1.0)
        return LinearExpression(linear_coefs=coefficients, linear_vars=variables) == base_kw[k]

    model.exchange = Constraint(range(len(base_kw)), rule=rule)


def feed_or_draw(model: ConcreteModel, horizon: Horizon) -> None:
    """fed[m, t] <= max_fed[m, t] feeding[m, t] and drawn[m, t] <= max_drawn[m, t] (1 - feeding[m, t]), where export pays more than
    import."""
    perverse = list(model.feeding)
    model.feed = Constraint(perverse, rule=lambda m, k: m.fed[k] - m.fed[k].ub * m.feeding[k] <= 0)
    model.draw = Constraint(perverse, rule=lambda m, k: m.drawn[k] + m.drawn[k].ub * m.feeding[k] <= m.drawn[k].ub)


def energy(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_m,t h[t] (import_price[m, t] drawn[m, t] - export_price[m, t] fed[m, t])."""
    meters = horizon.meters
    buying = (meters.import_price * horizon.step_h).ravel().tolist()
    selling = (meters.export_price * horizon.step_h).ravel().tolist()
    drawn = [(buying[k], model.drawn[k]) for k in model.drawn]
    return linear(drawn + [(-selling[k], model.fed[k]) for k in model.fed])


def net_import(
    model: ConcreteModel, horizon: Horizon, t: int, meters: tuple[int, ...] | None = None
) -> list[tuple[float, object]]:
    """Net import in step t as a sum over `meters` (None: all): drawn[m, t] - fed[m, t]."""
    parts = []
    for meter in meters if meters is not None else range(horizon.meters.count):
        k = meter * horizon.step_count + t
        parts.append((1.0, model.drawn[k]))
        if k in model.fed:
            parts.append((-1.0, model.fed[k]))
    return parts


def metered_kw(horizon: Horizon, slot_kw: Floats) -> Floats:
    """Net import per meter and step [kW], shape (M, T), where nothing but vehicles has a choice."""
    slots, base_kw = horizon.slots, horizon.meters.base_kw
    place = horizon.meters.of_point[slots.need] * horizon.step_count + slots.step
    return base_kw + np.bincount(place, slot_kw, base_kw.size).reshape(base_kw.shape)


def net_import_kw(horizon: Horizon, slot_kw: Floats) -> Floats:
    """Net import per step [kW] of all meters, where nothing but vehicles has a choice."""
    return horizon.base_kw + horizon.total_kw(slot_kw)


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Net import [kW] where it is positive, net export where it is not."""
    net_kw = metered_kw(horizon, slot_kw).ravel()
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
