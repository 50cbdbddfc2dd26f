"""Fitting what connectors should draw into what the site can carry: limits less everything that cannot be steered now.

Used for plans whose limits changed, connectors that cannot be reached, shed load, and equal shares. Pure, per bin of time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import inf
from operator import add

from cpms.control.bins import Vector
from cpms.control.ledger import Ledger
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector
from cpms.domain.units import Phase, floor_to_setpoint

Rows = list[Vector]
EPSILON = 1e-6


@dataclass(frozen=True)
class Wish:
    """What a steerable connector should draw, [A per phase] per bin. Higher `priority` is cut last, and `in_a_hurry`: what it
    needs takes all the time there is. `idle`: its vehicle stopped by itself, and is cut first. `single`: on this phase
    alone; None: on all of its connector's."""

    connector: Connector
    session_id: str
    transaction_id: str
    wanted_a: Vector
    priority: int
    departs_at: datetime
    in_a_hurry: bool = False
    idle: bool = False
    single: Phase | None = None

    @property
    def key(self) -> ConnectorKey:
        """The connector's key."""
        return self.connector.key


@lru_cache(maxsize=1 << 16)
def setpoint_a(current_a: float, max_a: float, step_a: float, min_a: float) -> float:
    """`floor_to_setpoint`, remembered: the same few hundred currents come again and again."""
    return floor_to_setpoint(current_a, max_a, step_a, min_a)


def quantised(connector: Connector, wanted_a: Sequence[float]) -> Vector:
    """Each value as the largest setpoint of the connector not above it (G11)."""
    c = connector
    known = {a: setpoint_a(round(a, 4), c.max_current_a, c.step_a, c.min_current_a) for a in set(wanted_a)}
    return [known[a] for a in wanted_a]


def steerable_room(
    ledger: Ledger, steerable: set[ConnectorKey], caps: Mapping[str, Sequence[float]], lenient: set[ConnectorKey]
) -> dict[str, Rows]:
    """Room per feeder, row and bin for the `steerable` connectors: limits less the worst case of all others.

    `caps[feeder]`: four values, the most that vehicles below it may draw now (shed load), inf where nothing is shed.
    `lenient` connectors just booted: they count with what they hold for the moment.
    """
    room = {f: [list(row) for row in ledger.limit_rows(f)] for f in ledger.room}
    for feeder_id, cap in caps.items():
        room[feeder_id] = [[min(v, c) for v in row] for row, c in zip(room[feeder_id], cap, strict=True)]
    for key, account in ledger.accounts.items():
        if key in steerable:
            continue
        fixed = account.held if key in lenient and not account.quarantined else account.counted
        for feeder_id in ledger.path(key):
            for row, weight in ledger.weights(key).items():
                rows = room[feeder_id]
                rows[row] = [v - weight * a for v, a in zip(rows[row], fixed, strict=True)]
    return room


def fit(wishes: Sequence[Wish], ledger: Ledger, room: Mapping[str, Rows]) -> dict[ConnectorKey, Vector]:
    """The wishes, cut where a feeder cannot carry them: who is idle first, to 0; then lowest priority first, who is in a hurry last,
    else biggest first; to the minimum, then to 0.

    A connector weighs at least its fallback, which the station may fall back to at any time.
    """
    fitted = {wish.key: list(wish.wanted_a) for wish in wishes}
    order = sorted(wishes, key=lambda w: (w.priority, w.key))
    deepest_first = sorted(room, key=lambda f: -sum(1 for _ in ledger.site.path_to_root(f)))
    for feeder_id in deepest_first:
        below = [wish for wish in order if feeder_id in ledger.path(wish.key)]
        for row in range(4):
            _fit_row(below, fitted, ledger, row, room[feeder_id][row])
    return {wish.key: quantised(wish.connector, fitted[wish.key]) for wish in wishes}


def _fit_row(below: Sequence[Wish], fitted: dict[ConnectorKey, Vector], ledger: Ledger, row: int, room: Vector) -> None:
    weighed = [(wish, ledger.weights_if_told(wish.key, wish.single)) for wish in below]
    loading = [(wish, weights[row]) for wish, weights in weighed if row in weights]
    if not loading or min(room) == inf:
        return
    total = [0.0] * len(room)
    for wish, weight in loading:
        floor_a = ledger.accounts[wish.key].base_a
        drawn = fitted[wish.key] if floor_a == 0.0 else [max(a, floor_a) for a in fitted[wish.key]]
        total = list(map(add, total, drawn if weight == 1.0 else [weight * a for a in drawn]))
    for index, (used, free) in enumerate(zip(total, room, strict=True)):
        if used > free + EPSILON:
            _cut(loading, fitted, index, used - free)


def _cut(loading: Sequence[tuple[Wish, float]], fitted: dict[ConnectorKey, Vector], index: int, excess: float) -> None:
    idle = [pair for pair in loading if pair[0].idle]
    for cut, to_zero in ((idle, True), (loading, False), (loading, True)):
        cuttable = sorted(cut, key=lambda pair: (pair[0].priority, pair[0].in_a_hurry, -fitted[pair[0].key][index]))
        for wish, weight in cuttable:
            current_a = fitted[wish.key][index]
            least_a = 0.0 if to_zero else min(current_a, wish.connector.min_current_a)
            cut_a = min(current_a - least_a, current_a if to_zero else excess / weight)
            fitted[wish.key][index] = current_a - cut_a
            excess -= cut_a * weight
            if excess <= EPSILON:
                return
