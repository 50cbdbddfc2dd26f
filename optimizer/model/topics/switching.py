"""Phase switching: on all phases or on a single one, never both, and for a while before it is changed again.

| term      | unit  | formula                                   |
|-----------|-------|-------------------------------------------|
| switching | money | switch_price sum_n,t switched[n, t]       |
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.model.topic import Term, Topic, linear
from optimizer.model.topics.vehicle_to_grid import giving_slots
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import typical_price_per_kwh

SWITCH_KWH = 0.01
"""A switch counts like so much energy at the typical price: a contactor's share of its life, and enough not to switch for nothing."""


def last_steps(horizon: Horizon) -> dict[int, int]:
    """Of each need that may switch and has a slot, the last step in which it has one."""
    return {
        n: int(horizon.slots.step[horizon.slots.of(n)].max())
        for n in horizon.switching
        if len(horizon.slots.step[horizon.slots.of(n)])
    }


def declare_single(model: ConcreteModel, horizon: Horizon) -> None:
    """`single[n, t]` (0 or 1): need n is on a single phase in step t; `switched[n, t]` (0 to 1): it was not so, or was, before."""
    places = [(n, t) for n, last in last_steps(horizon).items() for t in range(last + 1)]
    model.single = Var(places, within=Binary)
    model.switched = Var(places, bounds=lambda _, n, t: (0.0, float(horizon.switching[n].free[t])))


def one_way_at_a_time(model: ConcreteModel, horizon: Horizon) -> None:
    """p[s] <= most_kw[s] single[n, t] on the single phase of need n in step t, p[s] <= most_kw[s] (1 - single[n, t]) on all.

    Where topic `conduct` says who is on, the same for going[s] <= 1.
    """
    slots = horizon.slots
    mine = [s for n in last_steps(horizon) for s in range(slots.of(n).start, slots.of(n).stop)]

    def rule(m: ConcreteModel, s: int) -> object:
        bound = horizon.conduct[int(slots.need[s])].is_bound
        variable, most = (m.going[s], 1.0) if bound else (m.power[s], float(slots.most_kw[s]))
        return _on_its_phases(m, horizon, s, variable, most)

    model.one_way = Constraint(mine, rule=rule)


def give_one_way_at_a_time(model: ConcreteModel, horizon: Horizon) -> None:
    """The same of what is given: the phases are the connector's."""
    mine = [s for s in giving_slots(horizon) if int(horizon.slots.need[s]) in horizon.switching]
    model.given_one_way = Constraint(
        mine, rule=lambda m, s: _on_its_phases(m, horizon, s, m.give[s], float(m.give[s].ub))
    )


def _on_its_phases(model: ConcreteModel, horizon: Horizon, s: int, variable: object, most: float) -> object:
    """At most `most` where the connector is on the phases of slot s, else nothing."""
    slots = horizon.slots
    single = model.single[int(slots.need[s]), int(slots.step[s])]
    if slots.single[s]:
        return linear([(1.0, variable), (-most, single)]) <= 0.0
    return linear([(1.0, variable), (most, single)]) <= most


def count_switches(model: ConcreteModel, horizon: Horizon) -> None:
    """switched[n, t] >= |single[n, t] - single[n, t-1]|, before the first step as it is now."""

    def rule(m: ConcreteModel, n: int, t: int, sign: int) -> object:
        parts = [(1.0, m.switched[n, t]), (-float(sign), m.single[n, t])]
        if t:
            return linear([*parts, (float(sign), m.single[n, t - 1])]) >= 0.0
        return linear(parts) >= -float(sign) * float(horizon.switching[n].begins_single)

    model.switch = Constraint([(n, t, sign) for n, t in model.single for sign in (1, -1)], rule=rule)


def dwell(model: ConcreteModel, horizon: Horizon) -> None:
    """sum of switched[n, r] <= 1 over the steps r that begin less than the dwell before step t, and t itself."""

    def rule(m: ConcreteModel, n: int, t: int) -> object:
        first = int(horizon.switching[n].settled[t])
        return linear([(1.0, m.switched[n, r]) for r in range(first, t + 1)]) <= 1.0

    held = [(n, t) for n, t in model.single if horizon.switching[n].settled[t] < t]
    model.dwell = Constraint(held, rule=rule)


def switching(model: ConcreteModel, horizon: Horizon) -> LinearExpression:
    """switch_price sum_n,t switched[n, t], the price being that of SWITCH_KWH at the typical price per kWh."""
    price = SWITCH_KWH * typical_price_per_kwh(horizon)
    return linear([(price, model.switched[key]) for key in model.switched])


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """The steadiest course that the power admits."""
    single = horizon.courses(slot_kw)
    begins = np.array([n in horizon.switching and horizon.switching[n].begins_single for n in range(len(single))])
    switched = np.diff(single.astype(np.float64), axis=1, prepend=begins[:, None].astype(np.float64))
    return {"single": single.astype(np.float64), "switched": np.abs(switched)}


def settle_courses(horizon: Horizon, value_of: Callable[[str], Floats]) -> dict[str, Floats]:
    """The course that fits best what is drawn, or given."""
    flow_kw, mine = value_of("power").copy(), giving_slots(horizon)
    if mine:
        flow_kw[mine] = np.maximum(flow_kw[mine], value_of("give"))
    single = horizon.fitting_courses(flow_kw)
    places = [single[n, : last + 1] for n, last in last_steps(horizon).items()]
    return {"single": np.concatenate(places).astype(np.float64)}


TOPIC = Topic(
    name="switching",
    variables=(declare_single,),
    constraints=(one_way_at_a_time, give_one_way_at_a_time, count_switches, dwell),
    terms=(Term("switching", "money", 1.0, switching),),
    applies=lambda horizon: len(last_steps(horizon)) > 0,
    complete=complete,
    settle=settle_courses,
)
