"""Steadiness: whoever charges at this moment goes on, unless stopping is worth more than a moment's gain.

| term         | unit  | formula                                                |
|--------------|-------|--------------------------------------------------------|
| interruption | money | interruption_price sum_n drop[n]                       |

Without it, plans that follow one another shuffle equals at will: contactors wear, some vehicles do not wake up again, and while a
connector is raised only after another has come down, power lies idle.
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from cpms.domain.units import power_kw
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.problem.tree import points_now
from optimizer.problem.worth import typical_price_per_kwh

INTERRUPTION_H = 0.1
"""Giving up a kW that flows counts like the energy it would bring in so many hours [h], at the typical price."""


def first_slots(horizon: Horizon) -> tuple[Ints, Floats]:
    """Slots in the first step of those who charge at this moment, and what they would draw there by going on [kW]."""
    slots, request = horizon.slots, horizon.request
    (first,) = np.nonzero(
        (slots.step == 0) & (slots.point == np.array(points_now(request), dtype=np.int64)[slots.need])
    )
    now_kw = np.array([power_kw(need.current_a, request.voltage_v, len(need.phases_now)) for need in request.needs])
    need = slots.need[first]
    going_kw = np.minimum(np.minimum(now_kw[need], slots.most_kw[first]), horizon.need_kwh[need] / slots.hours[first])
    return first[going_kw > 0], going_kw[going_kw > 0]


def declare_drop(model: ConcreteModel, horizon: Horizon) -> None:
    """`drop[k]` [kW]: how much less the k-th of those who charge now will draw in the first step."""
    going_kw = first_slots(horizon)[1].tolist()
    model.drop = Var(range(len(going_kw)), bounds=lambda _, k: (0.0, going_kw[k]))


def go_on(model: ConcreteModel, horizon: Horizon) -> None:
    """p[slot(k)] + drop[k] >= going_kw[k]."""
    slots, going_kw = (part.tolist() for part in first_slots(horizon))
    model.steady = Constraint(
        range(len(slots)), rule=lambda m, k: linear([(1.0, m.power[slots[k]]), (1.0, m.drop[k])]) >= going_kw[k]
    )


def interruption(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """interruption_price sum_n drop[n], the price being that of INTERRUPTION_H at the typical price per kWh."""
    price_per_kw = INTERRUPTION_H * typical_price_per_kwh(horizon)
    return linear([(price_per_kw, model.drop[k]) for k in model.drop])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """How much less each of them draws [kW]."""
    slots, going_kw = first_slots(horizon)
    return {"drop": np.clip(going_kw - slot_kw[slots], 0.0, None)}


def applies(horizon: Horizon) -> bool:
    """Whether anybody charges at this moment."""
    return len(first_slots(horizon)[0]) > 0


TOPIC = Topic(
    name="steadiness",
    variables=(declare_drop,),
    constraints=(go_on,),
    terms=(Term("interruption", "money", 1.0, interruption),),
    applies=applies,
    complete=complete,
)
