"""Vehicles yet to come: likely days for the rest of today, and what a kW of peak costs while most of the month is unknown.

No parameter is fitted to a site at run time; `WITHOUT_FORESIGHT` and the smoothing were chosen on one garage's half year.
What it knows are visits that ended by `now`; a day is represented by the last days
of its kind (working day or weekend), each as it was, because a sum of averages has no peaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import DemandPrice, LikelyDay
from cpms.domain.time import Interval, require_aware
from forecasting.series import zone_of

LIKELY_DAYS = 6
"""Days of the same kind that stand for the rest of today."""

PEAK_DAYS = 10
"""Days of the same kind whose least peaks stand for the days to come."""

ENOUGH_DAYS = 3
"""Days of the same kind from which on history speaks louder than `expected_peak_kw`."""

WITHOUT_FORESIGHT = 1.15
"""A day's peak when vehicles become known one by one, against the least one in hindsight."""

LOOK_BACK_DAYS = 60
SILVERMAN = 1.06
LEAST_SPREAD = 0.1
"""Days differ at least by so much [log kW], however alike the few seen are."""

LEVELS = 400
PRICE_BANDS = 20
NEGLIGIBLE_KW = 1e-3
WEEKEND = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Visit:
    """A vehicle's stay, past or possible: what it takes [kWh] and the most it can draw [kW]."""

    arrives_at: datetime
    departs_at: datetime
    energy_kwh: float
    max_kw: float

    def __post_init__(self) -> None:
        require_aware(self.arrives_at, "arrives_at")
        require_aware(self.departs_at, "departs_at")
        if not self.departs_at > self.arrives_at:
            raise InvalidInput("departs_at", f"{self.departs_at} is not after the arrival", "leave the visit out")
        if not (self.energy_kwh >= 0 and self.max_kw > 0):
            raise InvalidInput(
                "energy_kwh, max_kw",
                f"{self.energy_kwh} kWh at {self.max_kw} kW",
                "give at least 0 kWh and more than 0 kW",
            )


@dataclass(frozen=True)
class PeakPrice:
    """From `above_kw` [kW] on (up to the next one's), a kW more of the site's peak costs `price_per_kw`."""

    above_kw: float
    price_per_kw: float


@dataclass(frozen=True)
class Outlook:
    """What may be expected at `issued_at`: equally likely rests of the day, and the price of peak, ascending in both fields."""

    issued_at: datetime
    likely_days: tuple[tuple[Visit, ...], ...]
    peak_prices: tuple[PeakPrice, ...]

    def still_to_come(self, now: datetime) -> tuple[tuple[Visit, ...], ...]:
        """Each likely day's visits that begin after `now`."""
        return tuple(tuple(visit for visit in day if visit.arrives_at > now) for day in self.likely_days)

    def likely(self, steps: Sequence[Interval]) -> tuple[LikelyDay, ...]:
        """The likely days over a plan's steps, of visits that begin after the first one's start; days that are alike are one."""
        groups = Counter(together(day, steps) for day in self.still_to_come(steps[0].starts_at))
        return tuple(replace(day, probability=count / len(self.likely_days)) for day, count in groups.items())


def outlook(
    history: Sequence[Visit],
    now: datetime,
    billing_ends_at: datetime,
    timezone: str,
    price_per_kw: float,
    expected_peak_kw: float | None = None,
) -> Outlook:
    """The view at `now` of the rest of the local day and of the days until `billing_ends_at` (a site-local midnight).

    `history`: visits in any order; only those that ended by `now` and began on an earlier local day are looked at.
    `price_per_kw`: the demand charge. `expected_peak_kw`: what is believed of the peak [kW] before there is any history.
    InvalidInput for an unknown zone or naive instants.
    """
    require_aware(now, "now")
    require_aware(billing_ends_at, "billing_ends_at")
    zone = zone_of(timezone)
    today = now.astimezone(zone).date()
    days = by_day([visit for visit in history if visit.departs_at <= now], zone)
    likely = [_moved(days[day], day, today, zone) for day in alike(days, today, LIKELY_DAYS)]
    last = (billing_ends_at.astimezone(zone) - timedelta(microseconds=1)).date()
    return Outlook(now, tuple(likely), peak_prices(days, today, last, price_per_kw, expected_peak_kw))


