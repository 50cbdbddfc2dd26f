"""Stages: what a session should have before its departure, and what is late of it.

| term | unit  | formula                                                  |
|------|-------|----------------------------------------------------------|
| late | money | sum_k weight[k] value_per_kwh[need(k)] behind[k]   |
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.charging import delivered, givable_kwh
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import value_per_kwh


def declare_behind(model: ConcreteModel, horizon: Horizon) -> None:
    """`behind[k]` [kWh]: what stage k lacks when it is due."""
    most_kwh = np.maximum(horizon.stages.energy_kwh + givable_kwh(horizon)[horizon.stages.need], 0.0).tolist()
    model.behind = Var(range(len(most_kwh)), bounds=lambda _, k: (0.0, most_kwh[k]))


def reach_stages(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_s hours[k, s] d[s] + behind[k] >= energy_kwh[k], over the slots s before stage k is due."""
    hours, energy_kwh = horizon.stages.hours, horizon.stages.energy_kwh.tolist()

    def rule(_: ConcreteModel, k: int) -> object:
        part = slice(hours.indptr[k], hours.indptr[k + 1])
        pairs = list(zip(hours.data[part].tolist(), hours.indices[part].tolist(), strict=True))
        return linear([*delivered(model, pairs), (1.0, model.behind[k])]) >= energy_kwh[k]

    model.stage = Constraint(list(model.behind), rule=rule)


def late(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_k weight[k] value_per_kwh[need(k)] behind[k], or at the price given: as soft as the needs themselves, or softer."""
    stages = horizon.stages
    weighed = stages.weight * value_per_kwh(horizon)[stages.need]
    price = np.where(np.isnan(stages.price_per_kwh), weighed, stages.price_per_kwh).tolist()
    return linear([(price[k], model.behind[k]) for k in model.behind])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """What each stage lacks [kWh]."""
    return {"behind": horizon.stages.behind_kwh(slot_kw)}


TOPIC = Topic(
    name="stages",
    variables=(declare_behind,),
    constraints=(reach_stages,),
    terms=(Term("late", "money", 1.0, late),),
    applies=lambda horizon: len(horizon.stages.need) > 0,
    complete=complete,
)
