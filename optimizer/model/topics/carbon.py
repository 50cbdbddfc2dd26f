"""CO2: what drawing from the grid emits, as a price.

| term | unit  | formula                                                                 |
|------|-------|-------------------------------------------------------------------------|
| co2  | money | sum_j,t chance[j] h[t] price_per_kg co2_g_per_kwh[t] / 1000 drawn[j, t] |
"""

from __future__ import annotations

from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel

from optimizer.model.topic import Term, Topic, linear
from optimizer.problem.horizon import Horizon

G_PER_KG = 1000.0


def co2(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_j,t chance[j] h[t] price_per_kg co2_g_per_kwh[t] / 1000 drawn[j, t], over all meters; what is fed in saves
    nobody's emissions here."""
    request, count = horizon.request, horizon.step_count
    price = [request.co2_price_per_kg * grams / G_PER_KG for grams in request.co2_g_per_kwh]
    chance, size = horizon.meters.chance.tolist(), horizon.meters.import_price.size
    hours = horizon.step_h.tolist()
    return linear([(chance[k // size] * hours[k % count] * price[k % count], model.drawn[k]) for k in model.drawn])


TOPIC = Topic(
    name="carbon",
    terms=(Term("co2", "money", 1.0, co2),),
    applies=lambda horizon: bool(horizon.request.co2_g_per_kwh),
)
