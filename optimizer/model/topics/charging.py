"""Charging: the power of every session, what its need is short of, and what that is worth.

| term         | unit  | formula                                                                                |
|--------------|-------|----------------------------------------------------------------------------------------|
| shortfall    | money | sum_n certain[n] value_per_kwh[n] (short[n] + DEEP_RATIO deep[n]) + brings[n] spare[n] |
| early_energy | money | sum_s urgency[n] lateness_price[s] h[s] p[s]                                           |
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.model.flows import members
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import LATENESS_SHARE, typical_price_per_kwh, urgency, value_per_kwh

DEEP_RATIO = 1.25
"""How much more a kWh is worth to a vehicle that has less than half of what it needs; far below TIER_RATIO."""


def declare_power(model: ConcreteModel, horizon: Horizon) -> None:
    """`power[s]` [kW] of slot s, relaxed to [0, max]; what is semi-continuous about it is added by `search`."""
    slots = horizon.slots
    bounds = [(0.0, most) for most in slots.most_kw.tolist()]
    model.power = Var(range(len(bounds)), bounds=lambda _, s: bounds[s])
    model.flows.add(list(model.power.values()), slots.point, slots.step, slots.most_kw, present=horizon.present)


def declare_energy_balance(model: ConcreteModel, horizon: Horizon) -> None:
    """`short[n]`, `deep[n]` [kWh]: what need n is short of up to half of it, and beyond.

    `spare[n]` [kWh]: room above the need in its last setpoint, less than one setpoint at the minimum for its shortest step; a vehicle
    stops by itself before using it. A vehicle that may give back can be short of what it came with, and end with more.
    """
    half_kwh = np.maximum(horizon.need_kwh, 0.0) / 2
    deep_kwh = (half_kwh + givable_kwh(horizon)).tolist()
    spare_kwh = np.where(horizon.gives_kw > 0, np.inf, smallest_delivery_kwh(horizon))
    most_kwh = horizon.energy_kwh(horizon.slots.most_kw) + np.maximum(-horizon.need_kwh, 0.0)
    spare_kwh = np.minimum(spare_kwh, most_kwh).tolist()
    wanting = np.flatnonzero((horizon.need_kwh > 0) | (horizon.gives_kw > 0)).tolist()
    model.short = Var(wanting, bounds=lambda _, n: (0.0, float(half_kwh[n])))
    model.deep = Var(wanting, bounds=lambda _, n: (0.0, deep_kwh[n]))
    model.spare = Var(wanting, bounds=lambda _, n: (0.0, spare_kwh[n]))


def givable_kwh(horizon: Horizon) -> Floats:
    """What each vehicle came with above its driver's floor [kWh]; 0 for those that may not give."""
    came_kwh = np.zeros(len(horizon.need_kwh))
    for n, one in horizon.held.items():
        came_kwh[n] = one.held_kwh - one.floor_kwh
    return came_kwh


def smallest_delivery_kwh(horizon: Horizon) -> Floats:
    """Least energy [kWh] a setpoint can mean, per need: minimum power for the shortest of its steps."""
    slots, least_kwh = horizon.slots, np.full(len(horizon.need_kwh), np.inf)
    np.minimum.at(least_kwh, slots.need, np.maximum(slots.least_kw, slots.quantum_kw) * slots.hours)
    least_kwh[~np.isfinite(least_kwh)] = 0.0
    return least_kwh


