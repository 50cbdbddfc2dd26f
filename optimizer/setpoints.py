"""From continuous power to setpoints a station knows: floor to the grid, then give back what flooring lost, within every limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.background import Background, bare
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
        if self.unpaid_kw[step] < 0:  # the peak has grown, and with it what is paid for in every other step
            self.unpaid_kw += -self.unpaid_kw[step]


def headroom(horizon: Horizon, slot_kw: Floats, behind: Background) -> Headroom:
    """What `slot_kw` leaves before a background."""
    share = horizon.limits.share
    by_need = share.tocsc()
    parts = [slice(by_need.indptr[n], by_need.indptr[n + 1]) for n in range(share.shape[1])]
    net_kw = behind.net_kw + horizon.total_kw(slot_kw)
    return Headroom(
        horizon=horizon,
        left_kw=behind.headroom_kw - share @ horizon.at_points(slot_kw),
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


def to_setpoints(horizon: Horizon, slot_kw: Floats, behind: Background | None = None) -> Floats:
    """Setpoints [kW] near `slot_kw`: {0} or [min, max] on each station's grid, never above what the limits leave before a background
    (the base load if None).

    What flooring loses is given back in the cheapest steps that have room; the last setpoint of a need may permit a little more than
    the need, by less than one setpoint in one step. What is missing of a need that is known is given too, of one that is not only what
    `slot_kw` has.
    """
    floored = _floor(horizon, slot_kw)
    wanted_kwh = np.where(horizon.certain > 0, horizon.need_kwh, horizon.energy_kwh(slot_kw))
    missing_kwh = wanted_kwh - horizon.energy_kwh(floored)
    left = headroom(horizon, floored, behind or bare(horizon))
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
    """Raise the setpoints of need n until nothing is missing: first below the paid peak, cheapest first, then where least above it."""
    first, last = np.searchsorted(horizon.slots.need, [n, n + 1])
    one = _Raising(horizon, left, n, slot_kw[first:last], int(first), missing_kwh)
    one.fill_below_peak()
    while one.missing_kwh > DUST_KWH and one.raise_where_lowest():
        pass


@dataclass
class _Raising:
    """Need n being topped up; `setpoint_kw` [kW] is its part of the power per slot, changed in place."""

    horizon: Horizon
    left: Headroom
    n: int
    setpoint_kw: Floats
    first: int
    missing_kwh: float

    def __post_init__(self) -> None:
        part = slice(self.first, self.first + len(self.setpoint_kw))
        self.steps, self.hours = self.horizon.slots.step[part], self.horizon.slots.hours[part]
        self.room_kw = np.minimum(self.left.room_kw(self.n, self.steps), self.horizon.max_kw[self.n] - self.setpoint_kw)

    def fill_below_peak(self) -> None:
        """In steps that raise no demand charge, those already on first, then by price."""
        price = np.array(self.horizon.request.import_price_per_kwh)[self.steps]
        for i in np.lexsort((self.steps, price, self.setpoint_kw == 0)).tolist():
            if self.missing_kwh <= DUST_KWH:
                return
            self._raise(i, self.missing_kwh / self.hours[i], min(self.room_kw[i], self.left.unpaid_kw[self.steps[i]]))

    def raise_where_lowest(self) -> bool:
        """An even part of what is missing in the step furthest below the peak, those already on first; False if there is no room."""
        smallest_kw = np.where(self.setpoint_kw > 0, self.horizon.quantum_kw[self.n], self.horizon.min_kw[self.n])
        (able,) = np.nonzero(self.room_kw >= np.maximum(smallest_kw, self.horizon.quantum_kw[self.n]) - 1e-9)
        if not len(able):
            return False
        i = int(able[np.lexsort((-self.left.unpaid_kw[self.steps[able]], self.setpoint_kw[able] == 0))[0]])
        return self._raise(i, self.missing_kwh / self.hours[i] / len(able), float(self.room_kw[i]))

    def _raise(self, i: int, wanted_kw: float, room_kw: float) -> bool:
        """To the setpoint in slot i that covers `wanted_kw` more, as far as there is room; whether anything changed."""
        quantum, least_kw, now_kw = self.horizon.quantum_kw[self.n], self.horizon.min_kw[self.n], self.setpoint_kw[i]
        wanted = max(np.ceil((now_kw + wanted_kw) / quantum - 1e-6) * quantum, least_kw)
        possible = np.floor((now_kw + min(max(room_kw, 0.0), self.room_kw[i])) / quantum + 1e-6) * quantum
        reached = min(wanted, possible)
        if reached < max(least_kw, now_kw + quantum / 2) - 1e-9:
            return False
        self.setpoint_kw[i] = reached
        self.room_kw[i] -= reached - now_kw
        self.left.take(self.n, int(self.steps[i]), reached - now_kw)
        self.missing_kwh -= (reached - now_kw) * self.hours[i]
        return True


def expected_kw(horizon: Horizon, setpoint_kw: Floats) -> Floats:
    """Mean power [kW] a vehicle will draw per slot: the setpoint, until its need is met."""
    slots = horizon.slots
    energy = setpoint_kw * slots.hours
    running = np.cumsum(energy)
    before_need = np.concatenate(([0.0], running))[np.searchsorted(slots.need, slots.need, side="left")]
    reached = np.minimum(running - before_need, horizon.need_kwh[slots.need])
    earlier = np.minimum(running - before_need - energy, horizon.need_kwh[slots.need])
    return np.where(slots.hours > 0, (reached - earlier) / slots.hours, 0.0)
