"""What a session's forecast may look at when it begins: the clock, the driver's statement, and how alike sessions went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.session import EnergyNeed, NeedSource, Session
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, local_seconds

MEMORY = 4000
"""Ended sessions that are looked at: a driver who comes once a month is told apart by what was said."""

RECENT = 400
"""Ended sessions that show what is usual."""

MIN_ALIKE = 5
ROLLING = 60
NEAREST = 40
SAME_STATEMENT = 30
SAME_WORDS = 10
AT_STATION = 10
STATEMENT_RESOLUTION_H = 1 / 60
MISSING_STATEMENT_APART = 5.0
"""How far apart two sessions count of which one has no statement."""


@dataclass(frozen=True)
class Stays:
    """Sessions in order of start. Times [s], lengths [h], energies [kWh]; `stated_*` are the driver's own words, NaN without.

    `driver`: a number per idTag, -1 for unknown. `station`: a number per charging station.
    """

    started_s: Ints
    ended_s: Ints
    hour_h: Floats
    weekday: Ints
    stay_h: Floats
    energy_kwh: Floats
    stated_stay_h: Floats
    stated_energy_kwh: Floats
    driver: Ints
    station: Ints

    def __len__(self) -> int:
        return len(self.started_s)

    def pick(self, places: Ints) -> Stays:
        """Only those at `places`."""
        return Stays(**{field.name: getattr(self, field.name)[places] for field in fields(self)})

    def ended_by(self, epoch_s: float) -> Stays:
        """Those that had begun before `epoch_s` [s] and were over at it, the last MEMORY to end, in order of their end."""
        over = np.flatnonzero((self.ended_s <= epoch_s) & (self.started_s < epoch_s))
        return self.pick(over[np.argsort(self.ended_s[over], kind="stable")][-MEMORY:])


def stays_of(sessions: Sequence[Session], zone: ZoneInfo) -> Stays:
    """Sessions as arrays, in whole seconds. One that has not ended counts as over only at the end of time."""
    ordered = sorted(sessions, key=lambda session: session.started_at)
    started_s = np.array([int(s.started_at.timestamp()) for s in ordered], dtype=np.int64)
    ended_s = np.array([_ended_s(s.ended_at) for s in ordered], dtype=np.int64)
    local_s = local_seconds(started_s, zone)
    stated = [stated_need(s) for s in ordered]
    drivers = _numbered([s.id_tag for s in ordered])
    stations = _numbered([s.connector.station_id for s in ordered])
    return Stays(
        started_s=started_s,
        ended_s=ended_s,
        hour_h=local_s % DAY_S / HOUR_S,
        weekday=(local_s // DAY_S + 3) % 7,
        stay_h=(ended_s - started_s) / HOUR_S,
        energy_kwh=np.array([s.energy_kwh for s in ordered], dtype=np.float64),
        stated_stay_h=np.array([_stated_stay_h(s.started_at, n) for s, n in zip(ordered, stated, strict=True)]),
        stated_energy_kwh=np.array([np.nan if n is None else n.energy_kwh for n in stated], dtype=np.float64),
        driver=drivers,
        station=stations,
    )


def describe(stays: Stays, place: int) -> Floats:
    """Features (one row) of the session at `place`, from what was known when it began: which of `stays` were over, and which
    had begun."""
    new, past = stays.pick(np.array([place])), stays.ended_by(float(stays.started_s[place]))
    usual = past.pick(np.arange(len(past))[-RECENT:])
    return np.array([*_statement(new), *_alike(new, usual), *_same_place_or_words(new, past), *_bustle(stays, place)])


def _statement(new: Stays) -> list[float]:
    """The clock, and what the driver says."""
    hour_h, stated_h, stated_kwh = (float(v[0]) for v in (new.hour_h, new.stated_stay_h, new.stated_energy_kwh))
    return [
        hour_h,
        float(new.weekday[0]),
        stated_h,
        stated_kwh,
        (hour_h + stated_h) % 24.0,
        stated_kwh / max(stated_h, 0.1),
    ]


def _same_place_or_words(new: Stays, past: Stays) -> list[float]:
    """How long vehicles stay at this station, and how those stayed whose driver said the same to the last digit.

    Drivers keep their words, so these are mostly the same driver's even where nobody says who that is.
    """
    here = np.flatnonzero(past.station == new.station[0])[-AT_STATION:]
    said = np.flatnonzero(past.stated_energy_kwh == new.stated_energy_kwh[0])
    apart_h = np.abs(past.stated_stay_h[said] - new.stated_stay_h[0])
    both = said[apart_h < STATEMENT_RESOLUTION_H][-SAME_WORDS:]
    counts = [float(min(len(said), 2 * SAME_STATEMENT)), float(len(both))]
    return [_median(past.stay_h[here]), *counts, _quantile(past.stay_h[both], 0.5)]


def _bustle(stays: Stays, place: int) -> list[float]:
    """How many came within a day before, how many of them since midnight, and how many of them are still there.

    A site at rest - a weekend, a holiday, a campus that closes - is visited by others, who stay otherwise.
    """
    now_s = stays.started_s[place]
    came = (stays.started_s < now_s) & (stays.started_s > now_s - DAY_S)
    today = came & (stays.weekday == stays.weekday[place])
    there = came & (stays.ended_s > now_s)
    return [float(found.sum()) for found in (came, today, there)]


def _alike(new: Stays, past: Stays) -> list[float]:
    """Medians of the stay and energy of sessions that were alike in one way or another, and how statements were kept."""
    hour_h, stated_h, stated_kwh = new.hour_h[0], new.stated_stay_h[0], new.stated_energy_kwh[0]
    hours_apart = _hours_apart(past.hour_h, hour_h)
    weekend_apart = ((past.weekday >= 5) != (new.weekday[0] >= 5)).astype(np.float64)
    stay_apart = _ratio_apart(past.stated_stay_h, stated_h)
    energy_apart = _ratio_apart(past.stated_energy_kwh, stated_kwh)
    alike_stay = _nearest(hours_apart + stay_apart / 0.3 + weekend_apart)
    alike_energy = _nearest(energy_apart / 0.25 + hours_apart / 3.0)
    own = np.flatnonzero((past.driver == new.driver[0]) & (past.driver >= 0))[-SAME_STATEMENT:]
    # the same statement to the last digit at about the same time is mostly the same driver
    same = np.flatnonzero(past.stated_energy_kwh == stated_kwh)[-SAME_STATEMENT:]
    same = same[_nearest((hours_apart + 4.0 * stay_apart)[same])[:MIN_ALIKE]]
    rolling = same_hour(past, hour_h)
    groups = (rolling, alike_stay, alike_energy, own, same)
    medians = [_median(values[group]) for values in (past.stay_h, past.energy_kwh) for group in groups]
    spread = [_quantile(past.stay_h[alike_stay], 0.2), _quantile(past.stay_h[alike_stay], 0.8)]
    bias = [
        _median((past.stay_h / past.stated_stay_h)[alike_stay]),
        _median(
            (past.energy_kwh / np.where(past.stated_energy_kwh > 0.0, past.stated_energy_kwh, np.nan))[alike_energy]
        ),
    ]
    return [*medians, *spread, *bias]


def same_hour(past: Stays, hour_h: float) -> Ints:
    """Places of the last ROLLING sessions that began within an hour of the same time of day; of all where too few did."""
    usual = np.arange(len(past))[-RECENT:]
    close = usual[_hours_apart(past.hour_h[usual], hour_h) <= 1.0]
    return close[-ROLLING:] if len(close) >= MIN_ALIKE else usual[-ROLLING:]


def stated_need(session: Session) -> EnergyNeed | None:
    """The driver's statement, None without."""
    return session.need if session.need is not None and session.need.source is NeedSource.DRIVER else None


