"""Forecasts made again as they would have been at past instants, and scored against what came.

What serves is what competes: the very functions that forecast tomorrow are handed what was known at each past issue.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cpms.domain.forecast import Forecast
from cpms.domain.time import Interval, floor_time
from forecasting.learning.learn import LEVELS
from forecasting.score import crps
from forecasting.series import Floats, Measurement

STEP_S = 900
HELD_OUT = timedelta(days=21)
"""The last days, which no contender has learned from."""

ISSUE_EVERY = timedelta(hours=13)
"""So that issues fall on every hour of the day."""

LEADS = tuple(timedelta(minutes=15) + timedelta(hours=2) * n for n in range(24))
CONTEST_LEVELS = LEVELS

Issue = Callable[[Sequence[Measurement], Sequence[Interval], datetime], Forecast]
"""A forecast from a history (oldest first, of the instants before the issue only) for intervals, at an instant."""


@dataclass(frozen=True)
class Standing:
    """Mean CRPS over `count` forecasts; those of which every contender says exactly 0 and 0 comes do not count."""

    crps: float
    count: int


def compete(
    contenders: Mapping[str, Issue], measured: Sequence[Measurement], window: timedelta, now: datetime
) -> dict[str, Standing]:
    """Each contender over the days held out before `now`. `measured`: means of quarter hours [kW], stamped in their middle,
    oldest first; a contender sees those of `window` before each issue."""
    actual_kw = {floor_time(instant, STEP_S): kw for instant, kw in measured}
    stamps = [instant for instant, _ in measured]
    losses: dict[str, list[Floats]] = {name: [] for name in contenders}
    issued_at = floor_time(now - HELD_OUT, STEP_S)
    while issued_at < now:
        intervals = [_quarter(issued_at + lead) for lead in LEADS if issued_at + lead in actual_kw]
        known = measured[bisect_left(stamps, issued_at - window) : bisect_left(stamps, issued_at)]
        if intervals and known:
            came_kw = np.array([actual_kw[interval.starts_at] for interval in intervals])
            made = {name: np.array(issue(known, intervals, issued_at).values) for name, issue in contenders.items()}
            alive = (came_kw != 0.0) | np.any([values.any(axis=1) for values in made.values()], axis=0)
            for name, values in made.items():
                losses[name].append(crps(np.array(CONTEST_LEVELS), values[alive], came_kw[alive]))
        issued_at += ISSUE_EVERY
    return {name: standing(np.concatenate([*lost, np.zeros(0)])) for name, lost in losses.items()}


def standing(losses: Floats) -> Standing:
    """The mean of `losses`."""
    return Standing(float(losses.mean()) if len(losses) else float("nan"), len(losses))


def _quarter(starts_at: datetime) -> Interval:
    return Interval(starts_at, starts_at + timedelta(seconds=STEP_S))
