"""The load figures: a table of instants and kW, or a garage's power made from recorded sessions charged as they came."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cpms.domain.errors import InvalidInput
from forecasting.calendar import Calendar, calendar_of
from forecasting.load.backtest import LoadHindcast, hindcast_load
from forecasting.load.peak_backtest import backtest_peak
from forecasting.score import FINE_LEVELS, band, rmse, score
from forecasting.series import HOUR_S, Series, zone_of
from tests.benchmarks.recorded_sessions import FOLDER, read_sessions

STEP_S = 900
VEHICLE_KW = 6.6
REVIEWED_S = 35 * 86400
"""Time before the first scored issue whose forecasts correct the bands, as `review_load` looks at it in the product."""


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
    made = hindcast_load(measured, zone, split_s - REVIEWED_S, leads_s, every_s, 2 * largest_kw, calendar)
    return {
        "quantity": "load",
        "of": str(arguments.load)
        if arguments.load
        else "a garage charging recorded sessions as they came, up to 6.6 kW each",
        "largest_kw": round(largest_kw, 1),
        "month_peak_by_weeks_left": _peaks(measured, zone, split_s, calendar),
        "horizons": {f"{h:g}": _figures(made[int(h * HOUR_S)], largest_kw, split_s) for h in leads_h},
    }


def _peaks(measured: Series, zone: ZoneInfo, split_s: int, calendar: Calendar) -> dict[str, object]:
    """Of every whole month after the split, told at its midnights; nothing where there is none."""
    power = [
        (datetime.fromtimestamp(int(s), zone), float(kw))
        for s, kw in zip(measured.epochs_s, measured.values, strict=True)
    ]
    try:
        tested = backtest_peak(zone.key, power, datetime.fromtimestamp(split_s, zone), calendar=calendar)
    except InvalidInput:
        return {}
    return {f"{one.horizon_h / 168:g}": one.score.to_dict() for one in tested}


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


def _figures(made: LoadHindcast, capacity_kw: float, split_s: int) -> dict[str, object]:
    # a garage that is empty at night is no forecast to be proud of: hours that are 0 one time in ten are not scored
    scored = made.alive & (made.issued_s >= split_s)
    made = LoadHindcast(**{name: values[scored] for name, values in vars(made).items()})
    baseline = rmse(made.last_week_kw, made.actual_kw)
    low_kw, high_kw = band(FINE_LEVELS, made.quantiles_kw)
    inside = (made.actual_kw >= low_kw) & (made.actual_kw <= high_kw)
    stamps = pd.to_datetime(made.target_s, unit="s").strftime("%Y-%m")
    months = pd.Series(inside, index=stamps).groupby(level=0)
    shares = [float(share) for share, count in zip(months.mean(), months.size(), strict=True) if count >= 60]
    return {
        **score(FINE_LEVELS, made.quantiles_kw, made.actual_kw, capacity_kw, baseline).to_dict(),
        "coverage_80_months": [round(min(shares, default=0.0), 3), round(max(shares, default=0.0), 3)],
        "same_time_last_week": {
            "nrmse": round(baseline / capacity_kw, 4),
            "crps": round(float(np.abs(made.last_week_kw - made.actual_kw).mean()) / capacity_kw, 4),
        },
    }
