"""Vehicles still to come today: their energy as a calibrated distribution, and equally likely rests of the day that add up to it.

What later arrivals of the day brought on days alike (weekday, holiday, recent), moved by how busy today has been so far. Both ends
of the band follow how earlier ones came out (adaptive conformal inference); a scenario is a recorded day whose energies are scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.time import require_aware
from forecasting.arrivals.visits import Visit, moved
from forecasting.calendar import EPOCH, PLAIN, Calendar
from forecasting.learning.spread import Paced, ends_loss
from forecasting.quantiles import DEFAULT_LEVELS, at_levels, require_levels, weighted_quantiles
from forecasting.score import FINE_LEVELS, missed
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, local_seconds, zone_of

LOOK_BACK_DAYS = 56
REVIEW_DAYS = 60
WIDEST = 4.0
"""How many times as far as days alike say a band may reach: a campus that closes is like no day before."""

PRIOR_ARRIVALS = 15.0
"""Arrivals so far today count n / (n + PRIOR_ARRIVALS) against those usual by now."""

LEVEL_DAYS = 3.0
"""How long [d] a day tells whether fewer come than used to (holidays of schools, a closed campus): its weight falls to 1/e."""

HOLE_DAYS = 14
HOLE_TIMES = 10.0
"""A record is silent, not the site, where it knows of nobody for longer than HOLE_DAYS and HOLE_TIMES as long as is usual, until
somebody comes again: an import that ends before the first day of service, an outage, a closed season."""

NEGLIGIBLE_KWH = 1e-6
SCENARIOS = 5
LOW, MIDDLE, HIGH = 9, 49, 89
"""Columns of the band's ends and of the median in FINE_LEVELS."""


@dataclass(frozen=True)
class ArrivalsToCome:
    """Energy [kWh] of the vehicles that come from `issued_at` to the end of the local day, as quantiles at `levels`, and equally
    likely `scenarios` of their visits whose energies are spread as the quantiles are."""

    issued_at: datetime
    levels: tuple[float, ...]
    energy_kwh: tuple[float, ...]
    scenarios: tuple[tuple[Visit, ...], ...]


def arrivals_to_come(
    history: Sequence[Visit],
    arrived_at: Sequence[datetime],
    now: datetime,
    timezone: str,
    levels: Sequence[float] = DEFAULT_LEVELS,
    calendar: Calendar = PLAIN,
) -> ArrivalsToCome:
    """The view at `now`. `history`: visits in any order, of which those that ended by `now` are looked at; `arrived_at`: when
    vehicles came that are still there.

    InvalidInput for an unknown zone, impossible levels or naive instants. Without history: 0 kWh and no scenarios.
    """
    require_aware(now, "now")
    wanted, zone = require_levels(levels), zone_of(timezone)
    book = _book([visit for visit in history if visit.departs_at <= now], arrived_at, now, zone)
    fine_kwh = _corrected(book, calendar)
    energy_kwh = tuple(float(kwh) for kwh in np.sort(at_levels(FINE_LEVELS, fine_kwh[None, :], wanted)[0]))
    return ArrivalsToCome(now, tuple(levels), energy_kwh, _scenarios(book, fine_kwh, calendar))


