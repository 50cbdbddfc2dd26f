"""Vehicle-to-grid: vehicles that give energy back, down to their driver's floor, and get it again before they leave.

| term         | unit  | formula                                  |
|--------------|-------|------------------------------------------|
| vehicle_wear | money | sum_s wear[need(s)] h[s] give[s]         |

Energy is counted as the meter at the connector counts it when charging: of a kWh held, `efficiency` comes back.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from cpms.domain.need import VehicleBattery, VehicleToGrid
from cpms.domain.plan import ChargingNeed
from optimizer.model.topic import Term, Topic, linear, semi_continuous
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import LEAST_WEAR_SHARE, typical_price_per_kwh

IDLE_KW = 1e-6
"""Power below this is none."""


def has_givers(horizon: Horizon) -> bool:
    """Whether any vehicle may give."""
    return bool(horizon.gives_kw.any())


def giving_slots(horizon: Horizon) -> list[int]:
    """Slots of vehicles that may give."""
    return np.flatnonzero(horizon.gives_kw[horizon.slots.need] > 0).tolist()


def _terms_of(need: ChargingNeed) -> tuple[VehicleToGrid, VehicleBattery]:
    if need.v2g is None or need.battery is None:
        raise AssertionError(f"{need.session_id} gives nothing")
    return need.v2g, need.battery


def declare_giving(model: ConcreteModel, horizon: Horizon) -> None:
    """`give[s]` [kW], 0 or at least the minimum, on the grid of setpoints; `giving[s]` (0 or 1); `content[s]` [kWh] at the end of slot
    s."""
    slots, needs = horizon.slots, horizon.request.needs
    mine, least_kw = giving_slots(horizon), least_giving_kw(horizon)
    need_of = slots.need.tolist()
    most_kw = horizon.gives_kw[slots.need]
    model.give = Var(mine, bounds=lambda _, s: (0.0, float(most_kw[s])))
    model.giving = Var(mine, within=Binary)
    model.content = Var(mine, bounds=lambda _, s: held_bounds_kwh(needs[need_of[s]]))
    for s in mine:
        need = needs[need_of[s]]
        semi_continuous(model, model.give[s], float(least_kw[s]), float(slots.quantum_kw[s]))
        model.delivers[s] = [*model.delivers.get(s, ()), (-1.0 / _terms_of(need)[0].efficiency, model.give[s])]
    model.flows.add(
        list(model.give.values()),
        slots.need[mine],
        slots.step[mine],
        most_kw[mine],
        sign=-1.0,
        present=horizon.present[mine],
    )


def least_giving_kw(horizon: Horizon) -> Floats:
    """Least that may be given per slot [kW] where anything is: a whole number of setpoints; 0 for vehicles that may not give."""
    least_a = [0.0 if one.v2g is None else one.v2g.min_discharge_a for one in horizon.request.needs]
    steps = [np.ceil(a / one.step_a - 1e-9) for a, one in zip(least_a, horizon.request.needs, strict=True)]
    multiples = np.where(horizon.gives_kw > 0, np.maximum(steps, 1.0), 0.0)
    return np.asarray(multiples[horizon.slots.need] * horizon.slots.quantum_kw)


def settle_direction(horizon: Horizon, value_of: Callable[[str], Floats]) -> dict[str, Floats]:
    """Whoever gives more than he takes gives; open where nobody does either."""
    give_kw, power_kw = value_of("give"), value_of("power")[giving_slots(horizon)]
    idle = np.maximum(give_kw, power_kw) <= IDLE_KW
    return {"giving": np.where(idle, np.nan, (give_kw > power_kw).astype(np.float64))}


def held_bounds_kwh(need: ChargingNeed) -> tuple[float, float]:
    """Between the driver's floor (what there is, if that is less) and full."""
    v2g, battery = _terms_of(need)
    return min(v2g.floor_kwh, battery.soc * battery.capacity_kwh), battery.capacity_kwh


def keep_floor(model: ConcreteModel, horizon: Horizon) -> None:
    """content[s] <= content[s-1] + h[s] (p[s] - give[s] / efficiency), from what the vehicle holds at first; less is
    held where it stops by itself."""
    slots, needs = horizon.slots, horizon.request.needs

    def rule(m: ConcreteModel, s: int) -> object:
        need, hours = needs[slots.need[s]], float(slots.hours[s])
        v2g, battery = _terms_of(need)
        parts = [(1.0, m.content[s]), (-hours, m.power[s]), (hours / v2g.efficiency, m.give[s])]
        first = s == 0 or slots.need[s - 1] != slots.need[s]
        if not first:
            parts.append((-1.0, m.content[s - 1]))
        return linear(parts) <= (battery.soc * battery.capacity_kwh if first else 0.0)

    model.floor = Constraint(list(model.content), rule=rule)


def give_or_take(model: ConcreteModel, horizon: Horizon) -> None:
    """give[s] <= max_give[s] giving[s] and p[s] <= max_kw[s] (1 - giving[s])."""
    slots = list(model.giving)
    model.gives = Constraint(slots, rule=lambda m, s: m.give[s] - m.give[s].ub * m.giving[s] <= 0)
    model.takes = Constraint(slots, rule=lambda m, s: m.power[s] + m.power[s].ub * m.giving[s] <= m.power[s].ub)


def vehicle_wear(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_s wear[need(s)] h[s] give[s], never nothing: no energy goes back and forth for nothing."""
    slots, needs = horizon.slots, horizon.request.needs
    least = LEAST_WEAR_SHARE * typical_price_per_kwh(horizon)
    wear = [max(least, need.v2g.wear_per_kwh) if need.v2g else 0.0 for need in needs]
    return linear([(wear[slots.need[s]] * float(slots.hours[s]), model.give[s]) for s in model.give])


def at_rest(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Vehicles that give nothing."""
    slots, needs = horizon.slots, horizon.request.needs
    nothing, held_kwh = np.zeros(len(slot_kw)), np.zeros(len(slot_kw))
    for n in np.flatnonzero(horizon.gives_kw).tolist():
        _, battery = _terms_of(needs[n])
        mine = slice(*np.searchsorted(slots.need, [n, n + 1]).tolist())
        charged_kwh = battery.soc * battery.capacity_kwh + np.cumsum(slot_kw[mine] * slots.hours[mine])
        held_kwh[mine] = np.minimum(charged_kwh, battery.capacity_kwh)
    return {"give": nothing, "giving": nothing, "content": held_kwh}


TOPIC = Topic(
    name="vehicle_to_grid",
    applies=has_givers,
    variables=(declare_giving,),
    constraints=(keep_floor, give_or_take),
    terms=(Term("vehicle_wear", "money", 1.0, vehicle_wear),),
    complete=at_rest,
    exact=False,
    settle=settle_direction,
)
