"""Peaks: what the highest window means cost above the peak so far, on every day that is likely.

| term   | unit  | formula                                                                   |
|--------|-------|---------------------------------------------------------------------------|
| demand | money | sum over pieces e of probability[day(e)] price_per_kw[level(e)] excess[e] |
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pyomo.environ import ConcreteModel, Constraint, Var

from cpms.domain.plan import DemandPrice
from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.exchange import metered_kw, net_import
from optimizer.problem.coming import chances
from optimizer.problem.horizon import Floats, Horizon


class Piece(NamedTuple):
    """The part of a day's peak between two levels [kW] of a demand price; a kW of it costs `price_per_kw`. `peak`: d J + j."""

    demand: int
    day: int
    peak: int
    from_kw: float
    width_kw: float
    price_per_kw: float


def pieces_of(horizon: Horizon) -> list[Piece]:
    """All pieces, by demand price, likely day and level."""
    days = len(chances(horizon))
    return [
        Piece(d, j, d * days + j, from_kw, to_kw - from_kw, price_per_kw)
        for d, windows in enumerate(horizon.windows)
        if len(windows.weight)
        for j in range(days)
        for from_kw, to_kw, price_per_kw in _levels(windows.price)
    ]


def _levels(price: DemandPrice) -> list[tuple[float, float, float]]:
    """From which peak [kW] up to which a kW costs how much, beginning at the peak so far."""
    costs = [(0.0, price.price_per_kw), *price.rises]
    ends_kw = [*(from_kw for from_kw, _ in price.rises), np.inf]
    return [
        (max(from_kw, price.peak_so_far_kw), to_kw, cost)
        for (from_kw, cost), to_kw in zip(costs, ends_kw, strict=True)
        if to_kw > price.peak_so_far_kw
    ]


def declare_peaks(model: ConcreteModel, horizon: Horizon) -> None:
    """`highest[d J + j]` [kW]: at least the highest window mean of demand price d on likely day j of J; `excess[e]` [kW]: its part in
    piece e."""
    pieces = pieces_of(horizon)
    drawn_kw = model.flows.most_drawn_kw(horizon.step_count)
    most_kw = float(np.max(np.maximum(horizon.meters.base_kw + drawn_kw, 0.0).sum(axis=1)))
    most_kw += sum(max(crowd.coming.most_kw) for crowd in model.crowds)
    widths_kw = [min(one.width_kw, max(0.0, most_kw - one.from_kw)) for one in pieces]
    charged = sorted({one.peak for one in pieces})
    model.highest = Var(charged, bounds=(0.0, most_kw))
    model.excess = Var(range(len(widths_kw)), bounds=lambda _, e: (0.0, widths_kw[e]))


def measure_peaks(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_t weight[w, t] (net_import[j, t] + sum_c come[c, t]) - highest[d J + j] <= 0, over the meters that d is measured on and the
    crowds c behind them on likely day j, for each window w of d."""
    days = len(chances(horizon))
    rows = [(k, w) for k in model.highest for w in range(len(horizon.windows[k // days].weight))]
    nets = {
        (meters, j): [_net_kw(model, horizon, meters, j, t) for t in range(horizon.step_count)]
        for meters in set(horizon.meters.of_demand)
        for j in range(days)
    }

    def rule(_: ConcreteModel, k: int, w: int) -> object:
        weight, meters = horizon.windows[k // days].weight[w], horizon.meters.of_demand[k // days]
        net = nets[meters, k % days]
        mean = [(share * weight[t], flow) for t in np.flatnonzero(weight).tolist() for share, flow in net[t]]
        return linear([*mean, (-1.0, model.highest[k])]) <= 0.0

    model.peak = Constraint(rows, rule=rule)


def _net_kw(
    model: ConcreteModel, horizon: Horizon, meters: tuple[int, ...], day: int, step: int
) -> list[tuple[float, object]]:
    """Net import of meters in a step with who has come on a likely day."""
    places = [
        c * horizon.step_count + step
        for c, crowd in enumerate(model.crowds)
        if crowd.day == day and horizon.meters.of_feeder[crowd.coming.feeder_id] in meters
    ]
    return net_import(model, horizon, step, meters, horizon.meters.weather(day)) + [
        (1.0, model.come[k]) for k in places if k in model.come
    ]


def split_peaks(model: ConcreteModel, horizon: Horizon) -> None:
    """highest[d J + j] - sum_e excess[e] <= peak_so_far_kw[d], over the pieces e of d and j, whose prices ascend."""
    parts: dict[int, list[tuple[float, object]]] = {k: [(1.0, model.highest[k])] for k in model.highest}
    paid_kw = {}
    for e, one in enumerate(pieces_of(horizon)):
        parts[one.peak].append((-1.0, model.excess[e]))
        paid_kw[one.peak] = horizon.windows[one.demand].price.peak_so_far_kw
    model.split = Constraint(list(parts), rule=lambda _, k: linear(parts[k]) <= paid_kw[k])


def demand(model: ConcreteModel, horizon: Horizon) -> object:
    """sum_e probability[day(e)] price_per_kw[e] excess[e]: only what is above the peak so far still costs."""
    chance = chances(horizon)
    return linear([(chance[p.day] * p.price_per_kw, model.excess[e]) for e, p in enumerate(pieces_of(horizon))])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """The highest window mean with who is here, and how far it rises into each piece [kW]."""
    metered = metered_kw(horizon, slot_kw)
    highest_kw = np.array(
        [
            windows.highest_kw(metered[horizon.meters.weather(j), list(meters)].sum(axis=0))
            for windows, meters in zip(horizon.windows, horizon.meters.of_demand, strict=True)
            for j in range(len(chances(horizon)))
        ]
    )
    excess = [min(max(0.0, highest_kw[one.peak] - one.from_kw), one.width_kw) for one in pieces_of(horizon)]
    return {"highest": highest_kw, "excess": np.array(excess)}


TOPIC = Topic(
    name="peaks",
    variables=(declare_peaks,),
    constraints=(measure_peaks, split_peaks),
    terms=(Term("demand", "money", 1.0, demand),),
    complete=complete,
)
