"""What everybody gets when there is no plan to go by: equal shares within the limits, earliest departure first where
not even the minimum suffices for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cpms.control.bins import Vector
from cpms.control.fit import Rows, Wish
from cpms.control.ledger import Ledger

ROUNDS = 12


def equal_shares(wishes: Sequence[Wish], ledger: Ledger, room: Mapping[str, Rows]) -> list[Wish]:
    """The wishes with a constant current each, that fits in every bin of `room`.

    First everybody gets the minimum current, by priority and then departure, as far as that goes; then all who did rise together
    to the highest common level that fits, found by halving.
    """
    least = {feeder_id: [min(row) for row in rows] for feeder_id, rows in room.items()}
    served: dict[str, float] = {wish.session_id: 0.0 for wish in wishes}
    for wish in sorted(wishes, key=lambda w: (-w.priority, w.departs_at, w.key)):
        minimum_a = min(wish.connector.min_current_a, max(wish.wanted_a))
        trial = {**served, wish.session_id: minimum_a}
        if _fits(wishes, trial, ledger, least):
            served = trial
    lowest_a, highest_a = 0.0, max((w.connector.max_current_a for w in wishes), default=0.0)
    for attempt in range(ROUNDS):
        level_a = highest_a if attempt == 0 else (lowest_a + highest_a) / 2
        if _fits(wishes, _at_level(wishes, served, level_a), ledger, least):
            lowest_a = level_a
        else:
            highest_a = level_a
    shares = _at_level(wishes, served, lowest_a)
    return [replace(w, wanted_a=_constant(shares[w.session_id], w.wanted_a)) for w in wishes]


def _at_level(wishes: Sequence[Wish], served: Mapping[str, float], level_a: float) -> dict[str, float]:
    return {
        w.session_id: max(served[w.session_id], min(level_a, max(w.wanted_a))) if served[w.session_id] > 0 else 0.0
        for w in wishes
    }


def _constant(current_a: float, wanted_a: Vector) -> Vector:
    return [min(current_a, a) for a in wanted_a]


def _fits(
    wishes: Sequence[Wish], current_a: Mapping[str, float], ledger: Ledger, least: Mapping[str, Sequence[float]]
) -> bool:
    used = {feeder_id: [0.0] * 4 for feeder_id in least}
    for wish in wishes:
        drawn_a = max(current_a[wish.session_id], ledger.accounts[wish.key].base_a)
        for feeder_id in ledger.path(wish.key):
            for row, weight in ledger.weights_if_told(wish.key, wish.single).items():
                used[feeder_id][row] += weight * drawn_a
    return all(u <= free + 1e-6 for f, rows in used.items() for u, free in zip(rows, least[f], strict=True))
