"""Exchange: what is drawn from and fed into the grid, and what that costs, on average over the days that load and sun may be.

| term   | unit  | formula                                                                                                 |
|--------|-------|---------------------------------------------------------------------------------------------------------|
| energy | money | sum_j,m,t chance[j] h[t] (import_price[m, t] drawn[j, m, t] - export_price[m, t] fed[j, m, t])          |

Vehicles and batteries have one plan for all these days, and what is left is exchanged on each (a two-stage stochastic program with
simple recourse; Birge and Louveaux, Introduction to Stochastic Programming, 2011, section 3.1). Limits rely on feeders instead.
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.model.flows import members
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Floats, Horizon, Ints


def declare_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """`drawn[(j M + m) T + t]`, `fed[(j M + m) T + t]` [kW]: import and export on day j at meter m in step t; export only where there
    may be a surplus. `feeding[(j M + m) T + t]` (0 or 1) where export pays more than import costs, so that nobody sells what he buys
    in the same step."""
    meters = horizon.meters
    drawn_kw, delivered_kw = _most_kw(model, horizon)
    most_kw = np.maximum(0.0, meters.base_kw + drawn_kw).ravel().tolist()
    surplus_kw = (delivered_kw - meters.base_kw).ravel().tolist()
    surplus = [k for k, kw in enumerate(surplus_kw) if kw > 0]
    perverse = np.tile((meters.export_price > meters.import_price).ravel(), len(meters.chance)).tolist()
    model.drawn = Var(range(len(most_kw)), bounds=lambda _, k: (0.0, most_kw[k]))
    model.fed = Var(surplus, bounds=lambda _, k: (0.0, surplus_kw[k]))
    model.feeding = Var([k for k in surplus if perverse[k]], within=Binary)


def places(model: ConcreteModel, horizon: Horizon) -> Ints:
    """Meter and step, m T + t, of every flow."""
    place: Ints = horizon.meters.of_point[model.flows.point] * horizon.step_count + model.flows.step
    return place


def _most_kw(model: ConcreteModel, horizon: Horizon) -> tuple[Floats, Floats]:
    """Most that may be drawn and delivered behind each meter in each step [kW], shapes (M, T)."""
    flows, place, shape = model.flows, places(model, horizon), horizon.meters.import_price.shape
    size = horizon.meters.import_price.size
    drawn = np.bincount(place, np.where(flows.sign > 0, flows.most_metered_kw, 0.0), size)
    delivered = np.bincount(place, np.where(flows.sign < 0, flows.most_metered_kw, 0.0), size)
    return drawn.astype(np.float64).reshape(shape), delivered.astype(np.float64).reshape(shape)


def balance_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """drawn[0, m, t] - fed[0, m, t] - sum_f sign[f] present[f] flow[f] = b[0, m, t], over the flows f behind meter m in step t, and
    drawn[j, m, t] - fed[j, m, t] - drawn[0, m, t] + fed[0, m, t] = b[j, m, t] - b[0, m, t] on every other day j."""
    flows, base_kw = model.flows, horizon.meters.base_kw.ravel().tolist()
    flows_at = members(places(model, horizon))
    minus_sign, size = (-flows.sign * flows.present).tolist(), horizon.meters.import_price.size

    def exchanged(k: int, sign: float) -> list[tuple[float, object]]:
        return [(sign, model.drawn[k]), *([(-sign, model.fed[k])] if k in model.fed else [])]

    def first(_: ConcreteModel, k: int) -> object:
        return (
            linear([*exchanged(k, 1.0), *((minus_sign[f], flows.variables[f]) for f in flows_at.get(k, []))])
            == base_kw[k]
        )

    def other(_: ConcreteModel, k: int) -> object:
        return linear([*exchanged(k, 1.0), *exchanged(k % size, -1.0)]) == base_kw[k] - base_kw[k % size]

    model.exchange = Constraint(range(size), rule=first)
    model.other_days = Constraint(range(size, len(base_kw)), rule=other)


def feed_or_draw(model: ConcreteModel, horizon: Horizon) -> None:
    """fed[j, m, t] <= max_fed[j, m, t] feeding[j, m, t] and drawn[j, m, t] <= max_drawn[j, m, t] (1 - feeding[j, m, t]), where export
    pays more than import."""
    perverse = list(model.feeding)
    model.feed = Constraint(perverse, rule=lambda m, k: m.fed[k] - m.fed[k].ub * m.feeding[k] <= 0)
    model.draw = Constraint(perverse, rule=lambda m, k: m.drawn[k] + m.drawn[k].ub * m.feeding[k] <= m.drawn[k].ub)


def energy(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_j,m,t chance[j] h[t] (import_price[m, t] drawn[j, m, t] - export_price[m, t] fed[j, m, t])."""
    meters = horizon.meters
    buying = np.outer(meters.chance, meters.import_price * horizon.step_h).ravel().tolist()
    selling = np.outer(meters.chance, meters.export_price * horizon.step_h).ravel().tolist()
    drawn = [(buying[k], model.drawn[k]) for k in model.drawn]
    return linear(drawn + [(-selling[k], model.fed[k]) for k in model.fed])


def net_import(
    model: ConcreteModel, horizon: Horizon, t: int, meters: tuple[int, ...] | None = None, day: int = 0
) -> list[tuple[float, object]]:
    """Net import in step t on day j as a sum over `meters` (None: all): drawn[j, m, t] - fed[j, m, t]."""
    parts = []
    for meter in meters if meters is not None else range(horizon.meters.count):
        k = (day * horizon.meters.count + meter) * horizon.step_count + t
        parts.append((1.0, model.drawn[k]))
        if k in model.fed:
            parts.append((-1.0, model.fed[k]))
    return parts


def metered_kw(horizon: Horizon, slot_kw: Floats) -> Floats:
    """Net import per day, meter and step [kW], shape (J, M, T), where nothing but vehicles has a choice."""
    slots, meters = horizon.slots, horizon.meters
    place = meters.of_point[slots.need] * horizon.step_count + slots.step
    return meters.base_kw + np.bincount(place, horizon.present * slot_kw, meters.import_price.size).reshape(
        meters.import_price.shape
    )


def net_import_kw(horizon: Horizon, slot_kw: Floats) -> Floats:
    """Net import per day and step [kW] of all meters, shape (J, T), where nothing but vehicles has a choice."""
    return horizon.meters.net_kw + horizon.total_kw(slot_kw)


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
