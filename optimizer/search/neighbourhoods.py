"""Neighbourhoods of a plan: slots that may be decided anew while all others stay as they are.

What a few sessions do all day, and what everybody does for a while, by turns: programs of this size are solved to their end in a tenth
of a second (Shaw, Using constraint programming and local search methods to solve vehicle routing problems, 1998).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.horizon import Horizon, Ints

OPEN_SLOTS = 150
"""Slots of a neighbourhood, at least."""

SEED = 1
"""Of the order of sessions: any will do, the same request gets the same plan."""


def neighbourhoods(horizon: Horizon) -> Iterator[NDArray[np.bool_]]:
    """Which slots are open, endlessly; of a site that has slots."""
    sessions, steps = np.unique(horizon.slots.need), np.unique(horizon.slots.step)
    shuffled = cycle(np.random.default_rng(SEED).permutation(sessions).tolist())
    in_order = cycle(steps.tolist())
    while True:
        yield _open(horizon.slots.need, shuffled, len(sessions))
        yield _open(horizon.slots.step, in_order, len(steps))


def _open(group: Ints, members: Iterator[int], count: int) -> NDArray[np.bool_]:
    """Slots of the next groups, until there are enough of them."""
    free = np.zeros(len(group), dtype=np.bool_)
    for _ in range(count):
        free |= group == next(members)
        if free.sum() >= OPEN_SLOTS:
            break
    return free
