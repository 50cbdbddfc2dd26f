"""The steps of a plan: short at first, then longer, on the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from cpms.domain.time import Interval
from tests.benchmarks.acn.data import PERIOD_S, instant

LENGTHS = ((12, 3), (36, 6))
"""(until, length): up to so many periods ahead steps are so long [periods of 5 min]; COARSE ones after."""
COARSE = 12
FINE = LENGTHS[-1][0]
"""So far ahead a plan's steps are cut at departures [periods]."""


def steps_until(start: datetime, now: int, departures: Sequence[int]) -> tuple[Interval, ...]:
    """Quarter hours for an hour, half hours until three, hours later, from period `now` to the mark at or after the last departure;
    cut at those within three hours, as who leaves within a step would take room until its end."""
    edges = [now]
    while edges[-1] < max(departures):
        length = next((length for until, length in LENGTHS if edges[-1] - now < until), COARSE)
        edges.append(edges[-1] + length - edges[-1] % length)
    near = [departure for departure in departures if departure - now <= FINE]
    return tuple(Interval(instant(start, a), instant(start, b)) for a, b in pairwise(sorted({*edges, *near})))


def mean_over(per_period: Sequence[float], start: datetime, steps: Sequence[Interval]) -> tuple[float, ...]:
    """Mean per step of a value per period."""
    edges = [round((s.starts_at.timestamp() - start.timestamp()) / PERIOD_S) for s in (*steps, steps[-1])]
    edges[-1] = round((steps[-1].ends_at.timestamp() - start.timestamp()) / PERIOD_S)
    return tuple(float(np.mean(per_period[a:b])) for a, b in pairwise(edges))
