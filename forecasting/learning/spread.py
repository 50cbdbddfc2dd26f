"""How far bands are spread around their middle: each end follows what lay outside of it lately, at a pace that the past chooses.

An end moves away with every value outside and a little nearer with every value inside (adaptive conformal inference, Gibbs and
Candes 2021, per side). A day's values count as one: they miss together, a site with fourteen sessions a day learns as fast as one with
one, and bands are renewed once a day. Paces are followed side by side, and of those that have lost no more than the best and one
standard error of its mean loss the fastest serves (the one standard error rule, Breiman, Friedman, Olshen and Stone 1984, section
3.4.3): nobody says beforehand how fast a site's world changes, and where the past does not tell either, being late costs most.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from forecasting.score import missed
from forecasting.series import Floats

BAND_SHARE = 0.8
OUTSIDE = (1.0 - BAND_SHARE) / 2.0
"""What may lie on each side of a band."""

BAND: Floats = np.array([OUTSIDE, 1.0 - OUTSIDE])
PACES_PER_DAY: Floats = np.array([0.03, 0.06, 0.12, 0.25])
"""How far a day of values that all lie outside of their bands moves the next ones, whatever their number. Faster ones made bands that
tremble and hold less: found on day-ahead prices of 2017 and 2018, which no figure is reported of."""

WIDEST, NARROWEST = 1.0 / BAND_SHARE, 0.5


@dataclass(frozen=True)
class Spread:
    """How far bands must reach from their middle, below and above, as multiples of how far they say."""

    below: float = 1.0
    above: float = 1.0

    def of(self, away: Floats) -> Floats:
        """Distances from the middle, negative below it, spread."""
        return np.asarray(np.where(away < 0.0, self.below, self.above) * away)


AS_SAID = Spread()


@dataclass(frozen=True)
class Paced:
    """Spreads at every one of PACES_PER_DAY after some days, and what each has lost: sums over `count` days, and of squares.

    `widest`: no band is spread further.
    """

    widest: float = WIDEST
    below: Floats = field(default_factory=lambda: np.ones(len(PACES_PER_DAY)))
    above: Floats = field(default_factory=lambda: np.ones(len(PACES_PER_DAY)))
    count: int = 0
    lost: Floats = field(default_factory=lambda: np.zeros(len(PACES_PER_DAY)))
    squared: Floats = field(default_factory=lambda: np.zeros(len(PACES_PER_DAY)))

    def after(self, missed_below: Floats, missed_above: Floats, lost: Floats) -> Paced:
        """One day later. `missed_*`: the parts of it (0 to 1) that lay outside of each pace's band; `lost`: by each pace."""
        below, above = (
            np.minimum(self.widest, np.maximum(NARROWEST, reach * np.exp(PACES_PER_DAY * (missed - OUTSIDE))))
            for reach, missed in ((self.below, missed_below), (self.above, missed_above))
        )
        count, lost_so_far, squared = self.count + 1, self.lost + lost, self.squared + lost * lost
        return Paced(self.widest, below, above, count, lost_so_far, squared)

    def met(self, lowest: Floats, highest: Floats) -> Paced:
        """After a day whose values, one or more, met their forecasts from levels `lowest` to `highest` (see `score.missed`)."""
        first, last = (_asked_for(levels[:, None], self.below, self.above) for levels in (lowest, highest))
        low, high = (0.5 + sign * (0.5 - OUTSIDE) * reach for sign, reach in ((-1.0, self.below), (1.0, self.above)))
        lost = (ends_loss(low, high, lowest[:, None]) + ends_loss(low, high, highest[:, None])) / 2.0
        return self.after(*(np.add.reduce(told, axis=0) / len(lowest) for told in (*missed(first, last), lost)))

    @property
    def spread(self) -> Spread:
        """The one that serves."""
        best = int(np.argmin(self.lost))
        count = max(self.count, 1)
        mean = self.lost[best] / count
        error = np.sqrt(max(self.squared[best] / count - mean**2, 0.0) / count)
        fastest = int(np.flatnonzero(self.lost / count <= mean + error)[-1])
        return Spread(float(self.below[fastest]), float(self.above[fastest]))


def _asked_for(levels: Floats, below: Floats, above: Floats) -> Floats:
    """The levels for which `levels` are asked once bands are spread: the inverse of `widened`, which piles up at 0 and 1."""
    asked = 0.5 + (levels - 0.5) / np.where(levels < 0.5, below, above)
    return np.asarray(np.where(levels <= 0.0, 0.0, np.where(levels >= 1.0, 1.0, asked)))


def widened(levels: Floats, spread: Spread) -> Floats:
    """`levels` moved away from the middle by `spread`; never out of 0 to 1."""
    return np.clip(0.5 + spread.of(levels - 0.5), 0.0, 1.0)


def ends_loss(low: Floats, high: Floats, came: Floats | float) -> Floats:
    """Pinball loss of both ends of bands."""
    return np.asarray(
        np.maximum(OUTSIDE * (came - low), (OUTSIDE - 1.0) * (came - low))
        + np.maximum((1.0 - OUTSIDE) * (came - high), -OUTSIDE * (came - high))
    )
