"""Windows that a demand charge is taken on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


def highest_kw(
    measured: Sequence[tuple[datetime, float]], from_at: datetime, until_at: datetime, window_s: int
) -> float:
    """The highest mean [kW] of windows of `window_s` [s] from one instant to another, 0 where nothing was measured.

    `measured`: means [kW] of quarter hours by their start.
    """
    windows: dict[int, list[float]] = {}
    for at, kw in measured:
        if from_at <= at < until_at:
            windows.setdefault(int(at.timestamp()) // window_s, []).append(kw)
    return max((sum(kws) / len(kws) for kws in windows.values()), default=0.0)
