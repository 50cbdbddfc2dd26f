"""Visits of vehicles: by day, taken together, and the least peak at which all of them get their energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import Coming
from cpms.domain.time import Interval, require_aware
from cpms.domain.units import PHASES, Phase
from forecasting.arrivals.base import NO_BASE, Base

LOOK_BACK_DAYS = 60
WEEKEND = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Visit:
    """A vehicle's stay, past or possible: what it takes [kWh] and the most it can draw [kW], below which feeder, on which phases."""

    arrives_at: datetime
    departs_at: datetime
    energy_kwh: float
    max_kw: float
    feeder_id: str = ""
    phases: tuple[Phase, ...] = PHASES

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


def by_day(visits: Sequence[Visit], zone: ZoneInfo) -> dict[date, tuple[Visit, ...]]:
    """Visits by the local date of their arrival."""
    days: dict[date, list[Visit]] = {}
    for visit in visits:
        days.setdefault(visit.arrives_at.astimezone(zone).date(), []).append(visit)
    return {day: tuple(members) for day, members in days.items()}


def alike(days: Mapping[date, object], day: date, count: int) -> list[date]:
    """The last `count` of `days` before `day` of its kind (working day or weekend), latest first."""
    before = (day - timedelta(days=back) for back in range(1, LOOK_BACK_DAYS + 1))
    return [other for other in before if other in days and is_weekend(other) == is_weekend(day)][:count]


def moved(visits: Sequence[Visit], today: date, zone: ZoneInfo) -> tuple[Visit, ...]:
    """Visits of another day at the same local times of `today`."""
    shifted = []
    for visit in visits:
        clock = visit.arrives_at.astimezone(zone).time()
        arrives_at = datetime.combine(today, clock, zone).astimezone(visit.arrives_at.tzinfo)
        stay = visit.departs_at - visit.arrives_at
        shifted.append(replace(visit, arrives_at=arrives_at, departs_at=arrives_at + stay))
    return tuple(shifted)


def is_weekend(day: date) -> bool:
    """Saturday or Sunday."""
    return day.weekday() >= WEEKEND


def together(
    visits: Sequence[Visit], steps: Sequence[Interval], shares: Sequence[float] | None = None
) -> tuple[Coming, ...]:
    """Visits taken together by feeder and phases; `shares`: for how much of a vehicle each counts, a whole one unless said."""
    groups: dict[tuple[str, tuple[Phase, ...]], list[tuple[Visit, float]]] = {}
    for visit, share in zip(visits, [1.0] * len(visits) if shares is None else shares, strict=True):
        groups.setdefault((visit.feeder_id, visit.phases), []).append((visit, share))
    return tuple(
        _coming(feeder_id, phases, groups[feeder_id, phases], steps) for feeder_id, phases in sorted(groups, key=str)
    )


def _coming(
    feeder_id: str, phases: tuple[Phase, ...], counted: Sequence[tuple[Visit, float]], steps: Sequence[Interval]
) -> Coming:
    """The least and the most energy [kWh] visits can have taken by the end of each step, and the most they can draw [kW] in it."""
    edges_h = np.array([steps[0].starts_at.timestamp(), *(step.ends_at.timestamp() for step in steps)])[:, None] / 3600
    arrive_h, depart_h, energy_kwh, max_kw = _columns([visit for visit, _ in counted])
    shares = np.array([share for _, share in counted])
    present_h = np.clip(np.minimum(edges_h, depart_h) - arrive_h, 0, None)
    left_h = np.clip(depart_h - np.maximum(edges_h, arrive_h), 0, None)
    least_kwh = np.clip(energy_kwh - max_kw * left_h, 0, None) @ shares
    most_kwh = np.minimum(energy_kwh, max_kw * present_h) @ shares
    most_kw = (max_kw * np.diff(present_h, axis=0)) @ shares / np.diff(edges_h[:, 0])
    least, most, most_kw_t = (tuple(values.tolist()) for values in (least_kwh[1:], most_kwh[1:], most_kw))
    return Coming(feeder_id, least, most, most_kw_t, phases)


def due_kwh(visits: Sequence[Visit], until: datetime) -> float:
    """Energy [kWh] that `visits` must have had by an instant, as they could not have it in the rest of their stays."""
    if not visits:
        return 0.0
    arrive_h, depart_h, energy_kwh, max_kw = _columns(visits)
    left_h = np.clip(depart_h - np.maximum(until.timestamp() / 3600, arrive_h), 0, None)
    return float(np.clip(energy_kwh - max_kw * left_h, 0, None).sum())


def least_peak_kw(visits: Sequence[Visit], base: Base = NO_BASE) -> float:
    """The least peak [kW] at which all `visits` get their energy on top of `base`, known in hindsight.

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
        inside_kwh = inside_kwh + base.kwh(float(start_h), end_h)
        highest = max(highest, float((inside_kwh / (end_h - start_h)).max()))
    return highest


def _columns(visits: Sequence[Visit]) -> tuple[Floats, Floats, Floats, Floats]:
    """Arrivals and departures [h since the epoch], energies [kWh], as far as they can be had in the stay, and highest powers [kW]."""
    rows = [(v.arrives_at.timestamp() / 3600, v.departs_at.timestamp() / 3600, v.energy_kwh, v.max_kw) for v in visits]
    arrive_h, depart_h, energy_kwh, max_kw = np.array(rows).reshape(-1, 4).T
    return arrive_h, depart_h, np.minimum(energy_kwh, max_kw * (depart_h - arrive_h)), max_kw
