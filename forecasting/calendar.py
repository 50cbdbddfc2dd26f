"""Which days are alike: weekdays, public holidays (the `holidays` package, by ISO 3166 codes), and days as warm or as cold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.errors import InvalidInput
from forecasting.series import DAY_S, Floats, Ints, local_seconds

EPOCH = date(1970, 1, 1)
ISO_3166 = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
SUNDAY, SATURDAY = 6, 5
MEMORY_DAYS = 28.0
SAME_KIND_WEIGHT = 0.6
OTHER_KIND_WEIGHT = 0.02
"""Weight of another weekday of the same kind (workday, weekend) and of the other kind, against 1 for the same weekday."""

ALIKE_K = 5.0
"""A day so much warmer or colder [K] counts 1/e of one as warm."""

WEATHER_FLOOR = 0.02
NONE: Ints = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Calendar:
    """What is known of local days beside their weekday. Days are numbered from 1970-01-01.

    `off`: public holidays, which are like Sundays. `day_c[i]` [degC]: mean air temperature of `days[i]`, past or forecast.
    """

    off: Ints = field(default_factory=lambda: NONE)
    days: Ints = field(default_factory=lambda: NONE)
    day_c: Floats = field(default_factory=lambda: np.zeros(0))

    def weekdays(self, days: Ints) -> Ints:
        """Weekday (Monday 0) of `days`; day 0 was a Thursday, and days off count as Sundays."""
        return np.where(np.isin(days, self.off), SUNDAY, (days + 3) % 7)

    def likeness(self, days: Ints, targets: Ints) -> Floats:
        """How much each of `days` says about each of `targets`: targets x days. The latest of `days` count most."""
        weekday, target_weekday = self.weekdays(days), self.weekdays(targets)[:, None]
        same_kind = (weekday >= SATURDAY) == (target_weekday >= SATURDAY)
        alike = np.where(weekday == target_weekday, 1.0, np.where(same_kind, SAME_KIND_WEIGHT, OTHER_KIND_WEIGHT))
        recency = np.exp((days - days.max(initial=0)) / MEMORY_DAYS)
        apart_k = np.abs(self._warmth(days) - self._warmth(targets)[:, None])
        warmth = np.maximum(np.exp(-np.nan_to_num(apart_k) / ALIKE_K), WEATHER_FLOOR)
        return np.asarray(alike * recency * warmth)

    def _warmth(self, days: Ints) -> Floats:
        """Mean temperature [degC] of each day, NaN where nobody knows."""
        if len(self.days) == 0:
            return np.full(len(days), np.nan)
        place = np.clip(np.searchsorted(self.days, days), 0, len(self.days) - 1)
        return np.where(self.days[place] == days, self.day_c[place], np.nan)


PLAIN = Calendar()


def calendar_of(region: str | None, first_at: datetime, last_at: datetime, zone: ZoneInfo) -> Calendar:
    """The calendar of a site in `region` from the local day of `first_at` to that of `last_at`, both included.

    InvalidInput for a region nobody knows (`require_region`).
    """
    first, last = (instant.astimezone(zone).date() for instant in (first_at, last_at))
    return Calendar(off=days_off(region, first, last))


def days_off(region: str | None, first: date, last: date) -> Ints:
    """Public holidays of `region` from `first` to `last`, both included, as days since 1970-01-01, ascending.

    `region`: an ISO 3166 code of a country or one of its parts, "DE" or "DE-BY"; None has none. InvalidInput for an unknown one.
    """
    if region is None or last < first:
        return NONE
    known = _holidays(region, range(first.year, last.year + 1))
    return np.array(sorted((day - EPOCH).days for day in known if first <= day <= last), dtype=np.int64)


def require_region(region: str | None) -> None:
    """InvalidInput unless the public holidays of `region` are known; None keeps none."""
    if region is not None:
        _holidays(region, ())


def _holidays(region: str, years: Iterable[int]) -> Iterable[date]:
    import holidays  # a tenth of a second of imports that nobody pays who has no region

    cure = "give an ISO 3166 code: of a country (DE) or, where holidays differ within it, of a part (DE-BY)"
    if ISO_3166.fullmatch(region) is None:
        raise InvalidInput("region", f"{region!r} is no ISO 3166 code", cure)
    country, _, part = region.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None, years=years)
    except NotImplementedError as error:
        raise InvalidInput("region", f"the public holidays of {region!r} are not known", cure) from error


def day_temperatures(valid_at: Sequence[datetime], air_c: Sequence[float], zone: ZoneInfo) -> tuple[Ints, Floats]:
    """Local days that temperatures `air_c` [degC] at ascending instants cover at least half of, and their means."""
    valid_s = np.array([int(instant.timestamp()) for instant in valid_at], dtype=np.int64)
    if len(valid_s) < 2:
        return NONE, np.zeros(0)
    step_s = float(np.median(np.diff(valid_s)))
    days, place = np.unique(local_seconds(valid_s, zone) // DAY_S, return_inverse=True)
    counts = np.bincount(place)
    mean_c = np.bincount(place, weights=np.array(air_c)) / counts
    whole = counts * step_s >= DAY_S / 2
    return days[whole], mean_c[whole]
