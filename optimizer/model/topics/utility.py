"""Utility: setpoint bands and energy by a time, kept as far as they are worth it, on average over the days that load and sun may be.

| term | unit  | formula                                                                              |
|------|-------|--------------------------------------------------------------------------------------|
| band | money | sum_j,k chance[j] penalty[k] sum_t h[t] (under[j, k, t] + beyond[j, k, t])           |
| by   | money | sum_j,e chance[j] penalty[e] (early[j, e] + late_import[j, e])                       |

A quantity of band k of K on day j has the number j K + k, in step t (j K + k) T + t; that of energy e of E the number j E + e.
"""

from __future__ import annotations

import itertools

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from cpms.domain.contract import EnergyBy
from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.exchange import net_import, net_import_kw
from optimizer.problem.horizon import Floats, Horizon


def applies(horizon: Horizon) -> bool:
    """Whether a utility asks for anything."""
    return bool(horizon.request.bands or horizon.request.energy_by)


def declare_deviations(model: ConcreteModel, horizon: Horizon) -> None:
    """`under[j, k, t]`, `beyond[j, k, t]` [kW]: net import outside band k in step t of day j; `early[j, e]`,
    `late_import[j, e]` [kWh]: energy above and below what is asked for by a time."""
    count, base_kw = horizon.step_count, horizon.meters.net_kw
    least_kw = base_kw - model.flows.most_delivered_kw(count)
    most_kw = base_kw + model.flows.most_drawn_kw(count)
    _, beyond_kw = _outside_kw(horizon, most_kw)
    under_kw, _ = _outside_kw(horizon, least_kw)
    model.under = _slack(under_kw)
    model.beyond = _slack(beyond_kw)
    late_kwh, _ = _off_kwh(horizon, least_kw)
    _, early_kwh = _off_kwh(horizon, most_kw)
    model.late_import = _slack(late_kwh)
    model.early = _slack(early_kwh)


def _slack(most: Floats) -> Var:
    return Var(np.flatnonzero(most > 0).tolist(), bounds=lambda _, k: (0.0, float(most[k])))


def _outside_kw(horizon: Horizon, net_kw: Floats) -> tuple[Floats, Floats]:
    """By how much net import [kW per day and step] is under and beyond each band, shapes (J K T)."""
    under = [
        0.0 if low is None else max(0.0, low - net)
        for on_day_kw in net_kw.tolist()
        for band in horizon.request.bands
        for low, net in zip(band.least_kw, on_day_kw, strict=True)
    ]
    beyond = [
        0.0 if high is None else max(0.0, net - high)
        for on_day_kw in net_kw.tolist()
        for band in horizon.request.bands
        for high, net in zip(band.most_kw, on_day_kw, strict=True)
    ]
    return np.array(under), np.array(beyond)


def _off_kwh(horizon: Horizon, net_kw: Floats) -> tuple[Floats, Floats]:
    """By how much energy [kWh] of a net import [kW per day and step] is below and above each that is asked for, shapes (J E)."""
    late, early = [], []
    for on_day_kw, one in itertools.product(net_kw, horizon.request.energy_by):
        energy_kwh = float(_hours_until(horizon, one) @ on_day_kw)
        late.append(0.0 if one.least_kwh is None else max(0.0, one.least_kwh - energy_kwh))
        early.append(0.0 if one.most_kwh is None else max(0.0, energy_kwh - one.most_kwh))
    return np.array(late), np.array(early)


def _hours_until(horizon: Horizon, one: EnergyBy) -> Floats:
    """Hours [h] of each step before `due_at`."""
    due_h = (one.due_at - horizon.request.steps[0].starts_at).total_seconds() / 3600.0
    starts_h = np.cumsum(horizon.step_h) - horizon.step_h
    return np.clip(due_h - starts_h, 0.0, horizon.step_h)


def stay_in_bands(model: ConcreteModel, horizon: Horizon) -> None:
    """net_import[j, t] + under[j, k, t] >= least_kw[k, t] and net_import[j, t] - beyond[j, k, t] <= most_kw[k, t]."""
    count, bands = horizon.step_count, horizon.request.bands

    def not_under(m: ConcreteModel, place: int) -> object:
        (day, k), t = divmod(place // count, len(bands)), place % count
        return linear([*net_import(m, horizon, t, day=day), (1.0, m.under[place])]) >= bands[k].least_kw[t]

    def not_beyond(m: ConcreteModel, place: int) -> object:
        (day, k), t = divmod(place // count, len(bands)), place % count
        return linear([*net_import(m, horizon, t, day=day), (-1.0, m.beyond[place])]) <= bands[k].most_kw[t]

    model.not_under = Constraint(list(model.under), rule=not_under)
    model.not_beyond = Constraint(list(model.beyond), rule=not_beyond)


def reach_energy(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_t hours[e, t] net_import[j, t] + late_import[j, e] >= least_kwh[e], and the same - early[j, e] <= most_kwh[e]."""
    asked = horizon.request.energy_by

    def energy(m: ConcreteModel, place: int) -> list[tuple[float, object]]:
        day, e = divmod(place, len(asked))
        hours = enumerate(_hours_until(horizon, asked[e]).tolist())
        return [(h * c, one) for t, h in hours if h > 0 for c, one in net_import(m, horizon, t, day=day)]

    def not_late(m: ConcreteModel, place: int) -> object:
        return linear([*energy(m, place), (1.0, m.late_import[place])]) >= asked[place % len(asked)].least_kwh

    def not_early(m: ConcreteModel, place: int) -> object:
        return linear([*energy(m, place), (-1.0, m.early[place])]) <= asked[place % len(asked)].most_kwh

    model.not_late = Constraint(list(model.late_import), rule=not_late)
    model.not_early = Constraint(list(model.early), rule=not_early)


def band(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_j,k chance[j] penalty[k] sum_t h[t] (under[j, k, t] + beyond[j, k, t])."""
    count, hours, every = horizon.step_count, horizon.step_h.tolist(), horizon.request.bands
    penalty = [float(chance) * one.penalty_per_kwh for chance in horizon.meters.chance for one in every]
    outside = [(place, family[place]) for family in (model.under, model.beyond) for place in family]
    return linear([(penalty[place // count] * hours[place % count], one) for place, one in outside])


def by(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_j,e chance[j] penalty[e] (early[j, e] + late_import[j, e])."""
    every = horizon.request.energy_by
    penalty = [float(chance) * one.penalty_per_kwh for chance in horizon.meters.chance for one in every]
    return linear([(penalty[place], one[place]) for one in (model.early, model.late_import) for place in one])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """How far net import is from what is asked for."""
    net_kw = net_import_kw(horizon, slot_kw)
    under_kw, beyond_kw = _outside_kw(horizon, net_kw)
    late_kwh, early_kwh = _off_kwh(horizon, net_kw)
    return {"under": under_kw, "beyond": beyond_kw, "late_import": late_kwh, "early": early_kwh}


TOPIC = Topic(
    name="utility",
    applies=applies,
    variables=(declare_deviations,),
    constraints=(stay_in_bands, reach_energy),
    terms=(Term("band", "money", 1.0, band), Term("by", "money", 1.0, by)),
    complete=complete,
)
