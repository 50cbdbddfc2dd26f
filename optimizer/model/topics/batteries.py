"""Stationary batteries: buy when it is cheap, relieve feeders and peaks when they are full.

| term    | unit  | formula                                                                                        |
|---------|-------|------------------------------------------------------------------------------------------------|
| storage | money | sum_b,t h[t] (wear[b] d[b,t] - final_value[b] (eff_c[b] c[b,t] - d[b,t] / eff_d[b]))           |
| reserve | money | sum_b base_value lacking[b]                                                                    |

What is stored at the end is valued against the beginning, so that a battery that did nothing costs nothing.
"""

from __future__ import annotations

import statistics

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from cpms.domain.storage import Battery
from optimizer.model.ledger import Parts, carried_over
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import LEAST_WEAR_SHARE, base_value_per_kwh, typical_price_per_kwh


def has_batteries(horizon: Horizon) -> bool:
    """Whether the request has any."""
    return bool(horizon.request.batteries)


def declare_batteries(model: ConcreteModel, horizon: Horizon) -> None:
    """`charge[b, t]`, `discharge[b, t]` [kW]; `stored[b, t]` [kWh] at the end of step t; `lacking[b]` [kWh] below the reserve at the
    end; `charging[b, t]` (0 or 1) where a negative price, an export cap or a
    utility could pay for charging and discharging at once."""
    batteries, steps = horizon.request.batteries, range(horizon.step_count)
    pairs = [(b, t) for b in range(len(batteries)) for t in steps]
    model.charge = Var(pairs, bounds=lambda _, b, t: (0.0, batteries[b].max_charge_kw))
    model.discharge = Var(pairs, bounds=lambda _, b, t: (0.0, batteries[b].max_discharge_kw))
    model.stored = Var(pairs, bounds=lambda _, b, t: (_floor_kwh(batteries[b]), batteries[b].capacity_kwh))
    below = [b for b, one in enumerate(batteries) if one.stored_kwh < one.reserve_kwh]
    model.lacking = Var(below, bounds=lambda _, b: (0.0, batteries[b].reserve_kwh))
    both_ways = [b for b, one in enumerate(batteries) if min(one.max_charge_kw, one.max_discharge_kw) > 0]
    model.charging = Var([(b, t) for b in both_ways for t in steps if _wasting_pays(horizon, t)], within=Binary)
    _add_flows(model, horizon)


def _add_flows(model: ConcreteModel, horizon: Horizon) -> None:
    batteries, count = horizon.request.batteries, horizon.step_count
    point = len(horizon.request.needs) + np.repeat(np.arange(len(batteries)), count)
    step = np.tile(np.arange(count), len(batteries))
    most_c = np.repeat([one.max_charge_kw for one in batteries], count)
    most_d = np.repeat([one.max_discharge_kw for one in batteries], count)
    model.flows.add(list(model.charge.values()), point, step, most_c)
    model.flows.add(list(model.discharge.values()), point, step, most_d, sign=-1.0)


def _floor_kwh(battery: Battery) -> float:
    return min(battery.reserve_kwh, battery.stored_kwh)


def _wasting_pays(horizon: Horizon, t: int) -> bool:
    request = horizon.request
    if request.bands or request.energy_by or any(feeder.export_kw for feeder in request.feeders):
        return True
    return bool(np.min(horizon.meters.import_price[:, t]) < 0 or np.min(horizon.meters.export_price[:, t]) < 0)


def keep_state_of_charge(model: ConcreteModel, horizon: Horizon) -> None:
    """stored[b, t] = stored[b, t-1] + h[t] (eff_c[b] charge[b, t] - discharge[b, t] / eff_d[b])."""
    batteries, step_h = horizon.request.batteries, horizon.step_h.tolist()

    def rule(m: ConcreteModel, b: int, t: int) -> object:
        one = batteries[b]
        net: Parts = [
            (one.charge_efficiency, m.charge[b, t]),
            (-1.0 / one.discharge_efficiency, m.discharge[b, t]),
        ]
        before = m.stored[b, t - 1] if t else None
        return carried_over(m.stored[b, t], before, one.stored_kwh, step_h[t], net)

    model.state_of_charge = Constraint(list(model.stored), rule=rule)


def charge_or_discharge(model: ConcreteModel, horizon: Horizon) -> None:
    """charge[b, t] <= max_charge[b] charging[b, t] and discharge[b, t] <= max_discharge[b] (1 - charging[b, t]), where that could pay;
    elsewhere doing both only costs."""
    both = list(model.charging)
    model.only_charge = Constraint(
        both, rule=lambda m, b, t: m.charge[b, t] - m.charge[b, t].ub * m.charging[b, t] <= 0
    )
    model.only_discharge = Constraint(
        both, rule=lambda m, b, t: m.discharge[b, t] + m.discharge[b, t].ub * m.charging[b, t] <= m.discharge[b, t].ub
    )


def restore_reserve(model: ConcreteModel, horizon: Horizon) -> None:
    """stored[b, T-1] + lacking[b] >= reserve[b], for batteries that begin below it."""
    batteries, last = horizon.request.batteries, horizon.step_count - 1
    model.restored = Constraint(
        list(model.lacking), rule=lambda m, b: m.stored[b, last] + m.lacking[b] >= batteries[b].reserve_kwh
    )


def storage(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_b,t h[t] (wear[b] d[b,t] - final_value[b] (eff_c[b] c[b,t] - d[b,t] / eff_d[b]))."""
    step_h, parts = horizon.step_h.tolist(), []
    least_wear = LEAST_WEAR_SHARE * typical_price_per_kwh(horizon)
    for b, one in enumerate(horizon.request.batteries):
        value, wear = final_value_per_kwh(horizon, one), max(one.wear_per_kwh, least_wear)
        for t, h in enumerate(step_h):
            parts.append((-h * value * one.charge_efficiency, model.charge[b, t]))
            parts.append((h * (wear + value / one.discharge_efficiency), model.discharge[b, t]))
    return linear(parts)


def final_value_per_kwh(horizon: Horizon, battery: Battery) -> float:
    """What a stored kWh is worth at the end [money]: as given, else what it saves at the median price."""
    if battery.final_value_per_kwh is not None:
        return battery.final_value_per_kwh
    price = statistics.median(horizon.request.import_price_per_kwh)
    return max(0.0, price - battery.wear_per_kwh) * battery.discharge_efficiency


def reserve(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_b base_value lacking[b]: what the reserve lacks counts as a need of the lowest priority."""
    value = base_value_per_kwh(horizon)
    return linear([(value, model.lacking[b]) for b in model.lacking])


def at_rest(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Batteries that do nothing."""
    batteries, count = horizon.request.batteries, horizon.step_count
    stored_kwh = np.array([one.stored_kwh for one in batteries])
    reserve_kwh = np.array([one.reserve_kwh for one in batteries])
    still = np.zeros((len(batteries), count))
    return {
        "charge": still,
        "discharge": still,
        "stored": np.tile(stored_kwh[:, None], count),
        "lacking": np.maximum(reserve_kwh - stored_kwh, 0.0),
        "charging": still,
    }


TOPIC = Topic(
    name="batteries",
    applies=has_batteries,
    variables=(declare_batteries,),
    constraints=(keep_state_of_charge, charge_or_discharge, restore_reserve),
    terms=(Term("storage", "money", 1.0, storage), Term("reserve", "money", 1.0, reserve)),
    complete=at_rest,
    exact=False,
)
