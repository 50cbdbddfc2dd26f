"""Likely days: vehicles yet to come, taken together, which share peaks and prices with those that are here.

| term   | unit  | formula                                                        |
|--------|-------|----------------------------------------------------------------|
| likely | money | sum_j probability[j] sum_t h[t] price[t] come[j, t]            |

A two-stage stochastic program (Birge and Louveaux, Introduction to Stochastic Programming, 2011, section 2.4): who is here gets one
plan for all days, who comes is served on each day as is best on it. Vehicles of a day are bounded together by their earliest and
latest cumulative energy (Zhang, Hu and Song, Evaluation of Achievable Vehicle-to-Grid Capacity Using Aggregate PEV Model, 2017): one
unknown per day and step instead of one per vehicle, and never a higher peak than all of them would need one by one.
"""

from __future__ import annotations

import numpy as np
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.horizon import Floats, Horizon
from optimizer.topic import Term, Topic, linear


def chances(horizon: Horizon) -> tuple[float, ...]:
    """Probability of each likely day; one certain day where nothing is known of who comes."""
    return tuple(day.probability for day in horizon.request.likely) or (1.0,)


def late_kw(horizon: Horizon) -> Floats:
    """Power [kW] per likely day and step, shape (J, T), of vehicles that come if all charge as late as possible."""
    likely = horizon.request.likely
    least_kwh = np.array([day.least_kwh for day in likely]).reshape(len(likely), horizon.step_count)
    late: Floats = np.diff(least_kwh, prepend=0.0) / horizon.step_h
    return late if likely else np.zeros((1, horizon.step_count))


def declare_coming(model: ConcreteModel, horizon: Horizon) -> None:
    """`come[j T + t]` [kW] of those who come on day j in step t, `taken[j T + t]` [kWh] by its end; where there may be any."""
    likely = horizon.request.likely
    most_kw = [kw for day in likely for kw in day.most_kw]
    taken_kwh = [
        (least, max(least, most)) for day in likely for least, most in zip(day.least_kwh, day.most_kwh, strict=True)
    ]
    model.come = Var([k for k, kw in enumerate(most_kw) if kw > 0], bounds=lambda _, k: (0.0, most_kw[k]))
    model.taken = Var([k for k, (_, most) in enumerate(taken_kwh) if most > 0], bounds=lambda _, k: taken_kwh[k])


def take_energy(model: ConcreteModel, horizon: Horizon) -> None:
    """taken[j, t] - taken[j, t - 1] - h[t] come[j, t] = 0."""
    count, step_h = horizon.step_count, horizon.step_h.tolist()

    def rule(_: ConcreteModel, k: int) -> object:
        parts = [(1.0, model.taken[k])]
        if k % count and k - 1 in model.taken:
            parts.append((-1.0, model.taken[k - 1]))
        if k in model.come:
            parts.append((-step_h[k % count], model.come[k]))
        return linear(parts) == 0.0

    model.take = Constraint(list(model.taken), rule=rule)


def coming_energy(model: ConcreteModel, horizon: Horizon) -> object:
    """sum_j probability[j] sum_t h[t] price[t] come[j, t]; price: of import, of export where there is a surplus before vehicles."""
    request, count = horizon.request, horizon.step_count
    price = np.where(horizon.base_kw < 0, request.export_price_per_kwh, request.import_price_per_kwh)
    cost = (price * horizon.step_h).tolist()
    chance = chances(horizon)
    return linear([(chance[k // count] * cost[k % count], model.come[k]) for k in model.come])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Everybody as late as possible: one possible answer."""
    least_kwh = np.array([kwh for day in horizon.request.likely for kwh in day.least_kwh])
    return {"come": late_kw(horizon).ravel(), "taken": least_kwh}


TOPIC = Topic(
    name="likely",
    variables=(declare_coming,),
    constraints=(take_energy,),
    terms=(Term("likely", "money", 1.0, coming_energy),),
    applies=lambda horizon: bool(horizon.request.likely),
    complete=complete,
    exact=False,
)
