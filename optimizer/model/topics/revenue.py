"""Revenue: what sessions pay per kWh where energy is sold at a price that changes.

| term    | unit  | formula                                            |
|---------|-------|----------------------------------------------------|
| revenue | money | - sum_s revenue_per_kwh[need(s), step(s)] h[s] d[s] |

d: what is delivered (`charging.delivered`), so that what a vehicle gives back is not sold twice.
"""

from __future__ import annotations

from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel

from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.charging import delivered
from optimizer.problem.horizon import Horizon


def revenue(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """- sum_s revenue_per_kwh[need(s), step(s)] h[s] d[s]."""
    slots, needs = horizon.slots, horizon.request.needs
    places = enumerate(zip(slots.need.tolist(), slots.step.tolist(), slots.hours.tolist(), strict=True))
    sold = [(-h * needs[n].revenue_per_kwh[t], s) for s, (n, t, h) in places if needs[n].revenue_per_kwh]
    return linear(delivered(model, sold))


TOPIC = Topic(
    name="revenue",
    terms=(Term("revenue", "money", 1.0, revenue),),
    applies=lambda horizon: any(need.revenue_per_kwh for need in horizon.request.needs),
)
