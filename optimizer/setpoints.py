"""From continuous power to setpoints a station knows: floor to the grid, then give back what flooring lost, within every limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.horizon import Horizon

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DUST_KWH = 1e-6
"""Energy below this is not worth a setpoint."""


@dataclass
class Headroom:
    """What is left under every limit and under the peak that is paid for anyhow, while setpoints are raised."""

    horizon: Horizon
    left_kw: Floats
    unpaid_kw: Floats
    rows: list[tuple[Ints, Floats]]

    def room_kw(self, need: int, steps: Ints) -> Floats:
        """Most additional power [kW] of a need in each of `steps`."""
        rows, shares = self.rows[need]
        if not len(rows):
            return np.full(len(steps), np.inf)
        return np.asarray((self.left_kw[np.ix_(rows, steps)] / shares[:, None]).min(axis=0))

    def take(self, need: int, step: int, power_kw: float) -> None:
        """Use `power_kw` of a need in a step."""
        rows, shares = self.rows[need]
        self.left_kw[rows, step] -= shares * power_kw
        self.unpaid_kw[step] -= power_kw


def headroom(horizon: Horizon, slot_kw: Floats) -> Headroom:
    """What `slot_kw` leaves."""
    slots, share = horizon.slots, horizon.limits.share
    used = np.zeros((len(horizon.need_kwh), horizon.step_count))
    used[slots.need, slots.step] = slot_kw
    by_need = share.tocsc()
    parts = [slice(by_need.indptr[n], by_need.indptr[n + 1]) for n in range(share.shape[1])]
    net_kw = horizon.base_kw + horizon.total_kw(slot_kw)
    return Headroom(
        horizon=horizon,
        left_kw=horizon.limits.headroom_kw - share @ used,
        unpaid_kw=_paid_kw(horizon, net_kw) - net_kw,
        rows=[(by_need.indices[part].astype(np.int64), by_need.data[part]) for part in parts],
    )


def _paid_kw(horizon: Horizon, net_kw: Floats) -> Floats:
    """Net import [kW] per step that raises no demand charge."""
    paid = np.full(len(net_kw), np.inf)
    for windows in horizon.windows:
        touched = windows.weight.any(axis=0)
        paid[touched] = np.minimum(paid[touched], windows.peak_kw(net_kw))
    return paid


def to_setpoints(horizon: Horizon, slot_kw: Floats) -> Floats:
    """Setpoints [kW] near `slot_kw`: {0} or [min, max] on each station's grid, never above what the limits allow.

    What flooring loses is given back in the cheapest steps that have room; the last setpoint of a need may permit a little more than
    the need, by less than one setpoint in one step.
    """
    floored = _floor(horizon, slot_kw)
    missing_kwh = horizon.need_kwh - horizon.energy_kwh(floored)
    left = headroom(horizon, floored)
    for n in _urgency(horizon, missing_kwh):
        _top_up(horizon, left, floored, int(n), float(missing_kwh[n]))
    return floored


def _floor(horizon: Horizon, slot_kw: Floats) -> Floats:
    need = horizon.slots.need
    quantum = horizon.quantum_kw[need]
    floored = np.floor(np.minimum(slot_kw, horizon.max_kw[need]) / quantum + 1e-6) * quantum
    return np.where(floored >= horizon.min_kw[need] - 1e-9, floored, 0.0)


def _urgency(horizon: Horizon, missing_kwh: Floats) -> Ints:
    """Needs that lack energy: higher priority first, then earlier departure."""
    needs = horizon.request.needs
    lacking = np.flatnonzero(missing_kwh > DUST_KWH)
    ranked = sorted(lacking.tolist(), key=lambda n: (-needs[n].priority, needs[n].departs_at, needs[n].session_id))
    return np.array(ranked, dtype=np.int64)


def _top_up(horizon: Horizon, left: Headroom, slot_kw: Floats, n: int, missing_kwh: float) -> None:
    """Raise the setpoints of need n until nothing is missing: first below the paid peak, then above it."""
    first, last = np.searchsorted(horizon.slots.need, [n, n + 1])
    steps, hours = horizon.slots.step[first:last], horizon.slots.hours[first:last]
    price = np.array(horizon.request.import_price_per_kwh)[steps]
    room = left.room_kw(n, steps)
    for within_peak in (True, False):
        ceiling = np.minimum(room, left.unpaid_kw[steps]) if within_peak else room
        for i in np.lexsort((steps, price, slot_kw[first:last] == 0)):
            if missing_kwh <= DUST_KWH:
                return
            raise_kw = _raise_kw(horizon, n, slot_kw[first + i], missing_kwh / hours[i], float(ceiling[i]))
            if raise_kw > 0:
                slot_kw[first + i] += raise_kw
                left.take(n, int(steps[i]), raise_kw)
                room[i] -= raise_kw
                missing_kwh -= raise_kw * hours[i]


def _raise_kw(horizon: Horizon, n: int, now_kw: float, wanted_kw: float, room_kw: float) -> float:
    """Raise [kW] to the setpoint that covers `wanted_kw` more, as far as there is room; 0 if there is not."""
    quantum = horizon.quantum_kw[n]
    wanted = max(np.ceil((now_kw + wanted_kw) / quantum - 1e-6) * quantum, horizon.min_kw[n])
    possible = np.floor((now_kw + max(room_kw, 0.0)) / quantum + 1e-9) * quantum if np.isfinite(room_kw) else np.inf
    reached = min(wanted, possible, horizon.max_kw[n])
    return float(reached - now_kw) if reached >= max(horizon.min_kw[n], now_kw + quantum / 2) - 1e-9 else 0.0


def expected_kw(horizon: Horizon, setpoint_kw: Floats) -> Floats:
    """Mean power [kW] a vehicle will draw per slot: the setpoint, until its need is met."""
    slots = horizon.slots
    energy = setpoint_kw * slots.hours
    running = np.cumsum(energy)
    before_need = np.concatenate(([0.0], running))[np.searchsorted(slots.need, slots.need, side="left")]
    reached = np.minimum(running - before_need, horizon.need_kwh[slots.need])
    earlier = np.minimum(running - before_need - energy, horizon.need_kwh[slots.need])
    return np.where(slots.hours > 0, (reached - earlier) / slots.hours, 0.0)