def demand_price(
    prices: Sequence[PeakPrice], peak_so_far_kw: float, applies: tuple[bool, ...], window_s: int = 900
) -> DemandPrice:
    """The prices of peak as a plan request takes them: what is below the peak so far [kW] is paid."""
    rises = tuple((price.above_kw, price.price_per_kw) for price in prices[1:])
    return DemandPrice(prices[0].price_per_kw, peak_so_far_kw, applies, window_s, rises)


def together(visits: Sequence[Visit], steps: Sequence[Interval]) -> LikelyDay:
    """Visits taken together, as a certain day: the least and the most energy [kWh] they can have taken by the end of each step, and
    the most they can draw [kW] in it."""
    edges_h = np.array([steps[0].starts_at.timestamp(), *(step.ends_at.timestamp() for step in steps)])[:, None] / 3600
    arrive_h, depart_h, energy_kwh, max_kw = _columns(visits)
    present_h = np.clip(np.minimum(edges_h, depart_h) - arrive_h, 0, None)
    left_h = np.clip(depart_h - np.maximum(edges_h, arrive_h), 0, None)
    can_kwh = np.minimum(energy_kwh, max_kw * (depart_h - arrive_h))
    least_kwh = np.clip(can_kwh - max_kw * left_h, 0, None).sum(axis=1)
    most_kwh = np.minimum(can_kwh, max_kw * present_h).sum(axis=1)
    most_kw = (max_kw * np.diff(present_h, axis=0)).sum(axis=1) / np.diff(edges_h[:, 0])
    return LikelyDay(1.0, tuple(least_kwh[1:].tolist()), tuple(most_kwh[1:].tolist()), tuple(most_kw.tolist()))


def _columns(visits: Sequence[Visit]) -> tuple[Floats, Floats, Floats, Floats]:
    """Arrivals and departures [h since the epoch], energies [kWh] and highest powers [kW]."""
    rows = [(v.arrives_at.timestamp() / 3600, v.departs_at.timestamp() / 3600, v.energy_kwh, v.max_kw) for v in visits]
    table = np.array(rows).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def by_day(visits: Sequence[Visit], zone: ZoneInfo) -> dict[date, tuple[Visit, ...]]:
    """Visits by the local date of their arrival."""
    days: dict[date, list[Visit]] = {}
    for visit in visits:
        days.setdefault(visit.arrives_at.astimezone(zone).date(), []).append(visit)
    return {day: tuple(members) for day, members in days.items()}


def alike(days: Mapping[date, object], day: date, count: int) -> list[date]:
    """The last `count` of `days` before `day` of its kind (working day or weekend), latest first."""
    before = (day - timedelta(days=back) for back in range(1, LOOK_BACK_DAYS + 1))
    return [other for other in before if other in days and _weekend(other) == _weekend(day)][:count]


def peak_prices(
    days: Mapping[date, Sequence[Visit]],
    today: date,
    last: date,
    price_per_kw: float,
    expected_peak_kw: float | None = None,
) -> tuple[PeakPrice, ...]:
    """What a kW of peak costs today, level by level: the demand charge times the chance that no later day needs that level anyway.

    With F the distribution of the least peaks of recent days of a kind, price(P) = price_per_kw * product over the days from
    tomorrow to `last` of F(P): the newsvendor's rule for the highest of several days. F is smoothed by a log-normal kernel of
    Silverman's width, as the highest of twenty days to come lies above ten seen. In bands of 5 %. Nothing to come, or nothing
    known: the full price from 0.
    """
    if expected_peak_kw is not None and len(alike(days, today, ENOUGH_DAYS)) < ENOUGH_DAYS and today < last:
        return (PeakPrice(0.0, 0.0), PeakPrice(expected_peak_kw, price_per_kw))
    to_come = [today + timedelta(days=ahead) for ahead in range(1, (last - today).days + 1)]
    needed = [_needed_kw(days, today, weekend) for weekend in (False, True)]
    counts = [sum(_weekend(day) == weekend for day in to_come) for weekend in (False, True)]
    highest = max(
        (float(peaks.max()) for peaks, count in zip(needed, counts, strict=True) if len(peaks) and count), default=0.0
    )
    levels = np.linspace(0.0, 4 * highest, LEVELS) if highest else np.zeros(1)
    chance = np.ones(len(levels))
    for peaks, count in zip(needed, counts, strict=True):
        if len(peaks):
            chance *= _chance_below(levels, peaks) ** count
    chance[-1] = 1.0  # nobody expects four times the highest
    return _bands_of(levels, chance, price_per_kw)


