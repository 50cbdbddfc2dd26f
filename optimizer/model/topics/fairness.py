"""Fairness: how sessions of one priority share what is scarce, by a principle that the request chooses.

| term     | unit  | formula                                                                                         |
|----------|-------|-------------------------------------------------------------------------------------------------|
| unequal  | money | sum_(n,k) value_per_kwh[tier(n)] rise[k] above_part[n, k] + sum_q weight[q] least_served[q]         |

Proportional fairness maximises sum_n need_kwh[n] log(share of need n served): a missing kWh counts 1 / share. Here it is
piecewise linear: above_part[n, k] being what need n lacks above the k-th part of it. Max-min makes the largest share of a need
that is missing as small as possible, least_served[q] among those of priority q. (Kelly, Maulloo and Tan, Rate control for
communication networks, 1998.)
"""

from __future__ import annotations

import math

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from cpms.domain.need import Fairness
from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.charging import DEEP_RATIO
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import TIER_RATIO, value_per_kwh

PARTS = 8
"""Into so many parts a need is divided."""

DISPLACED = 3.0
"""Up to so many kWh of others one kWh may displace."""


def rises() -> list[float]:
    """By how much a missing kWh counts for more above each further part of a need: as the chords of -log(share) rise,
    up to half of what the next priority counts; half of the need has its own rise already (`charging.DEEP_RATIO`)."""
    chords = [PARTS * math.log((PARTS - k) / (PARTS - k - 1)) for k in range(PARTS - 1)]
    counted = [min(chord / chords[0], TIER_RATIO / 2) for chord in [*chords, math.inf]]
    more = np.diff(counted)
    more[PARTS // 2 - 1] -= DEEP_RATIO - 1.0
    return [float(rise) for rise in more]


def _shared(horizon: Horizon) -> list[int]:
    """Needs that are known and could be served at least in part."""
    return np.flatnonzero((horizon.certain > 0) & (reachable_kwh(horizon) > 0)).tolist()


def _tiers(horizon: Horizon) -> list[list[int]]:
    """Those needs by priority, the lowest first."""
    needs = horizon.request.needs
    priorities = sorted({needs[n].priority for n in _shared(horizon)})
    return [[n for n in _shared(horizon) if needs[n].priority == priority] for priority in priorities]


def reachable_kwh(horizon: Horizon) -> Floats:
    """What each need could have at most if it were alone [kWh]."""
    slots = horizon.slots
    room_kw = horizon.limits.room_kw()
    alone_kw = np.zeros((len(horizon.need_kwh), horizon.step_count))
    hours = np.zeros_like(alone_kw)
    hours[slots.need, slots.step] = slots.hours
    np.maximum.at(alone_kw, (slots.need, slots.step), np.minimum(room_kw[slots.point, slots.step], slots.most_kw))
    most_kwh: Floats = np.minimum((alone_kw * hours).sum(axis=1), horizon.need_kwh)
    return most_kwh


def declare_unequal(model: ConcreteModel, horizon: Horizon) -> None:
    """`above_part[n P + k]` [kWh] for the P - 1 parts above the first of each need, or `least_served[q]` (0 to 1) of each priority."""
    fairness, needs = horizon.request.fairness, _shared(horizon)
    parts = range(1, PARTS) if fairness is Fairness.PROPORTIONAL else ()
    size_kwh = horizon.need_kwh.tolist()
    model.above_part = Var(
        [n * PARTS + k for n in needs for k in parts], bounds=lambda _, i: (0.0, size_kwh[i // PARTS])
    )
    tiers = _tiers(horizon) if fairness is Fairness.MAX_MIN else []
    model.least_served = Var(range(len(tiers)), bounds=(0.0, 1.0))


def count_above(model: ConcreteModel, horizon: Horizon) -> None:
    """short[n] + deep[n] - above_part[n, k] <= k / P need_kwh[n]."""

    def rule(_: ConcreteModel, i: int) -> object:
        n, k = divmod(i, PARTS)
        parts = [(1.0, model.short[n]), (1.0, model.deep[n]), (-1.0, model.above_part[i])]
        return linear(parts) <= k / PARTS * float(horizon.need_kwh[n])

    model.part = Constraint(list(model.above_part), rule=rule)


def serve_the_least(model: ConcreteModel, horizon: Horizon) -> None:
    """short[n] + deep[n] - reachable_kwh[n] least_served[q] <= need_kwh[n] - reachable_kwh[n], for each n of priority q."""
    reachable = reachable_kwh(horizon).tolist()
    rows = [(q, n) for q, tier in enumerate(_tiers(horizon)) for n in tier] if len(model.least_served) else []

    def rule(_: ConcreteModel, q: int, n: int) -> object:
        lacking = [(1.0, model.short[n]), (1.0, model.deep[n]), (-reachable[n], model.least_served[q])]
        return linear(lacking) <= float(horizon.need_kwh[n]) - reachable[n]

    model.least = Constraint(rows, rule=rule)


def least_served_price(horizon: Horizon) -> list[float]:
    """What a share of 1 that the worst served lacks costs per priority [money]: more than all that its members could have instead, but
    for each of their kWh less than one of the next priority."""
    value, reachable, prices = value_per_kwh(horizon), reachable_kwh(horizon), []
    tiers = _tiers(horizon)
    for q, tier in enumerate(tiers):
        price = DISPLACED * float(np.max(value[tier])) * float(np.sum(reachable[tier]))
        if q + 1 < len(tiers):
            most = float(np.min(value[tiers[q + 1]])) / 2 * float(np.min(reachable[tier]))
            price = min(price, most)
        prices.append(price)
    return prices


def unequal(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_(n,k) value_per_kwh[tier(n)] rise[k] above_part[n, k] + sum_q weight[q] least_served[q]."""
    value, rise = value_per_kwh(horizon).tolist(), rises()
    parts = [(value[i // PARTS] * rise[i % PARTS - 1], model.above_part[i]) for i in model.above_part]
    if len(model.least_served):
        parts += [(price, model.least_served[q]) for q, price in enumerate(least_served_price(horizon))]
    return linear(parts)


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """What each need lacks above its parts, and the largest missing share of each priority."""
    lacking = horizon.need_kwh - horizon.energy_kwh(slot_kw)
    above = lacking[:, None] - np.arange(PARTS) / PARTS * horizon.need_kwh[:, None]
    reachable = reachable_kwh(horizon)
    missing = lacking - (horizon.need_kwh - reachable)
    worst = [max(float(missing[n] / reachable[n]) for n in tier) for tier in _tiers(horizon)]
    return {"above_part": np.maximum(above, 0.0).ravel(), "least_served": np.clip(np.array(worst), 0.0, 1.0)}


TOPIC = Topic(
    name="fairness",
    variables=(declare_unequal,),
    constraints=(count_above, serve_the_least),
    terms=(Term("unequal", "money", 1.0, unequal),),
    applies=lambda horizon: horizon.request.fairness is not Fairness.HALF_FIRST and bool(_shared(horizon)),
    complete=complete,
    knows_limits=True,
)
