"""Vehicles yet to come: likely rests of today, and what a kW of peak costs while most of the billing period is unknown.

What it knows are visits that ended by `now`; today is represented by the last days of its kind (working day or weekend), each as it
was, because a sum of averages has no peaks.
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
from forecasting.arrivals.visits import Floats, Visit, alike, by_day, moved, together
from forecasting.series import zone_of

UNLIKELY = 0.03
"""Days of less probability are left out."""

UNSEEN = 0.5
"""Arrivals added to what a day had seen, as nothing is impossible on a day that had seen none."""


@dataclass(frozen=True)
class Outlook:
    """What may be expected at `issued_at`: likely days, today's local date each, and the price of peak, ascending in both fields.
    `arrived`: how many had come that day by then."""

    issued_at: datetime
    likely_days: tuple[tuple[Visit, ...], ...]
    peak_prices: tuple[PeakPrice, ...]
    arrived: int = 0

    def likely(self, steps: Sequence[Interval], arrived: int) -> tuple[LikelyDay, ...]:
        """Rests of the day over a plan's steps, of visits that begin after the first one's start; those that are alike are one.

        `arrived`: how many vehicles have come today. The probability of a day is that of so many on it (Poisson), so a full morning
        makes full days likely.
        """
        now = steps[0].starts_at
        rests: dict[tuple[Coming, ...], float] = {}
        for day, probability in zip(self.likely_days, self._probabilities(now, arrived), strict=True):
            if probability >= UNLIKELY:
                rest = together([visit for visit in day if visit.arrives_at > now], steps)
                rests[rest] = rests.get(rest, 0.0) + float(probability)
        whole = sum(rests.values())
        return tuple(LikelyDay(probability / whole, rest) for rest, probability in rests.items())

    def _probabilities(self, now: datetime, arrived: int) -> Floats:
        """Of each likely day, given how many have come by `now`; they add to 1."""
        had = np.array([sum(visit.arrives_at <= now for visit in day) for day in self.likely_days]) + UNSEEN
        if not len(had):
            return had
        logs = arrived * np.log(had) - had
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum())


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
    likely = [moved(days[day], today, zone) for day in alike(days, today, PEAK_DAYS)]
    last = (billing_ends_at.astimezone(zone) - timedelta(microseconds=1)).date()
    prices = peak_prices(days, today, last, price_per_kw, expected_peak_kw, base)
    return Outlook(now, tuple(likely), prices, arrived)
