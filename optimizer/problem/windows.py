"""Demand windows: the weights with which steps make up the mean power that a demand charge is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import DemandPrice
from cpms.domain.time import Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DemandWindows:
    """`weight[w, t]`: share of step t in the mean of window w (rows sum to 1). Windows lie at whole multiples of `window_s` since the
    epoch; steps longer than a window stand for all the windows in them."""

    price: DemandPrice
    weight: Floats

    def peak_kw(self, net_kw: Floats) -> float:
        """Highest window mean [kW] of net import per step, at least the peak so far."""
        return max(self.price.peak_so_far_kw, self.highest_kw(net_kw))

    def highest_kw(self, net_kw: Floats) -> float:
        """Highest window mean [kW] of net import per step, 0 where nothing is drawn."""
        return float(max([0.0, *(self.weight @ net_kw)]))


def demand_windows(price: DemandPrice, steps: Sequence[Interval]) -> DemandWindows:
    """Windows of a demand price over the steps it applies to."""
    overlap_s: dict[int, dict[int, float]] = {}
    for t, step in enumerate(steps):
        if price.applies[t]:
            for window, shared_s in _overlaps_s(step, price.window_s):
                overlap_s.setdefault(window, {})[t] = shared_s
    rows = list(dict.fromkeys(tuple(_shares(parts).items()) for parts in overlap_s.values()))
    weight = np.zeros((len(rows), len(steps)))
    for w, row in enumerate(rows):
        for t, share in row:
            weight[w, t] = share
    return DemandWindows(price, weight)


def _overlaps_s(step: Interval, window_s: int) -> list[tuple[int, float]]:
    """Windows that a step touches, with the seconds they share."""
    starts_s, ends_s = step.starts_at.timestamp(), step.ends_at.timestamp()
    first, last = int(starts_s // window_s), int(-(-ends_s // window_s))
    return [
        (window, min(ends_s, (window + 1) * window_s) - max(starts_s, window * window_s))
        for window in range(first, last)
    ]


def _shares(parts: dict[int, float]) -> dict[int, float]:
    whole = sum(parts.values())
    return {t: round(seconds / whole, 9) for t, seconds in parts.items()}
