"""The session figures: any files of ACN-Data's sessions, scored over the sessions that begin after `train-until`."""

from __future__ import annotations

import argparse
from datetime import datetime

import numpy as np
import pandas as pd

from forecasting.score import FINE_LEVELS, crps, inside
from forecasting.sessions.backtest import SessionHindcast, hindcast_sessions
from forecasting.sessions.features import Stays, stays_of
from tests.benchmarks.bands import standard_error
from tests.benchmarks.forecast_arrivals import arrival_figures
from tests.benchmarks.recorded_sessions import add_file_arguments, read_recorded

MIN_MONTH_ROWS = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file_arguments(parser)
    parser.add_argument("--refit-days", type=int, default=7)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """MAE, bands and baselines for departure [h] and energy [kWh] at plug-in."""
    recorded = read_recorded(arguments)
    zone, split_s = recorded.zone, recorded.split_s
    stays = stays_of(recorded.sessions, zone)
    made = hindcast_sessions(stays, split_s, arguments.refit_days)
    return {
        "quantity": "sessions",
        "train_until": datetime.fromtimestamp(split_s, zone).isoformat(),
        "trained_on": int((stays.ended_s <= split_s).sum()),
        "scored": len(made["stay_h"].places),
        "note": "sessions without a driver (unclaimed) carry their outcome in the statement's columns; it is not shown to anyone",
        "departure_h": _figures(made["stay_h"], stays, stays.stated_stay_h, zone.key),
        "energy_kwh": _figures(made["energy_kwh"], stays, stays.stated_energy_kwh, zone.key),
        "arrivals_to_come": arrival_figures(recorded.sessions, zone, split_s, recorded.calendar),
    }


def _figures(made: SessionHindcast, stays: Stays, stated: np.ndarray, timezone: str) -> dict[str, object]:
    actual, median = made.actual, made.quantiles[:, 49]
    held = inside(FINE_LEVELS, made.quantiles, actual)
    claimed = np.isfinite(stated[made.places])
    error = np.abs(median - actual)
    return {
        "mae": _rounded(error),
        "mae_standard_error": round(float(error.std() / np.sqrt(len(error))), 3),
        "mae_claimed": _rounded(error[claimed]),
        "crps": _rounded(crps(FINE_LEVELS, made.quantiles, actual)),
        "coverage_80": _rounded(held),
        "coverage_80_standard_error": standard_error(held, stays.started_s[made.places], timezone),
        "months": _months(stays.started_s[made.places], error, held),
        "learned_served": _rounded(made.learned_served),
        "rolling_median": {
            "mae": _rounded(np.abs(made.rolling_median - actual)),
            "crps": _rounded(crps(FINE_LEVELS, made.rolling_quantiles, actual)),
        },
        "stated": {"mae_claimed": _rounded(np.abs(stated[made.places] - actual)[claimed])},
        "best_constant_in_hindsight": {"mae": _rounded(np.abs(_by_hour(stays.hour_h[made.places], actual) - actual))},
    }


def _months(started_s: np.ndarray, error: np.ndarray, held: np.ndarray) -> dict[str, dict[str, float | int]]:
    """Of months with as many sessions as make a share worth reading."""
    frame = pd.DataFrame({"mae": error, "coverage_80": held})
    months = frame.groupby(pd.to_datetime(started_s, unit="s").strftime("%Y-%m"))
    told = {str(month): {"count": len(rows), **rows.mean().round(3).to_dict()} for month, rows in months}
    return {month: figures for month, figures in told.items() if figures["count"] >= MIN_MONTH_ROWS}


def _by_hour(hour_h: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """What nobody could know: the median of the scored sessions themselves that began within an hour of the same time of day."""
    apart_h = np.abs(hour_h[:, None] - hour_h)
    close = np.minimum(apart_h, 24.0 - apart_h) <= 1.0
    return np.array([np.median(actual[row]) for row in close])


def _rounded(values: np.ndarray) -> float | None:
    return round(float(np.mean(values)), 3) if len(values) else None
