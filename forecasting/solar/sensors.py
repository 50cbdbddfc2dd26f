"""Measurements of an array that cannot be true, found before anybody learns from them, each with a note for people.

Rules after Yagli et al. (2020) and pvanalytics' quality checks: physical bounds, repeated values, power at night, and clocks
that follow summer time although the record says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.site import SolarArray
from forecasting.series import DAY_S, HOUR_S, Bools, Floats, Ints, Series
from forecasting.solar.clearsky import ClearSky, array_kw, clear_sky

STUCK_STEPS = 6
SPIKE_FACTOR = 1.3
NIGHT_ZENITH_DEG = 96.0
NIGHT_SHARE = 0.01
CLOCK_DAYS = 30
MIN_CLOCK_DAYS = 15


@dataclass(frozen=True)
class BadSpan:
    """Measurements in `[starts_at, ends_at)` that are left out, and why."""

    starts_at: datetime
    ends_at: datetime
    note: str


def find_bad(array: SolarArray, measured: Series) -> list[BadSpan]:
    """Spans of `measured` [kW] that are not of this world: impossible, stuck or at night. In order of time."""
    if len(measured) == 0:
        return []
    sky = clear_sky(array.latitude_deg, array.longitude_deg, measured.epochs_s + measured.step_s // 2)
    found = [
        (~np.isfinite(measured.values) | (measured.values < -NIGHT_SHARE * array.peak_kw), "below zero or no number"),
        (measured.values > SPIKE_FACTOR * array.peak_kw, "more than the array can give"),
        ((sky.zenith_deg > NIGHT_ZENITH_DEG) & (measured.values > NIGHT_SHARE * array.peak_kw), "power at night"),
        (_stuck(array, measured, sky), "the same value again and again"),
    ]
    spans = [span for bad, note in found for span in _spans(measured, bad, note)]
    return sorted(spans, key=lambda span: (span.starts_at, span.ends_at))


def leave_out(measured: Series, bad: Sequence[BadSpan]) -> Series:
    """`measured` without the steps that begin in a bad span."""
    keep = np.ones(len(measured), dtype=bool)
    for span in bad:
        inside = measured.epochs_s >= span.starts_at.timestamp()
        keep &= ~(inside & (measured.epochs_s < span.ends_at.timestamp()))
    return Series(measured.epochs_s[keep], measured.values[keep], measured.step_s)


def follows_summer_time(array: SolarArray, measured: Series, zone: ZoneInfo) -> bool:
    """Whether the clock of `measured` jumps with the summer time of `zone` although its stamps say it does not.

    The middle of the day's energy, seen from the sun's noon, is compared CLOCK_DAYS before and after each change: whichever way
    the array looks, it stays where it is when the clock is right. False where no change has enough days on both sides.
    """
    days, late_s = _lateness_s(array, measured)
    jumps_s = []
    for day, saved_s in _changes(days, zone):
        before = late_s[(days >= day - CLOCK_DAYS) & (days < day)]
        after = late_s[(days > day) & (days <= day + CLOCK_DAYS)]
        if min(len(before), len(after)) >= MIN_CLOCK_DAYS:
            jumps_s.append((np.median(after) - np.median(before)) / saved_s)
    return bool(jumps_s) and float(np.median(jumps_s)) > 0.5


def _lateness_s(array: SolarArray, measured: Series) -> tuple[Ints, Floats]:
    """Local solar days, and by how much [s] the middle of their energy comes after the middle of their cloudless light."""
    middle_s = measured.epochs_s + measured.step_s // 2
    sky = clear_sky(array.latitude_deg, array.longitude_deg, middle_s)
    solar_s = middle_s + int(array.longitude_deg * 240)
    days, place = np.unique(solar_s // DAY_S, return_inverse=True)
    time_s = (solar_s % DAY_S).astype(np.float64)
    centres = []
    for weight in (np.clip(measured.values, 0.0, None), sky.global_w_m2):
        total = np.bincount(place, weights=weight)
        centres.append(np.bincount(place, weights=weight * time_s) / np.where(total > 0, total, np.nan))
    late_s = centres[0] - centres[1]
    known = np.isfinite(late_s)
    return days[known], late_s[known]


def _changes(days: Ints, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Days on which `zone` changes its clock within `days`, and by how much [s]."""
    every = np.arange(days[0], days[-1] + 2) if len(days) else np.zeros(0, dtype=np.int64)
    saving_s = [_saving_s(int(day) * DAY_S, zone) for day in every]
    steps = np.flatnonzero(np.diff(saving_s)) if len(every) else np.zeros(0, dtype=np.int64)
    return [(int(every[i]), saving_s[i + 1] - saving_s[i]) for i in steps]


def _saving_s(epoch_s: int, zone: ZoneInfo) -> int:
    saving = datetime.fromtimestamp(epoch_s, UTC).astimezone(zone).dst()
    return 0 if saving is None else round(saving.total_seconds())


def _stuck(array: SolarArray, measured: Series, sky: ClearSky) -> Bools:
    """Runs of STUCK_STEPS equal values in daylight below the inverter's clip, while the cloudless power moves."""
    same = np.concatenate([[False], np.diff(measured.values) == 0.0])
    same &= np.concatenate([[False], np.diff(measured.epochs_s) <= 2 * HOUR_S])
    number = np.arange(len(same))
    run = number - np.maximum.accumulate(np.where(same, -1, number))
    inside = (run >= STUCK_STEPS - 1).astype(np.int64)
    for _ in range(STUCK_STEPS - 1):
        inside |= np.concatenate([inside[1:], [0]]) & same | np.concatenate([inside[1:], [0]])
    clear_kw = array_kw(array, sky)
    clipped = measured.values >= 0.98 * measured.values.max()
    return np.asarray((inside > 0) & (measured.values > 0.0) & (clear_kw > 0.02 * array.peak_kw) & ~clipped)


def _spans(measured: Series, bad: Bools, note: str) -> list[BadSpan]:
    """Consecutive bad steps joined."""
    places = np.flatnonzero(bad)
    groups = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
    return [
        BadSpan(
            datetime.fromtimestamp(int(measured.epochs_s[group[0]]), UTC),
            datetime.fromtimestamp(int(measured.epochs_s[group[-1]]) + measured.step_s, UTC),
            note,
        )
        for group in groups
    ]
