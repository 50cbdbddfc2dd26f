"""Held energy: what vehicles hold whose battery is known, which taper as they fill and give back no further than to a floor.

Energy is counted as the meter at the connector counts it when charging: of a kWh held, `efficiency` comes back.
"""

from __future__ import annotations

import numpy as np
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.model.ledger import Parts, carried_over
from optimizer.model.topic import Topic, linear
from optimizer.problem.horizon import Floats, Horizon


def declare_held(model: ConcreteModel, horizon: Horizon) -> None:
    """`held[s]` [kWh]: what the vehicle holds at the end of slot s, between its floor and full."""
    bounds = {s: (one.floor_kwh, one.curve.full_kwh) for n, one in horizon.held.items() for s in _slots(horizon, n)}
    model.held = Var(list(bounds), bounds=lambda _, s: bounds[s])


def fill_up(model: ConcreteModel, horizon: Horizon) -> None:
    """held[s] = held[s-1] + h[s] (p[s] - give[s] / efficiency), from what the vehicle came with."""
    hours, gives = horizon.slots.hours.tolist(), horizon.giving.most_kw
    rows = {s: (n, s == _slots(horizon, n).start) for n in horizon.held for s in _slots(horizon, n)}

    def rule(_: ConcreteModel, s: int) -> object:
        n, first = rows[s]
        net: Parts = [(1.0, model.power[s])]
        if np.asarray(gives)[s] > 0:
            net.append((-1.0 / horizon.held[n].efficiency, model.give[s]))
        before = None if first else model.held[s - 1]
        return carried_over(model.held[s], before, horizon.held[n].held_kwh, hours[s], net)

    model.fill = Constraint(list(model.held), rule=rule)


def accept_less_when_fuller(model: ConcreteModel, horizon: Horizon) -> None:
    """h[s] p[s] + d held[s-1] <= c, for every cut (c, d) of the vehicle's acceptance (`Acceptance.cuts`)."""
    hours = horizon.slots.hours.tolist()
    cuts = {
        (n, s, i): cut
        for n, one in horizon.held.items()
        for s in _slots(horizon, n)
        for i, cut in enumerate(one.curve.cuts(hours[s]))
    }

    def rule(_: ConcreteModel, n: int, s: int, i: int) -> object:
        most_kwh, part = cuts[n, s, i]
        if s == _slots(horizon, n).start:
            return linear([(hours[s], model.power[s])]) <= max(0.0, most_kwh - part * horizon.held[n].held_kwh)
        return linear([(hours[s], model.power[s]), (part, model.held[s - 1])]) <= most_kwh

    model.accept = Constraint(list(cuts), rule=rule)


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """What is drawn adds up, where nothing is given."""
    held_kwh = np.zeros(len(slot_kw))
    for n, one in horizon.held.items():
        mine = horizon.slots.of(n)
        held_kwh[mine] = one.held_kwh + np.cumsum(slot_kw[mine] * horizon.slots.hours[mine])
    return {"held": held_kwh}


def _slots(horizon: Horizon, n: int) -> range:
    mine = horizon.slots.of(n)
    return range(mine.start, mine.stop)


TOPIC = Topic(
    name="held",
    variables=(declare_held,),
    constraints=(fill_up, accept_less_when_fuller),
    applies=lambda horizon: len(horizon.held) > 0,
    complete=complete,
)
