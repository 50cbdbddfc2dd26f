"""Vehicles yet to come: how today may go on, and what a kW of peak costs while most of the billing period is unknown.

What it knows are visits that ended by `now`. The rest of today is told twice. The usual one is the mean of the last days of its kind
(working day or weekend), whose vehicles count as fractions: it says how much there is to do. The busy one is a day as it was, with its
short stays, because a mean has no peaks: it says for what room is worth keeping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cpms.domain.peak_price import PeakPrice
from cpms.domain.plan import Coming, LikelyDay
from cpms.domain.time import Interval, require_aware
from forecasting.arrivals.base import NO_BASE, Base
from forecasting.arrivals.peak_prices import PEAK_DAYS, peak_prices
from forecasting.arrivals.visits import Floats, Visit, alike, by_day, due_kwh, moved, together
from forecasting.series import zone_of

LIKELY_DAYS = 20
"""Days of the same kind, four working weeks: enough to tell a busy one. The usual one is that of the last PEAK_DAYS of them."""

BUSY = 0.1
"""How likely the busy rest is, which is the mildest of so large a part of the days: one in ten is at least as busy."""

UNLIKELY = 0.03
"""Days of less probability are left out of the mean."""

UNSEEN = 0.5
"""Arrivals added to what a day had seen, as nothing is impossible on a day that had seen none."""


@dataclass(frozen=True)
class Outlook:
    """What may be expected at `issued_at`: likely days, latest first, moved to today's local date, and the price of peak, ascending in
    both fields. `arrived`: how many had come that day by then."""

    issued_at: datetime
    likely_days: tuple[tuple[Visit, ...], ...]
    peak_prices: tuple[PeakPrice, ...]
    arrived: int = 0

    def likely(self, steps: Sequence[Interval], arrived: int) -> tuple[LikelyDay, ...]:
        """The usual and the busy rest of the day over a plan's steps, of visits that begin after the first one's start; one if alike.

        A peak is paid for a whole month, and waiting for a cheaper hour saves little: at its small probability the busy rest makes a
        plan keep room where that is cheap, and raise no peak for it. `arrived`: how many vehicles have come today.
        """
        now, until = steps[0].starts_at, steps[-1].ends_at
        rests = [[visit for visit in day if visit.arrives_at > now] for day in self.likely_days]
        if not rests:
            return ()
        usual = self._usual(rests, steps, arrived)
        busy = together(_busy(rests, until), steps)
        return (LikelyDay(1.0 - BUSY, usual), LikelyDay(BUSY, busy)) if usual != busy else (LikelyDay(1.0, usual),)

    def _usual(self, rests: Sequence[Sequence[Visit]], steps: Sequence[Interval], arrived: int) -> tuple[Coming, ...]:
        """The mean of the latest likely days' rests, each weighed by how probable so many arrivals were on it."""
        probabilities = self._probabilities(steps[0].starts_at, arrived)
        weighed = [(p, rest) for p, rest in zip(probabilities.tolist(), rests, strict=False) if p]
        shares = [p for p, rest in weighed for _ in rest]
        return together([visit for _, rest in weighed for visit in rest], steps, shares)

    def _probabilities(self, now: datetime, arrived: int) -> Floats:
        """Of the latest likely days, by how probable so many arrivals by `now` were on them (Poisson): a full morning makes full days
        likely. They add to 1."""
        latest = self.likely_days[:PEAK_DAYS]
        had = np.array([sum(visit.arrives_at <= now for visit in day) for day in latest]) + UNSEEN
        logs = arrived * np.log(had) - had
        weights = np.exp(logs - logs.max())
        likely = np.where(weights >= UNLIKELY * weights.sum(), weights, 0.0)
        return np.asarray(likely / likely.sum())


def _busy(rests: Sequence[Sequence[Visit]], until: datetime) -> Sequence[Visit]:
    """The mildest of the busiest BUSY of rests, by the energy that cannot wait for later than `until`."""
    place = max(1, round(BUSY * len(rests)))
    return sorted(rests, key=lambda rest: due_kwh(rest, until), reverse=True)[place - 1]


def outlook(
    history: Sequence[Visit],
    now: datetime,
    billing_ends_at: datetime,
    timezone: str,
    price_per_kw: float,
    expected_peak_kw: float | None = None,
    base: Base = NO_BASE,
    arrived: int = 0,
) -> Outlook:
    """The view at `now` of the rest of the local day and of the days until `billing_ends_at` (a site-local midnight).

    `history`: visits in any order; only those that ended by `now` and began on an earlier local day are looked at.
    `base`: what flowed beside them; a day of which it is known is one on which nobody came, if nobody did.
    `price_per_kw`: the demand charge. `expected_peak_kw`: what is believed of the peak [kW] before there is any history.
    InvalidInput for an unknown zone or naive instants.
    """
    require_aware(now, "now")
    require_aware(billing_ends_at, "billing_ends_at")
    zone = zone_of(timezone)
    today = now.astimezone(zone).date()
    came = by_day([visit for visit in history if visit.departs_at <= now], zone)
    days = {day: came.get(day, ()) for day in {*base.days, *came}}
    likely = [moved(days[day], today, zone) for day in alike(days, today, LIKELY_DAYS)]
    last = (billing_ends_at.astimezone(zone) - timedelta(microseconds=1)).date()
    prices = peak_prices(days, today, last, price_per_kw, expected_peak_kw, base)
    return Outlook(now, tuple(likely), prices, arrived)
