"""What load forecasts would have said, issue by issue, from what was measured before each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.calendar import PLAIN, Calendar
from forecasting.learning.conformal import Meetings, Past, corrected_levels, lessons, meetings
from forecasting.load.levels import CORRECTED_LEADS_S, Pasts, draws
from forecasting.quantiles import at_levels
from forecasting.score import FINE_LEVELS
from forecasting.series import DAY_S, HOUR_S, Bools, Floats, Ints, Measurement, Series, resample, zone_of
from forecasting.time_of_week import STEP_S, WINDOW_S, week_quantiles

CALIBRATION_S = 56 * DAY_S
WEEK_S = 7 * DAY_S
REVIEW_EVERY_S = 4 * HOUR_S
NO_POSITIONS: Floats = np.zeros(0)
NO_DAYS: Ints = np.zeros(0, dtype=np.int64)
NOTHING = lessons((NO_POSITIONS, NO_POSITIONS), NO_POSITIONS, NO_DAYS)


@dataclass(frozen=True)
class LoadHindcast:
    """Forecasts of one lead: instants of issue and of the target's begin [s], quantiles at FINE_LEVELS, last week's, actual, and
    whether something was to be expected then for certain."""

    issued_s: Ints
    target_s: Ints
    quantiles_kw: Floats
    last_week_kw: Floats
    actual_kw: Floats
    alive: Bools


def hindcast_load(
    measured: Series,
    zone: ZoneInfo,
    from_s: int,
    leads_s: Sequence[int],
    every_s: int,
    largest_kw: float,
    calendar: Calendar = PLAIN,
) -> dict[int, LoadHindcast]:
    """Issues every `every_s` [s] from `from_s` on, for the quarter hours `leads_s` [s] later; only those that were measured."""
    issues = range(from_s, int(measured.epochs_s[-1]) - max(leads_s), every_s)
    targets_s = np.array(issues)[:, None] + np.array(leads_s)
    raw = [_raw(measured, zone, issue, targets_s[k], calendar) for k, issue in enumerate(issues)]
    levels, raw_kw = raw[0][0], np.array([one for _, one in raw])
    return {
        lead: _corrected(measured, np.array(issues), targets_s[:, k], levels, raw_kw[:, k], largest_kw)
        for k, lead in enumerate(leads_s)
    }


def review_load(history: Sequence[Measurement], timezone: str, now: datetime, calendar: Calendar = PLAIN) -> Pasts:
    """Where the values of the last eight weeks before `now` fell in the forecasts of their time, to correct the next ones with: for
    each of CORRECTED_LEADS_S.

    Once a day is enough.
    """
    zone, leads_s = zone_of(timezone), np.array(CORRECTED_LEADS_S)
    measured = resample(history, now, STEP_S, CALIBRATION_S + WINDOW_S)
    end_s = int(now.timestamp()) // STEP_S * STEP_S
    issues = [
        issue_s
        for issue_s in range(end_s - CALIBRATION_S, end_s, REVIEW_EVERY_S)
        if len(measured) and measured.epochs_s[0] + WEEK_S <= issue_s
    ]
    if not issues:
        return ((NOTHING, NOTHING),) * len(leads_s)
    targets_s = np.array(issues)[:, None] + leads_s
    raw = [_raw(measured, zone, issue_s, targets_s[k], calendar) for k, issue_s in enumerate(issues)]
    levels, raw_kw = raw[0][0], np.array([one for _, one in raw])
    return tuple(
        _lessons(measured, targets_s[:, k], levels, raw_kw[:, k], 2 * float(measured.values.max()))
        for k in range(len(leads_s))
    )


def _lessons(measured: Series, target_s: Ints, levels: Floats, raw_kw: Floats, largest_kw: float) -> tuple[Past, Past]:
    """What the forecasts of one lead say of the next ones, as far as their time was measured."""
    told = np.isin(target_s, measured.epochs_s) & _open(raw_kw, largest_kw)
    raw_kw, days = raw_kw[told], target_s[told] // DAY_S
    return _by_kind(meetings(levels, raw_kw, _at(measured, target_s[told])), days, draws(raw_kw))


def _by_kind(met: Meetings, days: Ints, drawn: Bools) -> tuple[Past, Past]:
    idle, drawing = (lessons((met[0][kind], met[1][kind]), NO_POSITIONS, days[kind]) for kind in (~drawn, drawn))
    return idle, drawing


def _open(raw_kw: Floats, largest_kw: float) -> Bools:
    """Whether anything else than the usual may come: hours that are always alike hold more than a band says by nature and would hide
    how the others do."""
    return np.asarray(raw_kw[:, -2] - raw_kw[:, 1] > 0.01 * largest_kw)


def _raw(measured: Series, zone: ZoneInfo, issue_s: int, targets_s: Ints, calendar: Calendar) -> tuple[Floats, Floats]:
    known = (measured.epochs_s + STEP_S <= issue_s) & (measured.epochs_s >= issue_s - WINDOW_S)
    past = Series(measured.epochs_s[known], measured.values[known], STEP_S)
    return week_quantiles(past, zone, (targets_s + STEP_S // 2).astype(np.float64), calendar, scaled=True)


def _corrected(
    measured: Series, issued_s: Ints, target_s: Ints, levels: Floats, raw_kw: Floats, largest_kw: float
) -> LoadHindcast:
    seen = np.isin(target_s, measured.epochs_s) & np.isin(target_s - WEEK_S, measured.epochs_s)
    issued_s, target_s, raw_kw = issued_s[seen], target_s[seen], raw_kw[seen]
    actual_kw, last_week_kw = (_at(measured, instants) for instants in (target_s, target_s - WEEK_S))
    lowest, highest = meetings(levels, raw_kw, actual_kw)
    may_differ, drawn = _open(raw_kw, largest_kw), draws(raw_kw)
    quantiles_kw = np.empty((len(issued_s), len(FINE_LEVELS)))
    for day in np.unique(issued_s // DAY_S):  # reviewed once a day, as it serves
        issued = np.flatnonzero(issued_s // DAY_S == day)
        over = (
            may_differ & (target_s + STEP_S <= issued_s[issued[0]]) & (target_s > issued_s[issued[0]] - CALIBRATION_S)
        )
        past = _by_kind((lowest[over], highest[over]), target_s[over] // DAY_S, drawn[over])
        told_kw = np.array([at_levels(levels, raw_kw[issued], corrected_levels(FINE_LEVELS, kind)) for kind in past])
        quantiles_kw[issued] = np.maximum(told_kw[drawn[issued].astype(np.int64), np.arange(len(issued))], 0.0)
    return LoadHindcast(issued_s, target_s, quantiles_kw, last_week_kw, actual_kw, may_differ & drawn)


def _at(measured: Series, instants_s: Ints) -> Floats:
    return np.asarray(measured.values[np.searchsorted(measured.epochs_s, instants_s)])
