"""The session figures: any files of ACN-Data's sessions, scored over the sessions that begin after `train-until`."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session, SessionState
from forecasting.calendar import calendar_of
from forecasting.score import FINE_LEVELS, band, crps
from forecasting.series import zone_of
from forecasting.sessions.backtest import SessionHindcast, hindcast_sessions
from forecasting.sessions.features import Stays, stays_of
from tests.benchmarks.forecast_arrivals import arrival_figures

FOLDER = Path(__file__).parents[2].parent / "shared/data/sessions"
MIN_MONTH_ROWS = 15
COLUMNS = ("arrival", "departure", "requested_energy (kWh)", "delivered_energy (kWh)", "estimated_departure", "claimed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    default = FOLDER / "caltech_2019-05-01_2019-08-31.csv.gz"
    parser.add_argument("--sessions", type=Path, nargs="+", default=[default], help="one or more files, in any order")
    parser.add_argument("--train-until", help="default: the middle of the file's time")
    parser.add_argument("--timezone", default="America/Los_Angeles")
    parser.add_argument("--region", default="US-CA", help="ISO 3166 code whose public holidays count")
    parser.add_argument("--refit-days", type=int, default=7)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """MAE, bands and baselines for departure [h] and energy [kWh] at plug-in."""
    zone = zone_of(arguments.timezone)
    sessions = [session for path in arguments.sessions for session in read_sessions(path)]
    stays = stays_of(sessions, zone)
    if arguments.train_until:
        split_s = int(datetime.fromisoformat(arguments.train_until).replace(tzinfo=zone).timestamp())
    else:
        split_s = int(stays.started_s[0] + stays.started_s[-1]) // 2
    made = hindcast_sessions(stays, split_s, arguments.refit_days)
    first_at, last_at = (datetime.fromtimestamp(int(stays.started_s[k]), zone) for k in (0, -1))
    calendar = calendar_of(arguments.region, first_at, last_at, zone)
    return {
        "quantity": "sessions",
        "train_until": datetime.fromtimestamp(split_s, zone).isoformat(),
        "trained_on": int((stays.ended_s <= split_s).sum()),
        "scored": len(made["stay_h"].places),
        "note": "sessions without a driver (unclaimed) carry their outcome in the statement's columns; it is not shown to anyone",
        "departure_h": _figures(made["stay_h"], stays, stays.stated_stay_h),
        "energy_kwh": _figures(made["energy_kwh"], stays, stays.stated_energy_kwh),
        "arrivals_to_come": arrival_figures(sessions, zone, split_s, calendar),
    }


def read_sessions(path: Path) -> list[Session]:
    """Sessions of an ACN-Data table; an unclaimed one has no statement: its columns repeat what really happened."""
    frame = pd.read_csv(path)
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise InvalidInput(
            "sessions", f"{path.name} has no column {missing[0]!r}", f"give a file with {', '.join(COLUMNS)}"
        )
    for column in ("arrival", "departure", "estimated_departure"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    rows = frame.to_dict("records")
    return [
        Session(
            id=str(row["session_id"]),
            site_id="recorded",
            connector=ConnectorKey(str(row["station_id"]), 1),
            transaction_id=str(row["session_id"]),
            started_at=row["arrival"].to_pydatetime(),
            ended_at=row["departure"].to_pydatetime(),
            energy_kwh=float(row["delivered_energy (kWh)"]),
            state=SessionState.ENDED,
            need=EnergyNeed(float(row["requested_energy (kWh)"]), row["estimated_departure"].to_pydatetime())
            if row["claimed"]
            else None,
        )
        for row in rows
    ]


def _figures(made: SessionHindcast, stays: Stays, stated: np.ndarray) -> dict[str, object]:
    actual, median = made.actual, made.quantiles[:, 49]
    low, high = band(FINE_LEVELS, made.quantiles)
    inside = (actual >= low) & (actual <= high)
    claimed = np.isfinite(stated[made.places])
    error = np.abs(median - actual)
    return {
        "mae": _rounded(error),
        "mae_standard_error": round(float(error.std() / np.sqrt(len(error))), 3),
        "mae_claimed": _rounded(error[claimed]),
        "crps": _rounded(crps(FINE_LEVELS, made.quantiles, actual)),
        "coverage_80": _rounded(inside),
        "months": _months(stays.started_s[made.places], error, inside),
        "learned_served": _rounded(made.learned_served),
        "rolling_median": {
            "mae": _rounded(np.abs(made.rolling_median - actual)),
            "crps": _rounded(crps(FINE_LEVELS, made.rolling_quantiles, actual)),
        },
        "stated": {"mae_claimed": _rounded(np.abs(stated[made.places] - actual)[claimed])},
        "best_constant_in_hindsight": {"mae": _rounded(np.abs(_by_hour(stays.hour_h[made.places], actual) - actual))},
    }


def _months(started_s: np.ndarray, error: np.ndarray, inside: np.ndarray) -> dict[str, dict[str, float | int]]:
    """Of months with as many sessions as make a share worth reading."""
    frame = pd.DataFrame({"mae": error, "coverage_80": inside})
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