def _numbered(names: Sequence[str | None]) -> Ints:
    """A number per name in order of appearance, -1 without one."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for name in names if name))}
    return np.array([numbers[name] if name else -1 for name in names], dtype=np.int64)


def _ended_s(ended_at: datetime | None) -> int:
    """The first whole second [s] at which a session is over, whose start is the last at which it had not begun."""
    return np.iinfo(np.int64).max if ended_at is None else math.ceil(ended_at.timestamp())


def _stated_stay_h(started_at: datetime, need: EnergyNeed | None) -> float:
    return np.nan if need is None else max(0.05, (need.departs_at - started_at).total_seconds() / HOUR_S)


def _hours_apart(hours_h: Floats, hour_h: float) -> Floats:
    apart = np.abs(hours_h - hour_h)
    return np.minimum(apart, 24.0 - apart)


def _ratio_apart(values: Floats, value: float) -> Floats:
    """Distance of statements on a log scale; none has any distance to none, and some fixed one to any."""
    apart = np.abs(np.log(np.maximum(values, 0.01) / max(value, 0.01)))
    missing = np.isnan(values)
    return np.where(missing & np.isnan(value), 0.0, np.where(missing | np.isnan(value), MISSING_STATEMENT_APART, apart))


def _nearest(apart: Floats) -> Ints:
    return np.argsort(apart, kind="stable")[:NEAREST]


def _median(values: Floats) -> float:
    return _quantile(values, 0.5) if len(values) >= 2 else np.nan


def _quantile(values: Floats, level: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, level)) if len(known) else np.nan
