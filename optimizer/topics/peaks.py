"""Peaks: what the highest window means cost above the peak so far.

| term   | unit  | formula                       |
|--------|-------|-------------------------------|
| demand | money | sum_d price_per_kw[d] excess[d] |
"""

from __future__ import annotations

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.horizon import Floats, Horizon
from optimizer.topic import Term, Topic, linear


def declare_peaks(model: ConcreteModel, horizon: Horizon) -> None:
    """`excess[d]` [kW]: how far the highest window mean exceeds the peak so far of demand price d."""
    most_kw = float(np.max(horizon.base_kw + model.flows.most_drawn_kw(horizon.step_count)))
    charged = [d for d, windows in enumerate(horizon.windows) if len(windows.weight)]
    model.excess = Var(charged, bounds=lambda _, d: (0.0, max(0.0, most_kw - horizon.windows[d].price.peak_so_far_kw)))


def measure_peaks(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_t weight[w, t] (drawn[t] - fed[t]) - excess[d] <= peak_so_far_kw[d], for each window w of demand price d."""
    rows = [(d, w) for d in model.excess for w in range(len(horizon.windows[d].weight))]

    def rule(_: ConcreteModel, d: int, w: int) -> object:
        weight = horizon.windows[d].weight[w]
        coefficients, variables = [-1.0], [model.excess[d]]
        for t in np.flatnonzero(weight).tolist():
            coefficients.append(float(weight[t]))
            variables.append(model.drawn[t])
            if t in model.fed:
                coefficients.append(-float(weight[t]))
                variables.append(model.fed[t])
        body = LinearExpression(linear_coefs=coefficients, linear_vars=variables)
        return body <= horizon.windows[d].price.peak_so_far_kw

    model.peak = Constraint(rows, rule=rule)


def demand(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """sum_d price_per_kw[d] excess[d]: only what is above the peak so far still costs."""
    return linear([(horizon.windows[d].price.price_per_kw, model.excess[d]) for d in model.excess])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """How far the windows' means rise above the peaks so far [kW]."""
    net_kw = horizon.base_kw + horizon.total_kw(slot_kw)
    peaks_kw = [windows.peak_kw(net_kw) - windows.price.peak_so_far_kw for windows in horizon.windows]
    return {"excess": np.array(peaks_kw)}


TOPIC = Topic(
    name="peaks",
    variables=(declare_peaks,),
    constraints=(measure_peaks,),
    terms=(Term("demand", "money", 1.0, demand),),
    complete=complete,
)
