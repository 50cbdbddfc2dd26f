"""What a plan is asked to do, as a table of terms in money; the objective is their weighted sum.

| term             | unit  | formula                                                              |
|------------------|-------|----------------------------------------------------------------------|
| energy           | money | sum_t h[t] (import_price[t] drawn[t] - export_price[t] fed[t])       |
| demand           | money | sum_d price_per_kw[d] excess[d]                                      |
| shortfall        | money | sum_n value_per_kwh[tier(n)] (short[n] + DEEP_RATIO deep[n])         |
| early_energy     | money | sum_s urgency[n] lateness_price[s] h[s] p[s], see `early_energy`     |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Objective

from optimizer.horizon import Floats, Horizon

TIER_RATIO = 10.0
"""How much more a kWh of one priority is worth than one of the priority below: more than the up to three kWh it can displace."""

MOST_RATIO = 1e5
"""Between the highest priority and the lowest, however many there are: more would drown money in the solver's tolerances."""

DEEP_RATIO = 1.25
"""How much more a kWh is worth to a vehicle that has less than half of what it needs; far below TIER_RATIO."""

LATENESS_SHARE = 0.02
"""What waiting over the whole horizon costs per kWh, as a share of the mean price: energy in the vehicle is worth a little more
than energy promised, and a preference below the solver's tolerances would be none."""

Term = Callable[[ConcreteModel, Horizon], LinearExpression]


@dataclass(frozen=True)
class TermSpec:
    """A term of the objective: its name, unit, weight and formula."""

    name: str
    unit: str
    weight: float
    formula: Term


def energy(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_t h[t] (import_price[t] drawn[t] - export_price[t] fed[t])."""
    request, step_h = horizon.request, horizon.step_h.tolist()
    drawn = [(step_h[t] * request.import_price_per_kwh[t], model.drawn[t]) for t in model.drawn]
    fed = [(-step_h[t] * request.export_price_per_kwh[t], model.fed[t]) for t in model.fed]
    return _linear(drawn + fed)


def demand(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_d price_per_kw[d] excess[d]: only what is above the peak so far still costs."""
    return _linear([(horizon.windows[d].price.price_per_kw, model.excess[d]) for d in model.excess])


def shortfall(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_n value_per_kwh[tier(n)] (short[n] + DEEP_RATIO deep[n]): needs are soft, but worth more than anything that money could save
    on them, and what is missing beyond half of a need weighs more: where energy is scarce it is shared."""
    value = value_per_kwh(horizon).tolist()
    short = [(value[n], model.short[n]) for n in model.short]
    return _linear(short + [(DEEP_RATIO * value[n], model.deep[n]) for n in model.deep])


def early_energy(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_s urgency[n] lateness_price[s] h[s] p[s], rising from 0 to LATENESS_SHARE of the mean price over the horizon.

    Of two plans that cost the same, the one that charges earlier. Urgency differs between sessions: among steps of one price they
    then charge one after the other, who leaves first first, instead of taking turns (rearrangement inequality).
    """
    slots = horizon.slots
    late = np.cumsum(horizon.step_h) - horizon.step_h
    price = LATENESS_SHARE * typical_price_per_kwh(horizon) / max(float(np.sum(horizon.step_h)), 1e-9)
    weights = (price * urgency(horizon)[slots.need] * late[slots.step] * slots.hours).tolist()
    return _linear([(weight, model.power[s]) for s, weight in enumerate(weights)])


def urgency(horizon: Horizon) -> Floats:
    """A factor per need, from 1 for who leaves first down to one half, all different whatever the order of the needs."""
    needs = horizon.request.needs
    order = sorted(range(len(needs)), key=lambda n: (needs[n].departs_at, str(needs[n].connector), needs[n].session_id))
    factor = np.empty(len(needs))
    factor[order] = np.linspace(1.0, 0.5, len(needs))
    return factor


TERMS = (
    TermSpec("energy", "money", 1.0, energy),
    TermSpec("demand", "money", 1.0, demand),
    TermSpec("shortfall", "money", 1.0, shortfall),
    TermSpec("early_energy", "money", 1.0, early_energy),
)


def declare_objective(model: ConcreteModel, horizon: Horizon) -> None:
    """One objective row per term of the table; `compile` weighs and sums them."""
    expressions = {term.name: term.formula(model, horizon) for term in TERMS}
    model.term = Objective(list(expressions), rule=lambda _, name: expressions[name])


def value_per_kwh(horizon: Horizon) -> Floats:
    """What a missing kWh counts per need: twice what serving it could cost at worst (energy in the dearest step, in a window
    of its own under every demand price), and TIER_RATIO times more with each priority that is in use."""
    request = horizon.request
    dearest = max(request.import_price_per_kwh) - min(0.0, *request.import_price_per_kwh, *request.export_price_per_kwh)
    dearest = max(dearest, *(abs(price) for price in request.export_price_per_kwh))
    peak = sum(d.price_per_kw * 3600.0 / d.window_s for d in request.demand)
    worst = dearest + peak or 1.0
    priorities = sorted({need.priority for need in request.needs})
    ratio = min(TIER_RATIO, MOST_RATIO ** (1.0 / max(1, len(priorities) - 1)))
    tiers = np.array([priorities.index(need.priority) for need in request.needs])
    value: Floats = 2.0 * worst * ratio**tiers
    return value


def typical_price_per_kwh(horizon: Horizon) -> float:
    """Mean absolute import price per kWh, 1 where energy is free."""
    return float(np.mean(np.abs(horizon.request.import_price_per_kwh))) or 1.0


def _linear(parts: list[tuple[float, object]]) -> LinearExpression:
    return LinearExpression(linear_coefs=[c for c, _ in parts], linear_vars=[v for _, v in parts])
