"""Chances: what sessions of which only likely stays are known will lack on average, and what they will not draw of the plan.

| term      | unit  | formula                                                                     |
|-----------|-------|-----------------------------------------------------------------------------|
| unserved  | money | sum_n value_per_kwh[tier(n)] unserved[n]                                    |
| not_drawn | money | - sum_(s,k) (1 - P[s, k]) price[t(s)] h[s] layer[s, k]                      |
|           |       | - sum_s gone[s] price[t(s)] h[s] (p[s] - give[s])                           |
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import value_per_kwh


def declare_layers(model: ConcreteModel, horizon: Horizon) -> None:
    """`layer[s, k]` [kW]: power of slot s for layer k of its need (`optimizer.problem.chances`), by its place; `unserved[n]` [kWh]:
    what need n lacks on average."""
    most_kw = [
        float(np.max(horizon.conduct[n].grid.most_kw))
        for n, chance in horizon.chances.items()
        for _ in range(chance.drawn.size)
    ]
    wanted_kwh = {n: chance.wanted_kwh for n, chance in horizon.chances.items()}
    model.layer = Var(range(len(most_kw)), bounds=lambda _, j: (0.0, most_kw[j]))
    model.unserved = Var(list(wanted_kwh), bounds=lambda _, n: (0.0, wanted_kwh[n]))


def split_into_layers(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_k layer[s, k] - p[s] <= 0: what is planned beyond all layers serves nobody."""
    of_slot = {
        horizon.slots.of(n).start + i: row
        for n, chance in horizon.chances.items()
        for i, row in enumerate(chance.place.tolist())
    }

    def rule(_: ConcreteModel, s: int) -> object:
        return linear([*((1.0, model.layer[j]) for j in of_slot[s]), (-1.0, model.power[s])]) <= 0.0

    model.layers = Constraint(list(of_slot), rule=rule)


def fill_layers(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_s h[s] layer[s, k] <= E_k - E_(k-1), over the slots s of each uncertain need."""
    layers = {
        (n, k): float(width)
        for n, chance in horizon.chances.items()
        for k, width in enumerate(np.diff(chance.edges_kwh))
        if chance.drawn.size
    }

    def rule(_: ConcreteModel, n: int, k: int) -> object:
        hours, places = horizon.slots.hours[horizon.slots.of(n)].tolist(), horizon.chances[n].place[:, k].tolist()
        return linear([(h, model.layer[j]) for h, j in zip(hours, places, strict=True)]) <= layers[n, k]

    model.width = Constraint(list(layers), rule=rule)


def lack_on_average(model: ConcreteModel, horizon: Horizon) -> None:
    """unserved[n] + sum_(s,k) P[s, k] h[s] layer[s, k] = sum_i chance_i E_i, over the slots s and layers k of need n."""

    def rule(_: ConcreteModel, n: int) -> object:
        chance, hours = horizon.chances[n], horizon.slots.hours[horizon.slots.of(n)]
        drawn = [(p * float(hours[i]), model.layer[j]) for j, i, _, p in chance.parts()]
        return linear([(1.0, model.unserved[n]), *drawn]) == chance.wanted_kwh

    model.average = Constraint(list(horizon.chances), rule=rule)


def unserved(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_n value_per_kwh[tier(n)] unserved[n]."""
    value = value_per_kwh(horizon).tolist()
    return linear([(value[n], model.unserved[n]) for n in model.unserved])


def not_drawn(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """- sum_(s,k) (1 - P[s, k]) price[t(s)] h[s] layer[s, k] - sum_s gone[s] price[t(s)] h[s] (p[s] - give[s]), at the price expected
    before vehicles: what the exchange pays for and nobody will draw, and is paid for and nobody will give."""
    slots, meters = horizon.slots, horizon.meters
    price = meters.expected_price[meters.of_point[slots.need], slots.step] * slots.hours
    parts: list[tuple[float, object]] = [
        (-float(price[slots.of(n).start + i]) * (1 - p), model.layer[j])
        for n, chance in horizon.chances.items()
        for j, i, _, p in chance.parts()
    ]
    gone, gives = price * horizon.gone, np.asarray(horizon.giving.most_kw) > 0
    for s in np.flatnonzero(horizon.gone).tolist():
        parts.append((-float(gone[s]), model.power[s]))
        if gives[s]:
            parts.append((float(gone[s]), model.give[s]))
    return linear(parts)


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Layers filled in the order of time."""
    layered, lacking_kwh = [np.zeros(0)], np.zeros(len(horizon.need_kwh))
    for n, chance in horizon.chances.items():
        mine = horizon.slots.of(n)
        hours = horizon.slots.hours[mine]
        layered_kw = chance.layered_kw(slot_kw[mine], hours)
        layered.append(layered_kw.ravel())
        lacking_kwh[n] = chance.lacking_kwh(layered_kw, hours)
    return {"layer": np.concatenate(layered), "unserved": lacking_kwh}


TOPIC = Topic(
    name="chances",
    variables=(declare_layers,),
    constraints=(split_into_layers, fill_layers, lack_on_average),
    terms=(Term("unserved", "money", 1.0, unserved), Term("not_drawn", "money", 1.0, not_drawn)),
    applies=lambda horizon: len(horizon.chances) > 0 or bool(horizon.gone.any()),
    complete=complete,
)
