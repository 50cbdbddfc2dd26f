"""Levelling: single setpoints moved between the steps of their sessions until the step with the highest net import that is paid for
cannot be lowered.

What rounding to setpoints leaves is mostly this: where every step is filled up to one peak, none of them is filled quite. A move
takes one setpoint from a session in a step and gives it back in another one; where that other one is as high, it passes one
on itself (augmenting paths, as in flow problems; Ahuja, Magnanti and Orlin, Network Flows, 1993, chapter 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.search.background import Background
from optimizer.search.following import expected_kw
from optimizer.search.setpoints import Headroom, headroom

MOST_LOOKS = 5_000
"""At setpoints that could be moved (some 30 microseconds each), for all paths together."""

LEAST_KW = 1e-6
"""By less a peak is not lowered."""

Move = tuple[int, int]
"""From a slot, into another of its session."""


def levelled(horizon: Horizon, setpoint_kw: Floats, behind: Background) -> Floats:
    """Setpoints [kW] of the same energy with a lower peak, where that is paid for, within what limits leave before a background."""
    work = _Levelling.of(horizon, setpoint_kw, behind)
    while path := work.path_down():
        for move in path:
            work.make(move)
    return work.setpoint_kw


@dataclass
class _Levelling:
    """`setpoint_kw[s]` [kW], changed in place; `net_kw[t]` [kW] expected with them; `paid[t]`: a demand charge looks at step t.
    `free[s]`: slots that may change one by one. `looks`: left of MOST_LOOKS."""

    horizon: Horizon
    setpoint_kw: Floats
    net_kw: Floats
    paid: NDArray[np.bool_]
    free: NDArray[np.bool_]
    left: Headroom
    looks: int = MOST_LOOKS

    @classmethod
    def of(cls, horizon: Horizon, setpoint_kw: Floats, behind: Background) -> _Levelling:
        drawn_kw = expected_kw(horizon, setpoint_kw, behind.give_kw)
        paid = np.zeros(horizon.step_count, dtype=np.bool_)
        for windows in horizon.windows:
            paid |= windows.weight.any(axis=0)
        free = _free(horizon)
        return cls(
            horizon=horizon,
            setpoint_kw=setpoint_kw.copy(),
            net_kw=behind.net_kw + horizon.total_kw(drawn_kw),
            paid=paid,
            free=free,
            left=headroom(horizon, setpoint_kw, behind, free),
        )

    def path_down(self) -> list[Move]:
        """Moves, the last one first, that lower the highest paid step and raise no paid step to its height; none if there are none."""
        if not self.paid.any():
            return []
        top = int(np.argmax(np.where(self.paid, self.net_kw, -np.inf)))
        if self.net_kw[top] <= min(windows.price.peak_so_far_kw for windows in self.horizon.windows):
            return []
        came: dict[int, Move | None] = {top: None}
        queue = [top]
        for step in queue:
            for move in self._moves_from(step):
                target = int(self.horizon.slots.step[move[1]])
                if target in came or not self._stays_below(step, float(self.net_kw[top]), came[step], move):
                    continue
                came[target] = move
                if self._stays_below(target, float(self.net_kw[top]), move):
                    return self._back(came, target)
                queue.append(target)
        return []

    def make(self, move: Move) -> None:
        """Move a setpoint."""
        slots = self.horizon.slots
        quantum_kw = float(slots.quantum_kw[move[0]])
        for slot, change_kw in ((move[1], quantum_kw), (move[0], -quantum_kw)):
            point, step = int(slots.point[slot]), int(slots.step[slot])
            rows, shares = self.left.rows[point]
            self.left.left_kw[rows, step] -= shares * change_kw
            self.net_kw[step] += float(self.horizon.present[slot]) * change_kw
            self.setpoint_kw[slot] += change_kw

    def _moves_from(self, step: int) -> Iterator[Move]:
        """Into steps of the same session that are on, last as long, and have room; the lowest steps first."""
        slots, kw = self.horizon.slots, self.setpoint_kw
        (givers,) = np.nonzero((slots.step == step) & self.free & (kw - slots.quantum_kw >= slots.least_kw - LEAST_KW))
        for giver in givers[: self.looks].tolist():
            self.looks -= 1
            mine = slots.of(int(slots.need[giver]))
            takers = np.arange(mine.start, mine.stop)
            quantum_kw = float(slots.quantum_kw[giver])
            fits = (kw[mine] > 0) & (kw[mine] + quantum_kw <= slots.most_kw[mine] + LEAST_KW)
            fits &= (np.abs(slots.hours[mine] - slots.hours[giver]) < LEAST_KW) & (takers != giver)
            fits &= self._room_kw(int(slots.point[giver]), slots.step[mine]) >= quantum_kw - LEAST_KW
            for taker in takers[fits][np.argsort(self.net_kw[slots.step[takers[fits]]], kind="stable")].tolist():
                yield giver, taker

    def _room_kw(self, point: int, steps: Ints) -> Floats:
        rows, shares = self.left.rows[point]
        if not len(rows):
            return np.full(len(steps), np.inf)
        room: Floats = (self.left.left_kw[rows[:, None], steps] / shares[:, None]).min(axis=0)
        return room

    def _stays_below(self, step: int, height_kw: float, into: Move | None, out: Move | None = None) -> bool:
        """Whether a step ends below a height with what one move brings and another one takes; setpoints differ in size."""
        quantum_kw = self.horizon.slots.quantum_kw
        brought_kw, taken_kw = (0.0 if move is None else float(quantum_kw[move[0]]) for move in (into, out))
        return not self.paid[step] or bool(self.net_kw[step] + brought_kw - taken_kw < height_kw - LEAST_KW)

    def _back(self, came: dict[int, Move | None], step: int) -> list[Move]:
        path: list[Move] = []
        while (move := came[step]) is not None:
            path.append(move)
            step = int(self.horizon.slots.step[move[0]])
        return path


def _free(horizon: Horizon) -> NDArray[np.bool_]:
    """Slots of sessions whose energy is what is set, and whose steps do not bind each other."""
    slots = horizon.slots
    bound = [*horizon.special, *horizon.tapering, *horizon.chances]
    free: NDArray[np.bool_] = ~np.isin(slots.need, bound) & (slots.point == slots.need)
    return free & ~np.isin(slots.need, slots.need[slots.point != slots.need])
