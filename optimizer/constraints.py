"""The constraint families, each with its formula. p power, h hours of a slot, b base load, all in kW and kWh."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel, Constraint

from optimizer.horizon import Horizon


def declare_constraints(model: ConcreteModel, horizon: Horizon) -> None:
    """All families, in the order of the rows."""
    deliver_energy(model, horizon)
    balance_exchange(model, horizon)
    feed_or_draw(model, horizon)
    measure_peaks(model, horizon)
    keep_limits(model, horizon)


def deliver_energy(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_s h[s] p[s] + short[n] + deep[n] - spare[n] = need_kwh[n], over the slots s of each need n."""
    hours = horizon.slots.hours.tolist()
    members = _members(horizon.slots.need)

    def rule(_: ConcreteModel, n: int) -> object:
        slots = members.get(n, [])
        body = LinearExpression(
            linear_coefs=[*(hours[s] for s in slots), 1.0, 1.0, -1.0],
            linear_vars=[*(model.power[s] for s in slots), model.short[n], model.deep[n], model.spare[n]],
        )
        return body == float(horizon.need_kwh[n])

    model.energy = Constraint(list(model.short), rule=rule)


def balance_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """drawn[t] - fed[t] - sum_s p[s] = b[t], over the slots s in each step t."""
    members = _members(horizon.slots.step)

    def rule(_: ConcreteModel, t: int) -> object:
        slots = members.get(t, [])
        variables = [model.drawn[t], *(model.power[s] for s in slots)]
        coefficients = [1.0] + [-1.0] * len(slots)
        if t in model.fed:
            variables.append(model.fed[t])
            coefficients.append(-1.0)
        return LinearExpression(linear_coefs=coefficients, linear_vars=variables) == float(horizon.base_kw[t])

    model.exchange = Constraint(range(horizon.step_count), rule=rule)


def feed_or_draw(model: ConcreteModel, horizon: Horizon) -> None:
    """fed[t] <= max_fed[t] feeding[t] and drawn[t] <= max_drawn[t] (1 - feeding[t]), where export pays more than import."""
    steps = list(model.feeding)
    model.feed = Constraint(steps, rule=lambda m, t: m.fed[t] - m.fed[t].ub * m.feeding[t] <= 0)
    model.draw = Constraint(steps, rule=lambda m, t: m.drawn[t] + m.drawn[t].ub * m.feeding[t] <= m.drawn[t].ub)


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


def keep_limits(model: ConcreteModel, horizon: Horizon) -> None:
    """sum_s share[l, need(s)] p[s] <= headroom_kw[l, t], over the slots s in step t, for each limit l that could be exceeded."""
    members = {(row, t): (slots, shares) for row, t, slots, shares in _loaded_limits(horizon)}

    def rule(_: ConcreteModel, row: int, t: int) -> object:
        slots, shares = members[row, t]
        body = LinearExpression(linear_coefs=shares, linear_vars=[model.power[s] for s in slots])
        return body <= float(horizon.limits.headroom_kw[row, t])

    model.limit = Constraint(list(members), rule=rule)


def _loaded_limits(horizon: Horizon) -> Iterator[tuple[int, int, list[int], list[float]]]:
    """Limits and steps that all vehicles at their maximum would exceed, with the slots concerned and their shares."""
    slots, limits = horizon.slots, horizon.limits
    by_step = _members(slots.step)
    share = limits.share.tocsr()
    dense = np.zeros(share.shape[1])
    for row in range(share.shape[0]):
        part = slice(share.indptr[row], share.indptr[row + 1])
        dense[:] = 0.0
        dense[share.indices[part]] = share.data[part]
        slot_share = dense[slots.need]
        most_kw = np.bincount(slots.step, weights=slot_share * horizon.max_kw[slots.need], minlength=horizon.step_count)
        for t in np.flatnonzero(most_kw > limits.headroom_kw[row] + 1e-9).tolist():
            loaded = [s for s in by_step[t] if slot_share[s] > 0]
            yield row, t, loaded, slot_share[loaded].tolist()


def _members(group: np.ndarray) -> dict[int, list[int]]:
    """Positions by value of `group`, ascending."""
    order = np.argsort(group, kind="stable")
    values, starts = np.unique(group[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(values) else []
    return {int(value): part.tolist() for value, part in zip(values, parts, strict=True)}
