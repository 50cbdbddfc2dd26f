"""Tapering: vehicles accept less power the more energy they hold. It costs nothing by itself."""

from __future__ import annotations

import numpy as np
from pyomo.environ import ConcreteModel, Constraint, Var

from optimizer.model.topic import Topic, linear
from optimizer.problem.horizon import Floats, Horizon


def declare_held(model: ConcreteModel, horizon: Horizon) -> None:
    """`held[s]` [kWh]: what the vehicle holds at the beginning of slot s, for those that taper."""
    full_kwh = {s: taper.curve.full_kwh for n, taper in horizon.taper.items() for s in _slots(horizon, n)}
    model.held = Var(list(full_kwh), bounds=lambda _, s: (0.0, full_kwh[s]))


def fill_up(model: ConcreteModel, horizon: Horizon) -> None:
    """held[s] = held[r] + h[r] p[r], with r the slot before s; in its first slot a vehicle holds what it came with."""
    hours = horizon.slots.hours.tolist()
    first = {horizon.slots.of(n).start: taper.held_kwh for n, taper in horizon.taper.items()}

    def rule(_: ConcreteModel, s: int) -> object:
        if s in first:
            return linear([(1.0, model.held[s])]) == first[s]
        return linear([(1.0, model.held[s]), (-1.0, model.held[s - 1]), (-hours[s - 1], model.power[s - 1])]) == 0.0

    model.fill = Constraint(list(model.held), rule=rule)


def accept_less_when_fuller(model: ConcreteModel, horizon: Horizon) -> None:
    """h[s] p[s] + d held[s] <= c, for every cut (c, d) of the vehicle's acceptance (`Acceptance.cuts`)."""
    hours = horizon.slots.hours.tolist()
    cuts = {
        (s, i): cut
        for n, taper in horizon.taper.items()
        for s in _slots(horizon, n)
        for i, cut in enumerate(taper.curve.cuts(hours[s]))
    }

    def rule(_: ConcreteModel, s: int, i: int) -> object:
        most_kwh, part = cuts[s, i]
        return linear([(hours[s], model.power[s]), (part, model.held[s])]) <= most_kwh

    model.accept = Constraint(list(cuts), rule=rule)


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """What is drawn adds up."""
    held_kwh = np.zeros(len(slot_kw))
    for n, taper in horizon.taper.items():
        mine = horizon.slots.of(n)
        taken_kwh = np.cumsum(slot_kw[mine] * horizon.slots.hours[mine])
        held_kwh[mine] = taper.held_kwh + np.concatenate([[0.0], taken_kwh])[: len(taken_kwh)]
    return {"held": held_kwh}


def _slots(horizon: Horizon, n: int) -> range:
    mine = horizon.slots.of(n)
    return range(mine.start, mine.stop)


TOPIC = Topic(
    name="tapering",
    variables=(declare_held,),
    constraints=(fill_up, accept_less_when_fuller),
    applies=lambda horizon: len(horizon.taper) > 0,
    complete=complete,
)
