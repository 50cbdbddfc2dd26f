"""Utility: setpoint bands and energy by a time, kept as far as they are worth it.

| term | unit  | formula                                                                              |
|------|-------|--------------------------------------------------------------------------------------|
| band | money | sum_k penalty[k] sum_t h[t] (under[k T + t] + beyond[k T + t])                       |
| by   | money | sum_e penalty[e] (early[e] + late_import[e])                                         |
"""

from __future__ import annotations

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
    """`under[k T + t]`, `beyond[k T + t]` [kW]: net import outside band k in step t; `early[e]`, `late_import[e]` [kWh]: energy above
    and below what is asked for by a time."""
    count = horizon.step_count
    least_kw = horizon.base_kw - model.flows.most_delivered_kw(count)
    most_kw = horizon.base_kw + model.flows.most_drawn_kw(count)
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
    """By how much net import [kW per step] is under and beyond each band, shapes (K T)."""
    under = [
        0.0 if low is None else max(0.0, low - net)
        for band in horizon.request.bands
        for low, net in zip(band.least_kw, net_kw.tolist(), strict=True)
    ]
    beyond = [
        0.0 if high is None else max(0.0, net - high)
        for band in horizon.request.bands
        for high, net in zip(band.most_kw, net_kw.tolist(), strict=True)
    ]
    return np.array(under), np.array(beyond)


def _off_kwh(horizon: Horizon, net_kw: Floats) -> tuple[Floats, Floats]:
    """By how much energy [kWh] is below and above what is asked for by each time."""
    late, early = [], []
    for one in horizon.request.energy_by:
        energy_kwh = float(_hours_until(horizon, one) @ net_kw)
        late.append(0.0 if one.least_kwh is None else max(0.0, one.least_kwh - energy_kwh))
        early.append(0.0 if one.most_kwh is None else max(0.0, energy_kwh - one.most_kwh))
    return np.array(late), np.array(early)


def _hours_until(horizon: Horizon, one: EnergyBy) -> Floats:
    """Hours [h] of each step before `due_at`."""
    due_h = (one.due_at - horizon.request.steps[0].starts_at).total_seconds() / 3600.0
    starts_h = np.cumsum(horizon.step_h) - horizon.step_h
    return np.clip(due_h - starts_h, 0.0, horizon.step_h)


def stay_in_bands(model: ConcreteModel, horizon: Horizon) -> None:
    """net_import[t] + under[k, t] >= least_kw[k, t] and net_import[t] - beyond[k, t] <= most_kw[k, t]."""
    count, bands = horizon.step_count, horizon.request.bands
    model.not_under = Constraint(
        list(model.under),
        rule=lambda m, k: (
            linear([*net_import(m, horizon, k % count), (1.0, m.under[k])]) >= bands[k // count].least_kw[k % count]
        ),
    )
    model.not_beyond = Constraint(
        list(model.beyond),
        rule=lambda m, k: (
            linear([*net_import(m, horizon, k % count), (-1.0, m.beyond[k])]) <= bands[k // count].most_kw[k % count]
        ),
    )


def reach_energy(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_t hours[e, t] net_import[t] + late_import[e] >= least_kwh[e], and the same - early[e] <= most_kwh[e]."""
    asked = horizon.request.energy_by

    def energy(m: ConcreteModel, e: int) -> list[tuple[float, object]]:
        hours = _hours_until(horizon, asked[e])
        return [(h * c, one) for t, h in enumerate(hours.tolist()) if h > 0 for c, one in net_import(m, horizon, t)]

    model.not_late = Constraint(
        list(model.late_import),
        rule=lambda m, e: linear([*energy(m, e), (1.0, m.late_import[e])]) >= asked[e].least_kwh,
    )
    model.not_early = Constraint(
        list(model.early), rule=lambda m, e: linear([*energy(m, e), (-1.0, m.early[e])]) <= asked[e].most_kwh
    )


def band(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_k penalty[k] sum_t h[t] (under[k, t] + beyond[k, t])."""
    count, bands = horizon.step_count, horizon.request.bands
    return linear(
        [
            (bands[k // count].penalty_per_kwh * float(horizon.step_h[k % count]), family[k])
            for family in (model.under, model.beyond)
            for k in family
        ]
    )


def by(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_e penalty[e] (early[e] + late_import[e])."""
    asked = horizon.request.energy_by
    return linear([(asked[e].penalty_per_kwh, one[e]) for one in (model.early, model.late_import) for e in one])


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
