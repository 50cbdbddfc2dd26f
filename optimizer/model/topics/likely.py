"""Likely days: vehicles yet to come, which share limits, peaks and prices with those that are here.

| term   | unit  | formula                                                                                             |
|--------|-------|-----------------------------------------------------------------------------------------------------|
| likely | money | sum_c probability[day(c)] (sum_t h[t] price[t] come[c, t] + value_per_kwh lack[c])                  |

A two-stage stochastic program (Birge and Louveaux, Introduction to Stochastic Programming, 2011, section 2.4): who is here gets one
plan for all days, who comes is served on each day as is best on it. Vehicles that come below one feeder are bounded together by their
earliest and latest cumulative energy (Zhang, Hu and Song, Evaluation of Achievable Vehicle-to-Grid Capacity Using Aggregate PEV Model,
2017): one unknown per day and step instead of one per vehicle, and never a higher peak than all of them would need one by one.
"""

from __future__ import annotations

import numpy as np
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.model.flows import members
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.coming import Crowd
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import top_value_per_kwh


def declare_coming(model: ConcreteModel, horizon: Horizon) -> None:
    """`come[c T + t]` [kW] of crowd c in step t, `taken[c T + t]` [kWh] by its end, where there may be any; `lack[c]` [kWh]: what it
    is short of at the worst instant."""
    crowds = model.crowds
    most_kw = [kw for crowd in crowds for kw in crowd.coming.most_kw]
    most_kwh = [kwh for crowd in crowds for kwh in crowd.coming.most_kwh]
    needed_kwh = [crowd.coming.least_kwh[-1] for crowd in crowds]
    model.come = Var([k for k, kw in enumerate(most_kw) if kw > 0], bounds=lambda _, k: (0.0, most_kw[k]))
    model.taken = Var([k for k, kwh in enumerate(most_kwh) if kwh > 0], bounds=lambda _, k: (0.0, most_kwh[k]))
    model.lack = Var([c for c, kwh in enumerate(needed_kwh) if kwh > 0], bounds=lambda _, c: (0.0, needed_kwh[c]))


def take_energy(model: ConcreteModel, horizon: Horizon) -> None:
    """taken[c, t] - taken[c, t - 1] - h[t] come[c, t] = 0."""
    count, step_h = horizon.step_count, horizon.step_h.tolist()

    def rule(_: ConcreteModel, k: int) -> object:
        parts = [(1.0, model.taken[k])]
        if k % count and k - 1 in model.taken:
            parts.append((-1.0, model.taken[k - 1]))
        if k in model.come:
            parts.append((-step_h[k % count], model.come[k]))
        return linear(parts) == 0.0

    model.take = Constraint(list(model.taken), rule=rule)


def take_in_time(model: ConcreteModel, horizon: Horizon) -> None:
    """taken[c, t] + lack[c] >= least_kwh[c, t]."""
    count = horizon.step_count
    least_kwh = [kwh for crowd in model.crowds for kwh in crowd.coming.least_kwh]
    owed = [k for k in model.taken if least_kwh[k] > 0]
    model.owed = Constraint(owed, rule=lambda m, k: m.taken[k] + m.lack[k // count] >= least_kwh[k])


def share_limits(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_f share[l, point(f)] sign[f] flow[f] + sum_c share[l, c] come[c, t] <= headroom_kw[l, t], over the flows f in step t and the
    crowds c of a day, for each limit l of a feeder that all of them at their most would exceed."""
    flows, count, crowds = model.flows, horizon.step_count, model.crowds
    flows_in = members(flows.step)
    share = horizon.limits.share.tocsr()
    rows = {}
    for row, day, inside in _shared_limits(horizon, crowds):
        here = share[[row]].toarray()[0][flows.point] * flows.sign
        here_kw = np.bincount(flows.step, np.maximum(here, 0.0) * flows.most_kw, minlength=count)
        come_kw = sum(part * np.array(crowds[c].coming.most_kw) for c, part in inside.items())
        headroom_kw = horizon.limits.headroom_kw[row]
        for t in np.flatnonzero((here_kw + come_kw > headroom_kw + 1e-9) & (come_kw > 0)).tolist():
            parts = [(float(here[f]), flows.variables[f]) for f in flows_in.get(t, ()) if here[f]]
            parts += [(part, model.come[c * count + t]) for c, part in inside.items() if c * count + t in model.come]
            rows[row, day, t] = linear(parts) <= float(max(0.0, headroom_kw[t]))
    model.shared = Constraint(list(rows), rule=lambda _, *key: rows[key])


def _shared_limits(horizon: Horizon, crowds: tuple[Crowd, ...]) -> list[tuple[int, int, dict[int, float]]]:
    """Limits by likely day, with the crowds they carry and the share of each."""
    found: dict[tuple[int, int], dict[int, float]] = {}
    for c, crowd in enumerate(crowds):
        for row, part in crowd.shares.items():
            found.setdefault((row, crowd.day), {})[c] = part
    return [(row, day, inside) for (row, day), inside in found.items()]


def coming_energy(model: ConcreteModel, horizon: Horizon) -> object:
    """sum_c probability[day(c)] (sum_t h[t] price[t] come[c, t] + value_per_kwh lack[c]); price: of import, of export where there is a
    surplus before vehicles; value: of the highest priority."""
    request, count, crowds, meters = horizon.request, horizon.step_count, model.crowds, horizon.meters
    price = np.where(meters.net_kw < 0, request.export_price_per_kwh, request.import_price_per_kwh)
    cost, value = (price * horizon.step_h).tolist(), top_value_per_kwh(horizon)
    of_crowd = [(crowd.probability, cost[meters.weather(crowd.day)]) for crowd in crowds]
    come = [(of_crowd[k // count][0] * of_crowd[k // count][1][k % count], model.come[k]) for k in model.come]
    return linear(come + [(crowds[c].probability * value, model.lack[c]) for c in model.lack])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Nobody is served: one possible answer."""
    needed_kwh = np.array([coming.least_kwh[-1] for day in horizon.request.likely for coming in day.coming])
    none = np.zeros(len(needed_kwh) * horizon.step_count)
    return {"come": none, "taken": none, "lack": needed_kwh}


TOPIC = Topic(
    name="likely",
    variables=(declare_coming,),
    constraints=(take_energy, take_in_time, share_limits),
    terms=(Term("likely", "money", 1.0, coming_energy),),
    applies=lambda horizon: any(day.coming for day in horizon.request.likely),
    complete=complete,
    exact=False,
    knows_limits=True,
)
