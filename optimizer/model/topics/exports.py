"""Exports: no feeder gives more to the grid above it than it may, in any step.

| term     | unit  | formula                                             |
|----------|-------|-----------------------------------------------------|
| curtailed | money | sum_x h[t(x)] CURTAIL_RATIO top_value curtailed[x] |

What is generated beyond the cap and what is drawn below it has to be curtailed by others; it is named (RelaxedLimit)
and costs more than any need, so that everything that can draw does so first. Charging counts as expected, not as
permitted: a vehicle that draws less than it may leaves more to curtail.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from cpms.domain.plan import FeederCap
from optimizer.model.flows import members
from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.backflow import surplus_kw
from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.problem.tree import path, points_of
from optimizer.problem.worth import top_value_per_kwh

CURTAIL_RATIO = 3.0
"""How much more a curtailed kWh costs than the dearest need: less than a kWh above an import limit."""


class ExportCap(NamedTuple):
    """A feeder's cap [kW] in a step, what is generated below it beyond other load [kW], and the points below it."""

    feeder: FeederCap
    step: int
    limit_kw: float
    surplus_kw: float
    points: frozenset[int]


def export_caps(horizon: Horizon) -> list[ExportCap]:
    """Every cap in every step."""
    request = horizon.request
    points = points_of(request)
    above = {feeder.feeder_id: set(path(request, feeder.feeder_id)) for feeder in request.feeders}
    surplus, caps = surplus_kw(request), []
    for feeder in request.feeders:
        inside = frozenset(i for i, point in enumerate(points) if feeder.feeder_id in above[point.feeder_id])
        for t, limit_kw in enumerate(feeder.export_kw):
            if limit_kw is not None:
                caps.append(ExportCap(feeder, t, limit_kw, float(surplus[feeder.feeder_id][t]), inside))
    return caps


def declare_curtailed(model: ConcreteModel, horizon: Horizon) -> None:
    """`curtailed[x]` [kW]: by how much export cap x is relaxed, where what is generated exceeds it."""
    excess_kw = [one.surplus_kw - one.limit_kw for one in export_caps(horizon)]
    model.curtailed = Var([x for x, kw in enumerate(excess_kw) if kw > 0], bounds=lambda _, x: (0.0, excess_kw[x]))


def keep_export_caps(model: ConcreteModel, horizon: Horizon) -> None:
    """- sum_f sign[f] flow[f] - curtailed[x] <= limit_kw[x] - surplus_kw[x], over the flows below the feeder in the step."""
    flows, caps = model.flows, export_caps(horizon)
    in_step = members(flows.step)

    def rule(m: ConcreteModel, x: int) -> object:
        cap = caps[x]
        inside = [f for f in in_step.get(cap.step, ()) if int(flows.point[f]) in cap.points]
        parts = [(-float(flows.sign[f]), flows.variables[f]) for f in inside]
        if x in m.curtailed:
            parts.append((-1.0, m.curtailed[x]))
        if not parts:
            return Constraint.Skip
        return linear(parts) <= cap.limit_kw - cap.surplus_kw

    model.export = Constraint(range(len(caps)), rule=rule)


def curtailed(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_x h[t(x)] CURTAIL_RATIO top_value curtailed[x]."""
    price, caps = CURTAIL_RATIO * top_value_per_kwh(horizon), export_caps(horizon)
    return linear([(price * float(horizon.step_h[caps[x].step]), model.curtailed[x]) for x in model.curtailed])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """What is left to curtail by what vehicles draw."""
    drawn_kw = horizon.at_points(slot_kw)
    return {
        "curtailed": np.array(
            [
                max(0.0, one.surplus_kw - float(drawn_kw[_array(one.points), one.step].sum()) - one.limit_kw)
                for one in export_caps(horizon)
            ]
        )
    }


def _array(points: frozenset[int]) -> Ints:
    return np.array(sorted(points), dtype=np.int64)


TOPIC = Topic(
    name="exports",
    applies=lambda horizon: any(feeder.export_kw for feeder in horizon.request.feeders),
    variables=(declare_curtailed,),
    constraints=(keep_export_caps,),
    terms=(Term("curtailed", "money", 1.0, curtailed),),
    complete=complete,
)
