"""Steps that are as long as nothing changes: short at first, and never across a departure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.acn.data import PERIODS_PER_HOUR
from tests.benchmarks.acn.program import Floats, Ints

FINE_PERIODS = 3
COARSE_PERIODS = 6
FINE_UNTIL = 12


@dataclass(frozen=True)
class Steps:
    """Consecutive steps: `edges` [periods from now], one more than there are steps."""

    edges: Ints

    @classmethod
    def until_departures(cls, now: int, departures: Iterable[int]) -> Steps:
        """Quarter hours for an hour, half hours later, on the clock, cut at every departure [periods from now]."""
        ends = np.unique(np.array(list(departures)))
        edges = [0]
        while edges[-1] < ends[-1]:
            length = FINE_PERIODS if edges[-1] < FINE_UNTIL else COARSE_PERIODS
            edges.append(edges[-1] + length - (now + edges[-1]) % length)
        return cls(np.unique(np.concatenate([np.minimum(edges, ends[-1]), ends])))

    @property
    def count(self) -> int:
        return len(self.edges) - 1

    @property
    def periods(self) -> Ints:
        return np.diff(self.edges)

    @property
    def hours(self) -> Floats:
        return self.periods / PERIODS_PER_HOUR

    @property
    def earliness(self) -> Floats:
        """1 for the first step, falling to 0 at the end."""
        return 1 - self.edges[:-1] / self.edges[-1]

    def overlap(self, begin: float, end: float) -> tuple[Ints, Floats]:
        """The steps that share time with `[begin, end)`, and which share of each."""
        shared = np.minimum(self.edges[1:], end) - np.maximum(self.edges[:-1], begin)
        places = np.flatnonzero(shared > 0)
        return places, shared[places] / self.periods[places]

    def mean(self, series: Floats) -> Floats:
        """Mean per step of a value per period."""
        return np.add.reduceat(series[: self.edges[-1]], self.edges[:-1]) / self.periods
