"""Vehicle-to-grid: vehicles that give energy back, down to their driver's floor, and get it again before they leave.

| term         | unit  | formula                                        |
|--------------|-------|------------------------------------------------|
| vehicle_wear | money | sum_s wear[need(s)] h[s] (1 - gone[s]) give[s] |

What they hold, and what of it comes back: `optimizer.model.topics.held`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.model.topic import Term, Topic, linear, semi_continuous
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import LEAST_WEAR_SHARE, typical_price_per_kwh

IDLE_KW = 1e-6
"""Power below this is none."""


def has_givers(horizon: Horizon) -> bool:
    """Whether any vehicle may give in any slot."""
    return len(giving_slots(horizon)) > 0


def giving_slots(horizon: Horizon) -> list[int]:
    """Slots of vehicles in which they may give."""
    return np.flatnonzero(horizon.giving.most_kw).tolist()


def declare_giving(model: ConcreteModel, horizon: Horizon) -> None:
    """`give[s]` [kW], 0 or at least the minimum, on the grid of setpoints; `giving[s]` (0 or 1)."""
    slots, grid, mine = horizon.slots, horizon.giving, giving_slots(horizon)
    least_kw, most_kw = np.asarray(grid.least_kw), np.asarray(grid.most_kw)
    model.give = Var(mine, bounds=lambda _, s: (0.0, float(most_kw[s])))
    model.giving = Var(mine, within=Binary)
    for s in mine:
        semi_continuous(model, model.give[s], float(least_kw[s]), float(slots.quantum_kw[s]))
        lost = -1.0 / horizon.held[int(slots.need[s])].efficiency
        model.delivers[s] = [*model.delivers.get(s, ()), (lost, model.give[s])]
    model.flows.add(
        list(model.give.values()),
        slots.point[mine],
        slots.step[mine],
        most_kw[mine],
        sign=-1.0,
        present=horizon.present[mine],
    )


def settle_direction(horizon: Horizon, value_of: Callable[[str], Floats]) -> dict[str, Floats]:
    """Whoever gives more than he takes gives; open where nobody does either."""
    give_kw, power_kw = value_of("give"), value_of("power")[giving_slots(horizon)]
    idle = np.maximum(give_kw, power_kw) <= IDLE_KW
    return {"giving": np.where(idle, np.nan, (give_kw > power_kw).astype(np.float64))}


def give_or_take(model: ConcreteModel, horizon: Horizon) -> None:
    """give[s] <= max_give[s] giving[s] and p[s] <= max_kw[s] (1 - giving[s]): doing both at once would be a way to give less than
    the minimum, and burns energy that somebody may pay for."""
    slots = list(model.giving)
    model.gives = Constraint(slots, rule=lambda m, s: m.give[s] - m.give[s].ub * m.giving[s] <= 0)
    model.takes = Constraint(slots, rule=lambda m, s: m.power[s] + m.power[s].ub * m.giving[s] <= m.power[s].ub)


def vehicle_wear(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_s wear[need(s)] h[s] (1 - gone[s]) give[s], never nothing: no energy goes back and forth for nothing."""
    slots, needs = horizon.slots, horizon.request.needs
    least = LEAST_WEAR_SHARE * typical_price_per_kwh(horizon)
    wear = [max(least, need.v2g.wear_per_kwh) if need.v2g else 0.0 for need in needs]
    there_h = slots.hours * (1.0 - horizon.gone)
    return linear([(wear[slots.need[s]] * float(there_h[s]), model.give[s]) for s in model.give])


def at_rest(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Vehicles that give nothing."""
    return {"give": np.zeros(len(slot_kw)), "giving": np.zeros(len(slot_kw))}


TOPIC = Topic(
    name="vehicle_to_grid",
    applies=has_givers,
    variables=(declare_giving,),
    constraints=(give_or_take,),
    terms=(Term("vehicle_wear", "money", 1.0, vehicle_wear),),
    complete=at_rest,
    exact=False,
    settle=settle_direction,
)
