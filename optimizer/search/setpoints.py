"""From continuous power to setpoints a station knows: floor to the grid, then give back what flooring lost, within every limit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.problem.setpoint_grid import Grid
from optimizer.problem.switching import in_courses
from optimizer.search.background import Background, bare
from optimizer.search.following import expected_kw

DUST_KWH = 1e-6
"""Energy below this is not worth a setpoint."""

COMPLETING_KW = 1e-6
"""Power below this is none."""

TOLERANCE_KW = 1e-5
"""A limit exceeded by less is kept: far below a setpoint."""


@dataclass
class Headroom:
    """What is left under every limit and under the peak that is paid for anyhow, while setpoints are raised; `open[s]`: power may be
    raised in slot s at all; `rows[i]`: limits that carry point i, and the share of its power; `give_kw[s]` [kW]: what is given."""

    horizon: Horizon
    open: NDArray[np.bool_]
    left_kw: Floats
    unpaid_kw: Floats
    rows: list[tuple[Ints, Floats]]
    give_kw: Floats

    def room_kw(self, need: int) -> Floats:
        """Most additional power [kW] in each slot of a need."""
        mine, slots = self.horizon.slots.of(need), self.horizon.slots
        room_kw = np.where(self.open[mine], np.inf, 0.0)
        points = np.unique(slots.point[mine]).tolist() if need in self.horizon.switching else [need]
        for point in points:
            there, (rows, shares) = slots.point[mine] == point, self.rows[point]
            if len(rows):
                left_kw = self.left_kw[rows[:, None], slots.step[mine][there]]
                room_kw[there] = np.minimum(room_kw[there], (left_kw / shares[:, None]).min(axis=0))
        return room_kw

    def take(self, point: int, step: int, permitted_kw: float, drawn_kw: float) -> None:
        """Permit more at a point in a step, of which only a part may be drawn [kW]."""
        rows, shares = self.rows[point]
        self.left_kw[rows, step] -= shares * permitted_kw
        self.unpaid_kw[step] -= drawn_kw
        if self.unpaid_kw[step] < 0:  # the peak has grown, and with it what is paid for in every other step
            self.unpaid_kw += -self.unpaid_kw[step]


def headroom(horizon: Horizon, slot_kw: Floats, behind: Background, open_: NDArray[np.bool_]) -> Headroom:
    """What `slot_kw` leaves before a background, in slots that are open and whose need does nothing else in that step. Limits have to
    admit all that is permitted; a peak is paid for what is drawn of it."""
    slots = horizon.slots
    share = horizon.limits.share
    by_need = share.tocsc()
    parts = [slice(by_need.indptr[n], by_need.indptr[n + 1]) for n in range(share.shape[1])]
    net_kw = behind.net_kw + horizon.total_kw(expected_kw(horizon, slot_kw, behind.give_kw))
    return Headroom(
        horizon=horizon,
        open=open_ & ~behind.taken[slots.need, slots.step],
        left_kw=behind.headroom_kw - share @ horizon.at_points(slot_kw),
        unpaid_kw=_paid_kw(horizon, net_kw) - net_kw,
        rows=[(by_need.indices[part].astype(np.int64), by_need.data[part]) for part in parts],
        give_kw=behind.give_kw,
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
    behind = behind or bare(horizon)
    slots, single = horizon.slots, horizon.courses(slot_kw, behind.give_kw)
    if horizon.switching:
        slot_kw = in_courses(slots, single, slot_kw, slots.most_kw)
    planned_kwh = horizon.energy_kwh(slot_kw)
    slot_kw = _permitted_kw(horizon, slot_kw, behind.give_kw)
    floored = _admissible(horizon, clipped_to_limits(horizon, slot_kw, behind.headroom_kw))
    wanted_kwh = np.where(horizon.certain > 0, horizon.need_kwh, planned_kwh)
    wanted_kwh = np.where(horizon.gives_kw > 0, np.maximum(wanted_kwh, planned_kwh), wanted_kwh)
    missing_kwh = wanted_kwh - horizon.energy_kwh(expected_kw(horizon, floored, behind.give_kw))
    open_ = slots.single == single[slots.need, slots.step]
    left = headroom(horizon, floored, behind, open_)
    for tier in _urgency(horizon, missing_kwh):
        for top_up in (_top_up_in_full, _top_up):
            for n in (one for one in tier if missing_kwh[one] > DUST_KWH):
                raised = _Raising(horizon, left, n, floored[slots.of(n)], float(missing_kwh[n]))
                top_up(raised)
                missing_kwh[n] = raised.missing_kwh
    return floored


def _permitted_kw(horizon: Horizon, slot_kw: Floats, give_kw: Floats) -> Floats:
    """With the minimum [kW] at least where a need is met, or a vehicle accepts less by itself."""
    least_kw, last = horizon.slots.least_kw, completing(horizon, slot_kw)
    may_be_less = (horizon.least_kw(slot_kw, give_kw) < least_kw) & (slot_kw > COMPLETING_KW)
    may_be_less[last] = True
    return np.where(may_be_less, np.maximum(slot_kw, least_kw), slot_kw)


def clipped_to_limits(horizon: Horizon, slot_kw: Floats, headroom_kw: Floats) -> Floats:
    """Power [kW] scaled down in proportion wherever a limit above it is exceeded: p * min over its limits of headroom / load."""
    slots, share = horizon.slots, horizon.limits.share.tocoo()
    power_kw = horizon.at_points(slot_kw)
    load_kw = share @ power_kw
    ratio = np.ones_like(load_kw)
    over = load_kw > headroom_kw + TOLERANCE_KW
    if not over.any():
        return slot_kw
    ratio[over] = headroom_kw[over] / load_kw[over]
    factor = np.ones_like(power_kw)
    np.minimum.at(factor, share.col, ratio[share.row])
    return slot_kw * factor[slots.point, slots.step]


def _admissible(horizon: Horizon, slot_kw: Floats) -> Floats:
    """Lowered to setpoints on every station's grid that obey what binds the steps of a session to each other."""
    slots = horizon.slots
    floored = Grid(slots.quantum_kw, slots.least_kw, slots.most_kw).down(slot_kw)
    for n in horizon.special:
        mine = slots.of(n)
        floored[mine] = horizon.conduct[n].obeyed(horizon.conduct[n].grid.down(slot_kw[mine]))
    return floored