@dataclass(frozen=True)
class _Book:
    """What is known at `now_s` [s] (`local_s` on the wall clock): visits that ended, and when any began, on local time [s]."""

    now_s: int
    local_s: int
    zone: ZoneInfo
    visits: tuple[Visit, ...]
    began_s: Ints
    ended_s: Floats
    energy_kwh: Floats
    arrivals_s: Ints

    @property
    def first_day(self) -> int:
        """Number of the first local day anybody came."""
        return int(self.began_s.min(initial=self.local_s)) // DAY_S

    @cached_property
    def unknown_days(self) -> Ints:
        """Local days of which the record says nothing, though it knows of earlier and later ones."""
        visited = np.unique(self.arrivals_s // DAY_S)
        apart = np.diff(visited)
        longest = max(HOLE_DAYS, HOLE_TIMES * float(np.median(apart)) if len(apart) else 0.0)
        holes = np.flatnonzero(apart > longest)
        return np.concatenate(
            [np.zeros(0, dtype=np.int64), *(np.arange(visited[k] + 1, visited[k + 1]) for k in holes)]
        )

    def days_before(self, day: int) -> Ints:
        """The last LOOK_BACK_DAYS local days that are known, of those before `day`; in order."""
        return np.setdiff1d(np.arange(self.first_day, day), self.unknown_days)[-LOOK_BACK_DAYS:]


def _book(visits: Sequence[Visit], arrived_at: Sequence[datetime], now: datetime, zone: ZoneInfo) -> _Book:
    began_s = _local_s([visit.arrives_at for visit in visits], zone)
    return _Book(
        now_s=int(now.timestamp()),
        local_s=int(_local_s([now], zone)[0]),
        zone=zone,
        visits=tuple(visits),
        began_s=began_s,
        ended_s=np.array([visit.departs_at.timestamp() for visit in visits]),
        energy_kwh=np.array([visit.energy_kwh for visit in visits]),
        arrivals_s=np.concatenate([began_s, _local_s([at for at in arrived_at if at <= now], zone)]),
    )


def _local_s(instants: Sequence[datetime], zone: ZoneInfo) -> Ints:
    return local_seconds(np.array([int(instant.timestamp()) for instant in instants], dtype=np.int64), zone)


def _corrected(book: _Book, calendar: Calendar) -> Floats:
    """Energy to come [kWh] at FINE_LEVELS: its level moved by what the last days brought against what was told of them at this hour,
    its band as wide as earlier days have shown to be needed."""
    came_kwh: list[float] = []
    middle_kwh: list[float] = []
    paced = Paced(WIDEST)
    today = book.local_s // DAY_S
    for back in range(min(REVIEW_DAYS, today - book.first_day - 1), 0, -1):
        if today - back in book.unknown_days:
            continue
        told_kwh = _told(book, back, calendar)
        levelled_kwh = told_kwh * _level(came_kwh, middle_kwh)
        came_kwh.append(float(_rests(book, np.array([today - back]), book.now_s)[0]))
        paced = _after(paced, levelled_kwh, came_kwh[-1])
        middle_kwh.append(float(told_kwh[MIDDLE]))
    told_kwh, spread = _told(book, 0, calendar) * _level(came_kwh, middle_kwh), paced.spread
    return np.asarray(_spread(told_kwh, np.array([spread.below]), np.array([spread.above]))[0])


def _spread(told_kwh: Floats, below: Floats, above: Floats) -> Floats:
    """Quantiles at FINE_LEVELS, spread around their middle by each of `below` and `above` (rows); never below 0."""
    away_kwh = told_kwh - told_kwh[MIDDLE]
    reach = np.where(away_kwh < 0.0, below[:, None], above[:, None])
    return np.asarray(np.maximum(told_kwh[MIDDLE] + reach * away_kwh, 0.0))


def _after(paced: Paced, told_kwh: Floats, came_kwh: float) -> Paced:
    served_kwh = _spread(told_kwh, paced.below, paced.above)
    below, above = missed((served_kwh < came_kwh).mean(axis=1), (served_kwh <= came_kwh).mean(axis=1))
    return paced.after(below, above, ends_loss(served_kwh[:, LOW], served_kwh[:, HIGH], came_kwh))


def _level(came_kwh: Sequence[float], middle_kwh: Sequence[float]) -> float:
    """What came lately against what was told, as if one average day more had come as told: at least one on which anybody came, as
    where somebody comes now and then a visit is not many times what is usual."""
    weight = np.exp(-np.arange(len(came_kwh))[::-1] / LEVEL_DAYS)
    came, told = float(weight @ np.array(came_kwh)), float(weight @ np.array(middle_kwh))
    usual = max(sum(middle_kwh) / max(1, len(middle_kwh)), sum(came_kwh) / max(1, sum(kwh > 0.0 for kwh in came_kwh)))
    return (came + usual) / (told + usual) if told + usual > NEGLIGIBLE_KWH else 1.0


def _told(book: _Book, back: int, calendar: Calendar) -> Floats:
    """Uncorrected energy to come [kWh] at FINE_LEVELS, told `back` days ago at the same time from what had ended by then."""
    today = book.local_s // DAY_S - back
    days = book.days_before(today)
    if len(days) == 0:
        return np.zeros(len(FINE_LEVELS))
    weight = calendar.likeness(days, np.array([today]))
    rests_kwh = _rests(book, days, book.now_s - back * DAY_S)
    early = book.arrivals_s[book.arrivals_s % DAY_S < book.local_s % DAY_S] // DAY_S
    usual = float(np.average(_per_day(early, days), weights=weight[0]))
    busy = (float((early == today).sum()) + PRIOR_ARRIVALS) / (usual + PRIOR_ARRIVALS)
    return np.asarray(busy * np.sort(weighted_quantiles(rests_kwh[None, :], weight, FINE_LEVELS)[0]))


def _rests(book: _Book, days: Ints, known_s: int) -> Floats:
    """Energy [kWh] of the visits of `days` (in order) that began at this time of day or later and had ended by `known_s` [s]."""
    counts = (book.began_s % DAY_S >= book.local_s % DAY_S) & (book.ended_s <= known_s)
    return _per_day(book.began_s[counts] // DAY_S, days, book.energy_kwh[counts])


def _per_day(of_day: Ints, days: Ints, worth: Floats | None = None) -> Floats:
    """The sum of `worth` (1 each unless said) on each of `days` (in order) of what belongs to `of_day`."""
    place = np.searchsorted(days, of_day)
    found = place < len(days)
    found[found] = days[place[found]] == of_day[found]
    sums = np.bincount(place[found], weights=None if worth is None else worth[found], minlength=len(days))
    return sums.astype(np.float64)  # nothing at all counts in whole numbers


def _scenarios(book: _Book, fine_kwh: Floats, calendar: Calendar) -> tuple[tuple[Visit, ...], ...]:
    """The likeliest days again, from the one with least to come to the one with most, with energies to match the quantiles."""
    today = book.local_s // DAY_S
    days = book.days_before(today)
    rests_kwh = _rests(book, days, book.now_s) if len(days) else np.zeros(0)
    days, rests_kwh = days[rests_kwh > 0], rests_kwh[rests_kwh > 0]
    if len(days) == 0:
        return ()
    likeliest = np.argsort(-calendar.likeness(days, np.array([today]))[0], kind="stable")[:SCENARIOS]
    likeliest = likeliest[np.argsort(rests_kwh[likeliest], kind="stable")]
    levels = (np.arange(len(likeliest)) + 0.5) / len(likeliest)
    totals_kwh = np.interp(levels, FINE_LEVELS, fine_kwh)
    return tuple(
        _scaled(book, int(day), float(total_kwh / rest_kwh))
        for day, rest_kwh, total_kwh in zip(days[likeliest], rests_kwh[likeliest], totals_kwh, strict=True)
    )


def _scaled(book: _Book, day: int, factor: float) -> tuple[Visit, ...]:
    """The visits of `day` still to come, today, each with `factor` times its energy, though never more than it can draw."""
    later = (book.began_s // DAY_S == day) & (book.began_s % DAY_S >= book.local_s % DAY_S)
    visits = [book.visits[place] for place in np.flatnonzero(later)]
    today = moved(visits, EPOCH + timedelta(days=book.local_s // DAY_S), book.zone)
    return tuple(replace(visit, energy_kwh=min(factor * visit.energy_kwh, _most_kwh(visit))) for visit in today)


def _most_kwh(visit: Visit) -> float:
    return visit.max_kw * (visit.departs_at - visit.arrives_at).total_seconds() / HOUR_S
