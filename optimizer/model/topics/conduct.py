"""Conduct: charging begins seldom and rises gently.

Without these rows the relaxation begins anywhere and at full power, and what is certified is what no station would do. Slots in a row
on the same phases go on from each other; the first one may go on from what is set now, which is no start.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyomo.environ import Binary, ConcreteModel, Constraint, Var

from optimizer.model.topic import Topic, linear
from optimizer.problem.conduct import NONE, Conduct
from optimizer.problem.horizon import Floats, Horizon


def bound_slots(horizon: Horizon) -> Iterator[tuple[Conduct, range]]:
    """Of every need whose slots bind each other its conduct, and its slots."""
    for n, conduct in enumerate(horizon.conduct):
        mine = horizon.slots.of(n)
        if conduct.is_bound and mine.stop > mine.start:
            yield conduct, range(mine.start, mine.stop)


def declare_going(model: ConcreteModel, horizon: Horizon) -> None:
    """`going[s]` (0 or 1): slot s is on; `begins[s]` (0 to 1): it was off before."""
    slots = [s for _, mine in bound_slots(horizon) for s in mine]
    model.before = before_slots(horizon)
    model.going = Var(slots, within=Binary)
    model.begins = Var([s for s in slots if s in model.before], bounds=(0.0, 1.0))


def before_slots(horizon: Horizon) -> dict[int, int | None]:
    """The slot just before each slot in which charging may begin; None if there is none."""
    before: dict[int, int | None] = {}
    for conduct, mine in bound_slots(horizon):
        for i, (s, there) in enumerate(zip(mine, conduct.before.tolist(), strict=True)):
            if not conduct.goes_on_from_now(i):
                before[s] = None if there == NONE else mine[there]
    return before


def draw_where_on(model: ConcreteModel, horizon: Horizon) -> None:
    """p[s] <= highest_kw[s] going[s]: what rises reach by then; p[s] + going[s] <= 0 where that is nothing."""
    highest_kw = {
        s: kw
        for conduct, mine in bound_slots(horizon)
        for s, kw in zip(mine, conduct.highest_kw().tolist(), strict=True)
    }
    model.reach = Constraint(
        list(highest_kw), rule=lambda m, s: linear([(1.0, m.power[s]), (-highest_kw[s] or 1.0, m.going[s])]) <= 0.0
    )


def count_beginnings(model: ConcreteModel, horizon: Horizon) -> None:
    """begins[s] >= going[s] - going[s-1], s-1 being the slot before on the same phases."""

    def rule(m: ConcreteModel, s: int) -> object:
        parts = [(1.0, m.begins[s]), (-1.0, m.going[s])]
        before = m.before[s]
        return linear(parts if before is None else [*parts, (1.0, m.going[before])]) >= 0.0

    model.beginning = Constraint(list(model.begins), rule=rule)


def begin_seldom(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_s begins[s] <= max_starts[n], over the slots of each need n with a limit."""
    limited = [
        (conduct.max_starts, [s for s in mine if s in model.before])
        for conduct, mine in bound_slots(horizon)
        if conduct.max_starts is not None
    ]
    limited = [one for one in limited if one[1]]
    model.seldom = Constraint(
        range(len(limited)),
        rule=lambda m, k: linear([(1.0, m.begins[s]) for s in limited[k][1]]) <= float(limited[k][0]),
    )


def rise_gently(model: ConcreteModel, horizon: Horizon) -> None:
    """p[s] <= p[s-1] + rise_kw[t] going[s-1] + started_kw[t] begins[s], where rises are limited: who still draws has drawn all that
    was set before."""
    conduct_of = {
        s: (conduct, i)
        for conduct, mine in bound_slots(horizon)
        if conduct.rise_kw is not None
        for i, s in enumerate(mine)
        if s in model.before
    }

    def rule(m: ConcreteModel, s: int) -> object:
        conduct, i = conduct_of[s]
        parts = [(1.0, m.power[s]), (-conduct.started_kw(i), m.begins[s])]
        before = m.before[s]
        if before is not None:
            parts += [(-1.0, m.power[before]), (-conduct.risen_kw(i), m.going[before])]
        return linear(parts) <= 0.0

    model.rise = Constraint(list(conduct_of), rule=rule)


def draw_while_going_on(model: ConcreteModel, horizon: Horizon) -> None:
    """p[s-1] >= least_kw[s-1] (going[s] - begins[s]): who goes on drew the minimum, if its vehicle accepts that."""
    slots = horizon.slots
    tapers = np.isin(slots.need, horizon.tapering)
    least_kw = np.where(tapers, 0.0, slots.least_kw).tolist()
    going_on = [s for s, before in model.before.items() if before is not None and least_kw[before] > 0]

    def rule(m: ConcreteModel, s: int) -> object:
        before = m.before[s]
        least = least_kw[before]
        return linear([(1.0, m.power[before]), (-least, m.going[s]), (least, m.begins[s])]) >= 0.0

    model.lasting = Constraint(going_on, rule=rule)


def begin_from_off(model: ConcreteModel, horizon: Horizon) -> None:
    """begins[s] + going[s-1] <= 1, where rises are limited: going on may rise less than beginning."""
    rising = [s for conduct, mine in bound_slots(horizon) if conduct.rise_kw is not None for s in mine]
    rising = [s for s in rising if model.before.get(s) is not None]
    model.from_off = Constraint(
        rising, rule=lambda m, s: linear([(1.0, m.begins[s]), (1.0, m.going[m.before[s]])]) <= 1.0
    )


def complete(horizon: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """Who draws is on."""
    going = (slot_kw > 0).astype(np.float64)
    begins = going.copy()
    for s, before in before_slots(horizon).items():
        if before is not None:
            begins[s] = max(0.0, going[s] - going[before])
    return {"going": going, "begins": begins}


def applies(horizon: Horizon) -> bool:
    """Whether anybody's steps bind each other."""
    return any(True for _ in bound_slots(horizon))


TOPIC = Topic(
    name="conduct",
    variables=(declare_going,),
    constraints=(draw_where_on, count_beginnings, begin_seldom, rise_gently, draw_while_going_on, begin_from_off),
    applies=applies,
    complete=complete,
)
