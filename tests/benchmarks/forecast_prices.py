"""The price figures: a table of a market's day-ahead prices, told for the two days beyond the published one, against what came."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from cpms.domain.errors import InvalidInput
from forecasting.prices.backtest import REVIEW_DAYS, PriceHindcast, hindcast_prices
from forecasting.score import FINE_LEVELS, inside, rmse, score
from forecasting.series import HOUR_S, Series, zone_of
from forecasting.time_of_week import STEP_S
from tests.benchmarks.bands import bands

TABLE = Path(__file__).parents[2].parent / "shared/data/prices/nl_day_ahead_2015_2024.parquet"
PER_MWH = 1000.0
MIN_MONTH_ROWS = 24 * 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prices", type=Path, default=TABLE, help="Parquet: instants in UTC, money per MWh of the hour"
    )
    parser.add_argument("--timezone", default="Europe/Amsterdam", help="whose midnights end the published day")
    parser.add_argument("--train-until", default="2020-01-01")
    parser.add_argument("--days", type=int, default=365)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Per day beyond: scores as shares of the mean absolute price, skill over the same hour last week."""
    zone = zone_of(arguments.timezone)
    series = read_prices(arguments.prices)
    begin = datetime.fromisoformat(arguments.train_until).replace(tzinfo=zone)
    days = [begin + timedelta(days=n) for n in range(-REVIEW_DAYS, arguments.days)]
    made = hindcast_prices(series, zone, [int(day.timestamp()) for day in days])
    return {
        "quantity": "prices",
        "train_until": begin.isoformat(),
        "days_beyond": {str(beyond): _figures(one, zone.key) for beyond, one in enumerate(made, start=1)},
    }


def read_prices(path: Path) -> Series:
    """Quarter hours [money/kWh] of a table of hours."""
    frame = pd.read_parquet(path)
    begin_s = pd.DatetimeIndex(pd.to_datetime(frame.iloc[:, 0], utc=True)).as_unit("s").asi8
    if len(begin_s) == 0:
        raise InvalidInput("prices", "holds no hour", "give a table of instants and money per MWh")
    epochs_s = (begin_s[:, None] + STEP_S * np.arange(int(HOUR_S) // STEP_S)).ravel()
    return Series(epochs_s, np.repeat(frame.iloc[:, 1].to_numpy(dtype=np.float64) / PER_MWH, 4), STEP_S)


def _figures(made: PriceHindcast, timezone: str) -> dict[str, object]:
    usual = float(np.abs(made.actual).mean())
    baseline = rmse(made.last_week, made.actual)
    held = inside(FINE_LEVELS, made.quantiles, made.actual)
    return {
        **score(FINE_LEVELS, made.quantiles, made.actual, usual, baseline).to_dict(),
        **bands(held, made.target_s, timezone, MIN_MONTH_ROWS),
        "same_hour_last_week": {
            "nrmse": round(baseline / usual, 4),
            "crps": round(float(np.abs(made.last_week - made.actual).mean()) / usual, 4),
        },
    }