def deliver_energy(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_s h[s] d[s] + short[n] + deep[n] - spare[n] = need_kwh[n], over the slots s of each need n; d: `delivered`."""
    hours = horizon.slots.hours.tolist()
    slots_of = members(horizon.slots.need)

    def rule(_: ConcreteModel, n: int) -> object:
        slots = slots_of.get(n, [])
        parts = delivered(model, [(hours[s], s) for s in slots])
        parts += [(1.0, model.short[n]), (1.0, model.deep[n]), (-1.0, model.spare[n])]
        return linear(parts) == float(horizon.need_kwh[n])

    model.energy = Constraint(list(model.short), rule=rule)


def delivered(model: ConcreteModel, hours: list[tuple[float, int]]) -> list[tuple[float, object]]:
    """sum_s hours[s] d[s] over pairs (hours [h], slot): d[s] is the power of slot s and what else counts to its session's energy
    (`model.delivers`, pairs of a coefficient and a variable by slot)."""
    parts = [(h, model.power[s]) for h, s in hours]
    if model.delivers:
        parts += [(h * c, variable) for h, s in hours for c, variable in model.delivers.get(s, ())]
    return parts


def shortfall(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_n certain[n] value_per_kwh[n] (short[n] + DEEP_RATIO deep[n]): needs are soft, but worth more than
    anything that money could save on them, and what is missing beyond half of a need weighs more: where energy is scarce it is
    shared. What is not certain counts by its likely stays instead (`topics.chances`). Nobody is paid for what is spare, as no vehicle
    draws it: it costs as much as it could bring, which tightens the relaxation and costs no plan anything."""
    value = (horizon.certain * value_per_kwh(horizon)).tolist()
    short = [(value[n], model.short[n]) for n in model.short]
    deep = [(DEEP_RATIO * value[n], model.deep[n]) for n in model.deep]
    brings = most_brought_per_kwh(horizon).tolist()
    return linear(short + deep + [(brings[n], model.spare[n]) for n in model.spare if brings[n] > 0])


def most_brought_per_kwh(horizon: Horizon) -> Floats:
    """What a kWh drawn beyond a need could bring at most, per need [money]: a price below 0, what utilities pay, what it is sold for;
    0 for vehicles that may give back, whose spare energy is theirs."""
    request, meters = horizon.request, horizon.meters
    paid = -min(0.0, float(np.min(meters.import_price)), float(np.min(meters.export_price)))
    paid += sum(band.penalty_per_kwh for band in request.bands) + sum(
        asked.penalty_per_kwh for asked in request.energy_by
    )
    sold = np.array([max(need.revenue_per_kwh, default=0.0) for need in request.needs])
    return np.where(horizon.gives_kw > 0, 0.0, paid + np.maximum(sold, 0.0))


def early_energy(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_s urgency[n] lateness_price[s] h[s] p[s], rising from 0 to LATENESS_SHARE of the mean price over the horizon.

    Of two plans that cost the same, the one that charges earlier. Urgency differs between sessions: among steps of one price they
    then charge one after the other, who leaves first first, instead of taking turns (rearrangement inequality).
    """
    slots = horizon.slots
    late = np.cumsum(horizon.step_h) - horizon.step_h
    price = LATENESS_SHARE * typical_price_per_kwh(horizon) / max(float(np.sum(horizon.step_h)), 1e-9)
    weights = (price * urgency(horizon)[slots.need] * late[slots.step] * slots.hours).tolist()
    return linear([(weight, model.power[s]) for s, weight in enumerate(weights)])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """What each need lacks [kWh]; vehicles stop by themselves, so nothing is spare but for those that may give it back."""
    missing_kwh = horizon.need_kwh - horizon.energy_kwh(slot_kw)
    short_kwh, half_kwh = np.maximum(missing_kwh, 0.0), np.maximum(horizon.need_kwh, 0.0) / 2
    return {
        "power": slot_kw,
        "short": np.minimum(short_kwh, half_kwh),
        "deep": np.maximum(short_kwh - half_kwh, 0.0),
        "spare": np.maximum(-missing_kwh, 0.0),
    }


TOPIC = Topic(
    name="charging",
    variables=(declare_power, declare_energy_balance),
    constraints=(deliver_energy,),
    terms=(
        Term("shortfall", "money", 1.0, shortfall),
        Term("early_energy", "money", 1.0, early_energy),
    ),
    complete=complete,
)