def least_peak_kw(visits: Sequence[Visit]) -> float:
    """The least peak [kW] at which all `visits` get their energy, known in hindsight.

    The highest, over intervals from an arrival to a departure, of the energy that cannot be had outside of it per hour: what a
    vehicle would still lack after drawing its most before and after. (A bound that is met but for rare ties of several intervals.)
    """
    if not visits:
        return 0.0
    arrive_h, depart_h, energy_kwh, max_kw = _columns(visits)
    highest = 0.0
    for start_h in np.unique(arrive_h):
        end_h = np.unique(depart_h[depart_h > start_h])
        before_h = np.clip(np.minimum(start_h, depart_h) - arrive_h, 0, None)
        after_h = np.clip(depart_h - np.maximum(end_h[:, None], arrive_h), 0, None)
        inside_kwh = np.clip(energy_kwh - max_kw * (before_h + after_h), 0, None).sum(axis=1)
        highest = max(highest, float((inside_kwh / (end_h - start_h)).max()))
    return highest


def _needed_kw(days: Mapping[date, Sequence[Visit]], today: date, weekend: bool) -> Floats:
    """Peaks [kW] that recent days of a kind would have needed without foresight."""
    ahead = (today + timedelta(days=n) for n in range(7))
    like = next(day for day in ahead if _weekend(day) == weekend)
    recent = [day for day in alike(days, like, PEAK_DAYS) if day < today]
    return WITHOUT_FORESIGHT * np.array([least_peak_kw(days[day]) for day in recent])


def _chance_below(levels: Floats, peaks: Floats) -> Floats:
    """Distribution function at `levels` [kW] of a smoothed sample of `peaks` [kW]."""
    logs = np.log(np.maximum(peaks, NEGLIGIBLE_KW))
    width = SILVERMAN * max(float(logs.std()), LEAST_SPREAD) * len(peaks) ** -0.2
    return ndtr((np.log(np.maximum(levels, NEGLIGIBLE_KW))[:, None] - logs) / width).mean(axis=1)  # type: ignore[no-any-return]


def _bands_of(levels: Floats, chance: Floats, price_per_kw: float) -> tuple[PeakPrice, ...]:
    """The chance's bands as prices, each from the level where it begins."""
    bands = np.round(chance * PRICE_BANDS) / PRICE_BANDS
    changes = np.flatnonzero(np.diff(bands, prepend=np.nan) != 0)
    return tuple(PeakPrice(float(levels[i]), float(bands[i]) * price_per_kw) for i in changes)


def _moved(visits: Sequence[Visit], day: date, today: date, zone: ZoneInfo) -> tuple[Visit, ...]:
    """Visits of `day` at the same local times of `today`."""
    moved = []
    for visit in visits:
        clock = visit.arrives_at.astimezone(zone).time()
        arrives_at = datetime.combine(today, clock, zone).astimezone(visit.arrives_at.tzinfo)
        stay = visit.departs_at - visit.arrives_at
        moved.append(Visit(arrives_at, arrives_at + stay, visit.energy_kwh, visit.max_kw))
    return tuple(moved)


def _weekend(day: date) -> bool:
    return day.weekday() >= WEEKEND