def _urgency(horizon: Horizon, missing_kwh: Floats) -> list[list[int]]:
    """Needs that lack energy: those of higher priority first, among them earlier departures."""
    needs = horizon.request.needs
    lacking = np.flatnonzero(missing_kwh > DUST_KWH)
    ranked = sorted(lacking.tolist(), key=lambda n: (-needs[n].priority, needs[n].departs_at, needs[n].session_id))
    return [list(tier) for _, tier in groupby(ranked, lambda n: needs[n].priority)]


def _top_up_in_full(one: _Raising) -> None:
    """Raise setpoints below the paid peak, cheapest first, as far as all of them will be drawn: what a vehicle is permitted beyond its
    need, nobody else may draw."""
    one.fill_below_peak(in_full=True)


def _top_up(one: _Raising) -> None:
    """Raise setpoints until nothing is missing: first below the paid peak, the last one or the cheapest, then where least above it."""
    one.finish_below_peak()
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
    missing_kwh: float

    def __post_init__(self) -> None:
        mine = self.horizon.slots.of(self.n)
        self.steps, self.hours = self.horizon.slots.step[mine], self.horizon.slots.hours[mine]
        self.points = self.horizon.slots.point[mine]
        self.conduct = self.horizon.conduct[self.n]
        self.grid = self.conduct.grid
        self.room_kw = np.minimum(self.left.room_kw(self.n), self.horizon.slots.most_kw[mine] - self.setpoint_kw)

    def finish_below_peak(self) -> None:
        """In the last step that is on, of which only what is missing will be drawn, if that raises no demand charge."""
        (on,) = np.nonzero(self.setpoint_kw > 0)
        if not len(on) or self.n in self.horizon.held:
            return
        wanted_kw = self.missing_kwh / float(self.hours[on[-1]])
        if wanted_kw <= self.left.unpaid_kw[self.steps[on[-1]]]:
            self._raise(int(on[-1]), wanted_kw, float(self.room_kw[on[-1]]), wanted_kw)

    def fill_below_peak(self, in_full: bool = False) -> None:
        """In steps that raise no demand charge, those already on first, then by price; `in_full`: by no more than what is missing."""
        meters = self.horizon.meters
        price = meters.import_price[meters.of_point[self.n], self.steps]
        room_kw = np.minimum(self.room_kw, self.left.unpaid_kw[self.steps])
        able = room_kw >= self.grid.quantum_kw * (1 - 1e-6)
        order = np.lexsort((self.steps, price, self.setpoint_kw == 0))
        for i in order[able[order]].tolist():
            if self.missing_kwh <= DUST_KWH:
                return
            wanted_kw = self.missing_kwh / float(self.hours[i])
            if in_full and wanted_kw < self.grid.of(i).quantum_kw:
                continue
            most_kw = float(min(self.room_kw[i], self.left.unpaid_kw[self.steps[i]]))
            self._raise(i, wanted_kw, min(most_kw, wanted_kw) if in_full else most_kw)

    def raise_where_lowest(self) -> bool:
        """An even part of what is missing in the step furthest below the peak, those already on first; False if there is no room."""
        next_kw = self.grid.up(self.setpoint_kw + self.grid.quantum_kw / 2) - self.setpoint_kw
        (able,) = np.nonzero((next_kw > 0) & (self.room_kw >= next_kw - 1e-9))
        for i in able[np.lexsort((-self.left.unpaid_kw[self.steps[able]], self.setpoint_kw[able] == 0))].tolist():
            if self._raise(i, self.missing_kwh / self.hours[i] / len(able), float(self.room_kw[i])):
                return True
            self.room_kw[i] = 0.0  # what binds the steps together forbids it
        return False

    def _raise(self, i: int, wanted_kw: float, room_kw: float, drawn_kw: float = np.inf) -> bool:
        """To the setpoint in slot i that covers `wanted_kw` more, as far as there is room, of which `drawn_kw` at most are drawn;
        whether anything changed."""
        now_kw, grid = self.setpoint_kw[i], self.grid.of(i)
        admitted_kw = now_kw + min(max(room_kw, 0.0), self.room_kw[i])
        reached = float(min(grid.up(now_kw + wanted_kw), grid.down(admitted_kw)))
        if reached < now_kw + grid.quantum_kw / 2 or not self._admits(i, reached):
            return False
        more_kwh = self._gained_kwh(i, reached)
        if more_kwh <= DUST_KWH:
            return False
        self.setpoint_kw[i] = reached
        self.room_kw[i] -= reached - now_kw
        more_kw = reached - now_kw
        self.left.take(int(self.points[i]), int(self.steps[i]), more_kw, min(more_kw, drawn_kw))
        self.missing_kwh -= more_kwh
        return True

    def _gained_kwh(self, i: int, setpoint_kw: float) -> float:
        """What another setpoint [kW] in slot i brings [kWh]: its energy, but of a vehicle of known battery what it draws more."""
        if (held := self.horizon.held.get(self.n)) is None:
            return float((setpoint_kw - self.setpoint_kw[i]) * self.hours[i])
        tried = self.setpoint_kw.copy()
        tried[i] = setpoint_kw
        give_kw, grid = self.left.give_kw[self.horizon.slots.of(self.n)], self.horizon.giving_of(self.n)
        told = [held.told(row, give_kw, self.hours, np.inf, grid) for row in (self.setpoint_kw, tried)]
        now_kw, then_kw = (drawn_kw for drawn_kw, _ in told)
        return float((then_kw - now_kw) @ self.hours)

    def _admits(self, i: int, setpoint_kw: float) -> bool:
        """Whether slot i may have a setpoint [kW], the other slots being as they are."""
        if not self.conduct.is_bound:
            return True
        tried = self.setpoint_kw.copy()
        tried[i] = setpoint_kw
        return bool(np.array_equal(self.conduct.obeyed(tried), tried))


def completing(horizon: Horizon, slot_kw: Floats) -> Ints:
    """The last slots with any power [kW] of needs that are met with it: a setpoint of more is drawn until then, and no further."""
    slots, on = horizon.slots, slot_kw > COMPLETING_KW
    last = np.full(len(horizon.need_kwh), -1)
    np.maximum.at(last, slots.need[on], np.flatnonzero(on))
    met = horizon.energy_kwh(slot_kw) >= horizon.need_kwh - DUST_KWH
    met &= (horizon.certain > 0) & (horizon.gives_kw <= 0) & (last >= 0)
    met[list(horizon.held)] = False
    return last[met]
