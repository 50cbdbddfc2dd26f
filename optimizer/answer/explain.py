"""The reasons of a plan: which limits hold it back, in which step, and what one more kW there would save."""

from __future__ import annotations

import numpy as np

from cpms.domain.binding import BindingLimit, Direction, RelaxedLimit
from cpms.domain.units import current_a
from optimizer.model.formulation import LinearProgram
from optimizer.model.topics.exports import export_caps
from optimizer.problem.horizon import Floats, Horizon

LEAST_PRICE_PER_KW = 1e-6
"""Shadow prices below this (the tie-breakers') are no reason."""

LEAST_EXCESS_KW = 1e-6
"""A limit exceeded by less is kept."""


def binding_limits(program: LinearProgram, horizon: Horizon, duals: Floats) -> tuple[BindingLimit, ...]:
    """Limits with a price in the relaxation, by step: -dual is what one more kW on that limit in that step would save."""
    prices = _evened(program, horizon, -duals[program.rows.get("limit", slice(0, 0))])
    found = [
        _binding(horizon, row, step, float(prices[i]))
        for i, (row, step) in enumerate(program.row_index.get("limit", ()))
        if prices[i] > LEAST_PRICE_PER_KW
    ]
    found += _binding_exports(program, horizon, duals)
    return tuple(sorted(found, key=lambda limit: (limit.step, -limit.shadow_price_per_kw)))


def _evened(program: LinearProgram, horizon: Horizon, prices: Floats) -> Floats:
    """Phases of a feeder that carry the same (of three-phase vehicles alone) are full together: how a vertex splits their price is
    chance, so that they share it. Else one more kW on one of them, which nobody could use, would seem worth a kW on all three."""
    if not program.row_index.get("limit"):
        return prices
    groups: dict[tuple[object, ...], list[int]] = {}
    rows = program.matrix[program.rows["limit"]]
    shares, upper = rows.data.round(9), program.row_upper[program.rows["limit"]].tolist()
    priced = {
        _place(horizon, *program.row_index["limit"][i]) for i in np.flatnonzero(prices > LEAST_PRICE_PER_KW).tolist()
    }
    for i, (row, step) in enumerate(program.row_index["limit"]):
        if (place := _place(horizon, row, step)) in priced:
            part = slice(rows.indptr[i], rows.indptr[i + 1])
            alike = (*place, upper[i], rows.indices[part].tobytes(), shares[part].tobytes())
            groups.setdefault(alike, []).append(i)
    evened = prices.copy()
    for group in (one for one in groups.values() if len(one) > 1):
        evened[group] = prices[group].mean()
    return evened


def _place(horizon: Horizon, row: int, step: int) -> tuple[str, int]:
    return horizon.limits.keys[row].feeder.feeder_id, step


def _binding_exports(program: LinearProgram, horizon: Horizon, duals: Floats) -> list[BindingLimit]:
    if not program.row_index.get("export"):
        return []
    caps, prices = export_caps(horizon), -duals[program.rows["export"]]
    bound = [
        (caps[x], float(price))
        for x, price in zip(program.row_index["export"], prices, strict=True)
        if price > LEAST_PRICE_PER_KW
    ]
    return [
        BindingLimit(
            step=cap.step,
            feeder_id=cap.feeder.feeder_id,
            phase=None,
            limit=cap.limit_kw,
            unit="kW",
            shadow_price_per_kw=price,
            reason="export cap",
            direction=Direction.EXPORT,
            shadow_price_per_kwh=price / float(horizon.step_h[cap.step]),
        )
        for cap, price in bound
    ]


def _binding(horizon: Horizon, row: int, step: int, price: float) -> BindingLimit:
    key = horizon.limits.keys[row]
    return BindingLimit(
        step=step,
        feeder_id=key.feeder.feeder_id,
        phase=key.phase,
        limit=float(key.limit[step] or 0.0),
        unit=key.unit,
        shadow_price_per_kw=price,
        reason=key.feeder.reason[step] if key.feeder.reason else "",
        direction=key.direction,
        shadow_price_per_kwh=price / float(horizon.step_h[step]),
    )


def relaxed_limits(program: LinearProgram, horizon: Horizon, values: Floats) -> tuple[RelaxedLimit, ...]:
    """Limits that other load exceeds and nothing relieves, by how much [A per phase, or kW]."""
    limits, relaxed_kw = horizon.limits, horizon.limits.excess_kw.copy()
    for key, over_kw in zip(program.index["over"], values[program.columns["over"]], strict=True):
        relaxed_kw[key] = over_kw
    found = []
    for row, step in zip(*np.nonzero(relaxed_kw > LEAST_EXCESS_KW), strict=True):
        key, excess_kw = limits.keys[row], float(relaxed_kw[row, step])
        excess = current_a(excess_kw, key.voltage_v or horizon.request.voltage_v, 1) if key.unit == "A" else excess_kw
        found.append(RelaxedLimit(int(step), key.feeder.feeder_id, key.phase, excess, key.unit))
    found += _relaxed_exports(program, horizon, values)
    return tuple(sorted(found, key=lambda limit: limit.step))


def _relaxed_exports(program: LinearProgram, horizon: Horizon, values: Floats) -> list[RelaxedLimit]:
    if not program.index.get("curtailed"):
        return []
    caps = export_caps(horizon)
    relaxed = zip(program.index["curtailed"], values[program.columns["curtailed"]].tolist(), strict=True)
    return [
        RelaxedLimit(caps[x].step, caps[x].feeder.feeder_id, None, excess_kw, "kW", Direction.EXPORT)
        for x, excess_kw in relaxed
        if excess_kw > LEAST_EXCESS_KW
    ]


def unservable(horizon: Horizon) -> str:
    """Names the sessions that no plan can serve, and why; empty if there are none."""
    served = set(horizon.slots.need.tolist())
    starts_at = horizon.request.steps[0].starts_at
    reasons = []
    for n, need in enumerate(horizon.request.needs):
        if horizon.need_kwh[n] > 0 and n not in served:
            gone = need.departs_at <= starts_at
            reasons.append(
                f"{need.session_id} " + ("is past its departure" if gone else "has no step with room for its minimum")
            )
    return "; ".join(reasons)
