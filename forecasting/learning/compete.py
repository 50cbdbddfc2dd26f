"""Who serves: contenders are compared by what they lost lately, and the simple one keeps its place until beaten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MIN_COMPARISONS = 20


def leader(losses: Mapping[str, Sequence[float]], incumbent: str, margin: float = 0.0) -> str:
    """Name of the contender with the lowest mean recent loss; `incumbent` unless another is better by `margin` (a share).

    A contender with fewer than MIN_COMPARISONS losses cannot take over. Losses must be of the same forecasts.
    """
    means = {name: sum(lost) / len(lost) for name, lost in losses.items() if len(lost) >= MIN_COMPARISONS}
    if incumbent not in means:
        return incumbent
    best = min(means, key=lambda name: means[name])
    return best if means[best] < means[incumbent] * (1.0 - margin) else incumbent
