"""The load figures: a table of instants and kW, or a garage's power made from recorded sessions charged as they came."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cpms.domain.errors import InvalidInput
from forecasting.calendar import Calendar, calendar_of
from forecasting.load.backtest import LoadHindcast, hindcast_load
from forecasting.load.peak_backtest import hindcast_peak
from forecasting.score import FINE_LEVELS, crps, inside, rmse, score
from forecasting.series import HOUR_S, Series, zone_of
from tests.benchmarks.bands import bands, coverage_by_month
from tests.benchmarks.recorded_sessions import FOLDER, read_sessions

STEP_S = 900
VEHICLE_KW = 6.6
MIN_MONTH_ROWS = 60
BILLING_DAYS = (1, 8, 15, 22)
REVIEWED_S, LEAST_KNOWN_S = 35 * 86400, 7 * 86400
"""Time before the first scored issue whose forecasts correct the bands, as `review_load` looks at it in the product, and before
the first of these."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--load", type=Path, help="CSV or Parquet: first column instants with a zone, second kW")
    default = [FOLDER / f"caltech_2019-{span}.csv.gz" for span in ("05-01_2019-08-31", "09-01_2019-12-31")]
    parser.add_argument(
        "--sessions", type=Path, nargs="+", default=default, help="one or more files, one after the other"
    )
    parser.add_argument("--timezone", default="America/Los_Angeles")
    parser.add_argument("--region", default="US-CA", help="ISO 3166 code whose public holidays count")
    parser.add_argument("--train-until", help="first issue; default: six weeks after the first measurement")
    parser.add_argument("--every-h", type=float, default=3.0, help="hours between issues")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Per horizon [h]: scores as shares of the largest load before the test, skill over the same time last week."""
    zone = zone_of(arguments.timezone)
    measured = read_load(arguments.load) if arguments.load else garage_load(arguments.sessions)
    split_s = int(measured.epochs_s[0]) + 42 * 86400
    if arguments.train_until:
        split_s = int(datetime.fromisoformat(arguments.train_until).replace(tzinfo=zone).timestamp())
    largest_kw = float(measured.values[measured.epochs_s < split_s].max())
    leads_h = (0.25, 1, 4, 24, 47)
    first_at, last_at = (datetime.fromtimestamp(int(measured.epochs_s[k]), zone) for k in (0, -1))
    calendar = calendar_of(arguments.region, first_at, last_at, zone)
    leads_s, every_s = [int(h * HOUR_S) for h in leads_h], int(arguments.every_h * HOUR_S)
    from_s = max(split_s - REVIEWED_S, int(measured.epochs_s[0]) + LEAST_KNOWN_S)
    made = hindcast_load(measured, zone, from_s, leads_s, every_s, 2 * largest_kw, calendar)
    return {
        "quantity": "load",
        "of": str(arguments.load)
        if arguments.load
        else "a garage charging recorded sessions as they came, up to 6.6 kW each",
        "largest_kw": round(largest_kw, 1),
        "month_peak": _peaks(measured, zone, split_s, calendar),
        "horizons": {f"{h:g}": _figures(made[int(h * HOUR_S)], largest_kw, split_s, zone.key) for h in leads_h},
    }


def _peaks(measured: Series, zone: ZoneInfo, split_s: int, calendar: Calendar) -> dict[str, object]:
    """Of every whole month after the split that might be billed, from the 1st, 8th, 15th or 22nd on, told at its midnights; nothing
    where there is none. `months`: by when it was told; those with four statements a day overlap, and are one number each."""
    power = [
        (datetime.fromtimestamp(int(s), zone), float(kw))
        for s, kw in zip(measured.epochs_s, measured.values, strict=True)
    ]
    try:
        since = datetime.fromtimestamp(split_s, zone)
        told = hindcast_peak(zone.key, power, since, calendar=calendar, billing_days=BILLING_DAYS)
    except InvalidInput:
        return {}
    weeks = {-(-one.days_left // 7) for one in told}
    peak_kw, came_kw = np.array([one.peak_kw for one in told]), np.array([one.came_kw for one in told])
    simple_kw, issued_s = (
        np.array([one.simple_kw for one in told]),
        np.array([one.issued_at.timestamp() for one in told]),
    )
    held = inside(FINE_LEVELS, peak_kw, came_kw)
    left = np.array([-(-one.days_left // 7) for one in told])
    return {
        "billing_months": len({(one.issued_at + timedelta(days=one.days_left)).date() for one in told}),
        "mae_kw": round(float(np.abs(peak_kw[:, len(FINE_LEVELS) // 2] - came_kw).mean()), 2),
        "highest_of_four_weeks_mae_kw": round(float(np.abs(simple_kw - came_kw).mean()), 2),
        "crps_kw": round(float(crps(FINE_LEVELS, peak_kw, came_kw).mean()), 2),
        "coverage_80": round(float(held.mean()), 3),
        "coverage_80_by_weeks_left": {str(n): round(float(held[left == n].mean()), 3) for n in sorted(weeks)},
        "coverage_80_by_month_of_issue": coverage_by_month(held, issued_s, zone.key, MIN_MONTH_ROWS),
    }


def garage_load(paths: Sequence[Path]) -> Series:
    """Quarter-hourly power [kW] of all sessions, each drawing VEHICLE_KW from its start until its energy is in."""
    sessions = [session for path in paths for session in read_sessions(path)]
    starts_s = np.array([s.started_at.timestamp() for s in sessions])
    ends_s = starts_s + np.array([s.energy_kwh for s in sessions]) / VEHICLE_KW * HOUR_S
    steps = np.arange(int(starts_s.min()) // STEP_S * STEP_S, int(starts_s.max()), STEP_S)
    overlap_s = np.zeros(len(steps))
    for start_s, end_s in zip(starts_s, ends_s, strict=True):
        first, last = np.searchsorted(steps, [start_s - STEP_S, end_s])
        overlap_s[first:last] += np.clip(
            np.minimum(end_s, steps[first:last] + STEP_S) - np.maximum(start_s, steps[first:last]), 0, None
        )
    return Series(steps, VEHICLE_KW * overlap_s / STEP_S, STEP_S)


def read_load(path: Path) -> Series:
    """Quarter-hourly means of a table's second column at the instants of its first."""
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    epochs_s = pd.DatetimeIndex(pd.to_datetime(frame.iloc[:, 0], utc=True)).as_unit("s").asi8
    kw = frame.iloc[:, 1].to_numpy(dtype=np.float64)
    steps, place = np.unique(epochs_s[np.isfinite(kw)] // STEP_S * STEP_S, return_inverse=True)
    return Series(steps, np.bincount(place, weights=kw[np.isfinite(kw)]) / np.bincount(place), STEP_S)


def _figures(made: LoadHindcast, capacity_kw: float, split_s: int, timezone: str) -> dict[str, object]:
    # a garage that is empty at night is no forecast to be proud of: hours that are 0 one time in ten are not scored
    after = made.issued_s >= split_s
    everywhen = inside(FINE_LEVELS, made.quantiles_kw[after], made.actual_kw[after])
    scored = made.alive & after
    made = LoadHindcast(**{name: values[scored] for name, values in vars(made).items()})
    baseline = rmse(made.last_week_kw, made.actual_kw)
    held = inside(FINE_LEVELS, made.quantiles_kw, made.actual_kw)
    return {
        **score(FINE_LEVELS, made.quantiles_kw, made.actual_kw, capacity_kw, baseline).to_dict(),
        **bands(held, made.target_s, timezone, MIN_MONTH_ROWS),
        "coverage_80_at_all_hours": round(float(everywhen.mean()), 3),
        "same_time_last_week": {
            "nrmse": round(baseline / capacity_kw, 4),
            "crps": round(float(np.abs(made.last_week_kw - made.actual_kw).mean()) / capacity_kw, 4),
        },
    }
