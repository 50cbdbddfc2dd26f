"""Bands that hold what they promise: levels moved by how past forecasts came out.

Where in its forecast distribution did each past value fall? If those positions (probability integral transforms) are not
uniform, the level to ask for is their own quantile at the level wanted (Kuleshov, Fenner and Ermon 2018; Chernozhukov et al.
2021 for the conformal guarantee). The positions are a rolling window, so the correction follows drift.

A value that is certain to some degree (a load that is often 0) is met over a range of levels: its position is known as that of
something that failed between two visits is. It is spread over its range as all positions are (the self-consistent estimate from
interval-censored data, Turnbull 1976): spread evenly, what is idle more often than forecast would correct too little.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from forecasting.learning.spread import AS_SAID, BAND_SHARE, Paced, Spread, widened
from forecasting.series import Floats, Ints

HOLDOUT_ROWS = 600.0
"""What the positions held out in training weigh, in recent rows: of a season or so ago, but out of sample from the first day."""

FEEDBACK = 1.2
GOLDEN = 0.6180339887498949
SETTLING = 4
"""Rounds after which positions of what is certain to some degree no longer move by what could be seen."""

MIN_POSITIONS = 40
"""Fewer say less about the tails than the model does."""


Meetings = tuple[Floats, Floats]
"""Lowest and highest levels at which values are met: apart where a quantile function is flat."""


def with_tails(
    levels: Floats, quantiles: Floats, low: float, high: float, reach: float = 0.5, inner: int = 2
) -> tuple[Floats, Floats]:
    """Levels 0 and 1 added: tails `reach` times as long as the outermost quantile is from the `inner`th after it, inside
    `[low, high]`."""
    bottom = quantiles[:, 0] - reach * (quantiles[:, inner] - quantiles[:, 0])
    top = quantiles[:, -1] + reach * (quantiles[:, -1] - quantiles[:, -1 - inner])
    bottom, top = np.maximum(low, bottom), np.minimum(high, top)
    columns = [np.minimum(quantiles[:, 0], bottom), quantiles, np.maximum(quantiles[:, -1], top)]
    return np.concatenate([[0.0], levels, [1.0]]), np.column_stack(columns)


def positions(levels: Floats, quantiles: Floats, actual: Floats) -> Floats:
    """Level at which each row's quantile function meets `actual`. Levels reach from 0 to 1.

    Values on a flat piece (a load that is always 0 at night) are spread evenly over its levels, always the same way: the
    randomized transform of discrete distributions (Czado, Gneiting and Held 2009) without the chance.
    """
    return _between(*meetings(levels, quantiles, actual))


def _between(lowest: Floats, highest: Floats) -> Floats:
    return np.asarray(lowest + (np.arange(len(lowest)) * GOLDEN + 0.5) % 1.0 * (highest - lowest))


def settled(met: Meetings, holdout: Floats) -> Floats:
    """Positions of values that were `met` so: those certain to some degree are spread over their levels as they and all others are,
    together with the positions `holdout`."""
    lowest, highest = met
    where, flat = _between(lowest, highest), highest > lowest
    for _ in range(SETTLING if flat.any() else 0):
        past = pool(where, holdout)
        reached, ascending = _reached(past)
        where = np.where(flat, np.interp(_between(*reached_ends(past, met)), reached, ascending), where)
    return np.asarray(where)


def meetings(levels: Floats, quantiles: Floats, actual: Floats) -> Meetings:
    """The lowest and the highest level at which each row's quantile function meets `actual`."""
    return (
        _level_at(levels, quantiles, actual, (quantiles < actual[:, None]).sum(axis=1)),
        _level_at(levels, quantiles, actual, (quantiles <= actual[:, None]).sum(axis=1)),
    )


def _level_at(levels: Floats, quantiles: Floats, actual: Floats, reached: Ints) -> Floats:
    """The level at which each row meets `actual`, of which it has left behind the first `reached` quantiles."""
    right = np.clip(reached, 1, len(levels) - 1)
    rows = np.arange(len(actual))
    start, end = quantiles[rows, right - 1], quantiles[rows, right]
    share = np.clip((actual - start) / np.where(end > start, end - start, 1.0), 0.0, 1.0)
    met = levels[right - 1] + share * (levels[right] - levels[right - 1])
    return np.where(reached == len(levels), levels[-1], met)


@dataclass(frozen=True)
class Past:
    """Positions of past values in their forecasts, the weight of each, and how far bands must be spread (see `spread_of`)."""

    positions: Floats
    weights: Floats
    spread: Spread = AS_SAID


def pool(recent: Floats, holdout: Floats) -> Past:
    """Recent positions, and held-out ones from training that together weigh as much as HOLDOUT_ROWS of them."""
    weights = np.concatenate([np.ones(len(recent)), np.full(len(holdout), HOLDOUT_ROWS / max(1, len(holdout)))])
    return Past(np.concatenate([recent, holdout]), weights)


def lessons(recent: Meetings, holdout: Floats, days: Ints) -> Past:
    """`pool` of where values were met in order of `days`, and the spread that these have shown to be needed."""
    return replace(pool(settled(recent, holdout), holdout), spread=spread_of(recent, holdout, days))


def corrected_levels(wanted: Floats, past: Past, covered: float = BAND_SHARE) -> Floats:
    """Levels to ask for so that `wanted` come out; `wanted` itself while the past is too short.

    `covered`: share of the last days' values that lay in their corrected band of BAND_SHARE. Where it falls short, levels are
    spread further (the proportional part of conformal PID control, Angelopoulos, Candes and Tibshirani 2023).
    """
    if len(past.positions) < MIN_POSITIONS:
        return wanted
    reached, ascending = _reached(past)
    further = FEEDBACK * (BAND_SHARE - covered)
    spread = Spread(past.spread.below + further, past.spread.above + further)
    return np.asarray(np.interp(widened(wanted, spread), reached, ascending))


def spread_of(recent: Meetings, holdout: Floats, days: Ints) -> Spread:
    """How far bands must be spread, from how each day's part of `recent` (in order of `days`, numbers) met the bands of its time;
    replayed from AS_SAID."""
    lowest, highest = recent
    paced, begins = Paced(), np.flatnonzero(np.diff(days, prepend=-1)).tolist()
    for begin, end in itertools.pairwise([*begins, len(lowest)]):
        if begin + len(holdout) >= MIN_POSITIONS:
            past = pool(settled((lowest[:begin], highest[:begin]), holdout), holdout)
            paced = paced.met(*reached_ends(past, (lowest[begin:end], highest[begin:end])))
    return paced.spread


def reached_levels(past: Past, where: Floats) -> Floats:
    """The share of the past that fell below each position of `where`: the level it has once forecasts are corrected by `past`."""
    reached, ascending = _reached(past)
    return np.asarray(np.interp(where, ascending, reached))


def reached_ends(past: Past, met: Meetings) -> Meetings:
    """The levels over which values that are `met` so are met by forecasts corrected by `past`: what all of a distribution lies above,
    or below, as often as the past has shown is as certain as that."""
    lowest, highest = met
    reached, ascending = _reached(past)
    return np.asarray(np.interp(-lowest, -ascending[::-1], reached[::-1])), reached_levels(past, highest)


def _reached(past: Past) -> tuple[Floats, Floats]:
    """Share of the past that fell below each of its positions, and the positions: from 0 to 1 and ascending both."""
    order = np.argsort(past.positions)
    weight = past.weights[order]
    reached = (np.cumsum(weight) - weight / 2) / weight.sum()
    return np.concatenate([[0.0], reached, [1.0]]), np.concatenate([[0.0], past.positions[order], [1.0]])
